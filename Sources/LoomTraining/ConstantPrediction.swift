import LoomData
import LoomKernels
import LoomModel

/// The best prediction that does not look at its sample: what a network has to beat in order to have learnt anything.
///
/// That is the shares of classes for a cross entropy, and the mean for squared errors.
package struct ConstantPrediction: Sendable, Equatable {
    /// The loss of a training, without its penalty.
    private let loss: LossDescription
    /// Whether one class of several is predicted, or each output by itself.
    private let isDistribution: Bool
    /// The prediction of each output; nil where there are no targets.
    package let outputs: [Double]

    /// The best constant prediction for the targets of `data`; nil: it has none.
    package init?<Scalar: LoomScalar>(for data: Dataset<Scalar>, loss: LossDescription, output: OutputMap) {
        guard let means = data.targetMeans else { return nil }
        self.loss = loss
        isDistribution = output == .softmax
        outputs = means
    }

    /// Its loss on `data`, as the training's is reported, penalty excluded; nil where `data` has no targets, or a target that
    /// the prediction excludes.
    package func loss<Scalar: LoomScalar>(on data: Dataset<Scalar>) -> Double? {
        let sum: Double
        switch data.targets {
        case nil: return nil
        case .labels(let labels, _):
            // The loss of each class, as often as it occurs.
            var counts = [Double](repeating: 0, count: outputs.count)
            for (row, label) in labels.elements.enumerated() {
                guard outputs.indices.contains(Int(label)) else { return nil }
                counts[Int(label)] += data.weight(row: row)
            }
            sum = zip(counts, outputs).reduce(0) {
                $0 + ($1.0 == 0 ? 0 : -$1.0 * ElementaryFunctions.log($1.1))
            }
        case .values(let targets):
            var total = 0.0
            for row in 0..<targets.rows {
                for (column, output) in outputs.enumerated() {
                    total += data.weight(row: row) * loss(of: output, target: Double(targets[row, column]))
                }
            }
            sum = total
        }
        let result = loss.reduction == .mean ? sum / Double(data.count) : sum
        return result.isFinite ? result : nil
    }

    private func loss(of output: Double, target: Double) -> Double {
        func part(_ weight: Double, _ probability: Double) -> Double {
            weight == 0 ? 0 : -weight * ElementaryFunctions.log(probability)
        }
        switch loss.kind {
        case .crossEntropy:
            return isDistribution ? part(target, output) : part(target, output) + part(1 - target, 1 - output)
        case .squaredSum: return (target - output) * (target - output)
        case .halfSquared: return 0.5 * (target - output) * (target - output)
        }
    }
}

extension Dataset {
    /// How much a sample counts.
    fileprivate func weight(row: Int) -> Double { weights.map { Double($0.pointer[row]) } ?? 1 }

    /// The mean of every target column, or the share of every class, each sample counted by its weight; nil without targets.
    fileprivate var targetMeans: [Double]? {
        var sums: [Double]
        switch targets {
        case nil: return nil
        case .labels(let labels, let classes):
            sums = [Double](repeating: 0, count: classes)
            for (row, label) in labels.elements.enumerated() { sums[Int(label)] += weight(row: row) }
        case .values(let matrix):
            sums = [Double](repeating: 0, count: matrix.columns)
            for row in 0..<matrix.rows {
                for column in 0..<matrix.columns { sums[column] += weight(row: row) * Double(matrix[row, column]) }
            }
        }
        let total = weights == nil ? Double(count) : (0..<count).reduce(0) { $0 + weight(row: $1) }
        return sums.map { $0 / total }
    }
}
