import LoomKernels

extension TargetConversion {
    /// Refuses a task with more classes than there is a place for.
    package func checkClasses(of source: SyntheticSource) throws(DataError) {
        guard case .classIndices(let classes) = source.targetColumns.form, let places = classCount, classes > places
        else { return }
        throw DataError(
            .badConfiguration, source: source.name, problem: "the task has \(classes) classes, but there are \(places)",
            remedy: "give the last layer as many units, or the task fewer classes")
    }

    /// Writes the targets of generated samples, which are as they should be: as class indices where the loss wants those, or
    /// as the values that `values` is the place for. Nothing is allocated.
    @inline(__always)
    package func store<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        _ made: MatrixView<Float>, labels: UnsafeMutablePointer<Int32>?, values: () -> MatrixView<Scalar>
    ) {
        if let labels {
            for row in 0..<made.rows { labels[row] = Int32(made[row, 0]) }
            return
        }
        let values = values()
        for row in 0..<made.rows {
            let to = values.pointer + row * values.stride
            if rule == .oneHotFromIntegers {
                let label = Int(made[row, 0])
                for column in 0..<values.columns { to[column] = column == label ? 1 : 0 }
            } else {
                for column in 0..<values.columns { to[column] = Scalar(made[row, column]) }
            }
        }
    }
}

extension MatrixView<Float> {
    /// The elements, shifted and scaled first where a standardisation is given; without one, they become `Double`s.
    package func store<Result: BitwiseCopyable & BinaryFloatingPoint>(
        to destination: MatrixView<Result>, standardizedBy standardization: Standardization?
    ) {
        if let standardization {
            _ = ScalarStorage.standardize(
                self, to: destination, means: standardization.means, deviations: standardization.deviations)
        } else if let wide = destination as? MatrixView<Double> {
            ScalarStorage.widen(self, to: wide)
        } else {
            preconditionFailure("made in place where nothing has to be done")
        }
    }
}
