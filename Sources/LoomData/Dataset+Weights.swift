import LoomKernels

// How much each sample counts in the loss.
extension Dataset {
    /// The same samples, each of which counts as much as its class does in `classes`, times its number in `samples`; nil: once.
    ///
    /// - Parameters:
    ///   - classes: One weight for each class; the targets are classes.
    ///   - samples: One weight for each sample.
    public func weighted(classes: [Double]? = nil, samples: [Double]? = nil) -> Dataset {
        guard classes != nil || samples != nil else { return self }
        precondition(samples == nil || samples?.count == count, "one weight for each sample")
        let weights = AlignedBuffer<Scalar>(uninitializedCount: count)
        for row in 0..<count {
            let weight = (samples?[row] ?? 1) * (classes.map { $0[classIndex(row: row)] } ?? 1)
            weights.pointer[row] = Scalar(weight)
        }
        return Dataset(self, weights: weights)
    }

    /// The same samples with the weights of other ones: sample i counts as much as `places[i]` of `other` does.
    package func weighted(as other: Dataset, at places: (Int) -> Int) -> Dataset {
        guard let weights = other.weights else { return self }
        return weighted(samples: (0..<count).map { Double(weights.pointer[places($0)]) })
    }

    /// How often each of `classes` classes occurs.
    package func classCounts(_ classes: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: classes)
        for row in 0..<count { counts[classIndex(row: row)] += 1 }
        return counts
    }

    private func classIndex(row: Int) -> Int {
        switch targets {
        case .labels(let labels, _): Int(labels.pointer[row])
        case .values(let values): SampleClass.index(values, row: row)
        case nil: preconditionFailure("samples without targets have no classes")
        }
    }
}
