import LoomKernels
import LoomModel

/// What is measured of a network's predictions beside their loss: what fits its output and its loss.
public struct PredictionMeasures: Sendable, Equatable {
    /// The loss and accuracy.
    public let evaluation: Evaluation
    /// Class by class: of a softmax output its classes, of one sigmoid unit no and yes, of several units the yes of each;
    /// nil for a regression. A target between 0 and 1 counts as the nearer one, ½ as 1.
    public let classification: ClassificationMeasures?
    /// Of the probability of the second one of two classes, or of each of several sigmoid units; otherwise empty.
    public let binary: [BinaryMeasures]
    /// Of a squared loss, unless its output is softmax or sigmoid and all its targets are 0 or 1; otherwise nil.
    public let regression: RegressionMeasures?
}

/// What workers add up of predictions, chunk by chunk.
///
/// Whole numbers are counted by each worker. Other sums are those of portions, which consist of the same chunks for any
/// number of workers and are added in their order.
final class PredictionMeasuresMemory<Scalar: LoomScalar>: Sendable {
    /// The runs of chunks that are added up by themselves.
    let portions: Int
    private let output: OutputMap
    private let outputs: Int
    private let classes: ClassCountsMemory?
    private let binary: BinarySumsMemory
    private let binaryOutputs: Int
    private let errors: RegressionSumsMemory?
    /// For each worker whether a target was neither 0 nor 1, in a cache line of its own.
    private let otherTargets: AlignedBuffer<Int>

    private static var lineCounts: Int { Padding.alignmentBytes / MemoryLayout<Int>.stride }

    init(
        output: OutputMap, outputs: Int, loss: LossDescription.Kind, samples: Int, chunks: Int, workers: Int,
        mostPortions: Int
    ) {
        self.output = output
        self.outputs = outputs
        let classes: Int
        switch output {
        case .softmax: (classes, binaryOutputs) = (outputs, outputs == 2 ? 1 : 0)
        case .sigmoid: (classes, binaryOutputs) = (max(outputs, 2), outputs)
        case .identity, .threshold, .softmaxWeighted: (classes, binaryOutputs) = (0, 0)
        }
        let isRegression = loss != .crossEntropy
        // Enough for every worker, few enough for many outputs.
        let sums =
            binaryOutputs * BinarySums.sumsPerOutput + (isRegression ? outputs * RegressionSums.sumsPerTarget : 0) + 1
        portions = min(chunks, mostPortions, max((1 << 20) / sums, 256))
        self.classes =
            classes == 0
            ? nil
            : ClassCountsMemory(
                classes: classes, areExclusive: output == .softmax || outputs == 1, workers: workers)
        binary = BinarySumsMemory(outputs: binaryOutputs, samples: samples, workers: workers, portions: portions)
        errors = isRegression ? RegressionSumsMemory(targets: outputs, portions: portions) : nil
        otherTargets = AlignedBuffer(count: workers * Self.lineCounts, repeating: 0)
    }

    /// Adds the samples `rows`, the first rows of `network`, whose loss was computed: logits become predictions.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func add(_ network: NetworkHandle<Scalar>, rows: Range<Int>, targets: BatchTargets<Scalar>, at place: ChunkPlace) {
        let all = 0..<rows.count
        let logits = network.logits.rows(all)
        if let counts = classes?.handle(worker: place.worker) {
            addDecisions(logits, targets, to: counts)
            if errors != nil, targets.labels == nil { look(at: targets.values.rows(all), worker: place.worker) }
        }
        network.predictAfterLoss(rows: all)
        let predictions = network.prediction.rows(all)
        let sums = binary.handle(worker: place.worker, portion: place.portion)
        for output in 0..<binaryOutputs {
            let column = self.output == .softmax ? 1 : output
            sums.add(predictions, column: column, output: output, firstSample: rows.lowerBound) { row in
                if let labels = targets.labels { return labels[row] == 1 }
                let values = targets.values
                return self.output == .softmax ? values[row, 1] > values[row, 0] : values[row, output] >= 0.5
            }
        }
        errors?.handle(portion: place.portion).add(predictions, targets: targets.values.rows(all))
    }

    /// Counts what the logits decide, as accuracy does.
    private func addDecisions(_ logits: MatrixView<Scalar>, _ targets: BatchTargets<Scalar>, to counts: ClassCounts) {
        for row in 0..<logits.rows {
            if output == .softmax {
                let actual = targets.labels.map { Int($0[row]) } ?? targets.values.indexOfLargest(row: row)
                counts.add(actual, predictedAs: logits.indexOfLargest(row: row))
            } else if outputs == 1 {
                counts.add(targets.values[row, 0] >= 0.5 ? 1 : 0, predictedAs: logits[row, 0] >= 0 ? 1 : 0)
            } else {
                for unit in 0..<outputs {
                    counts.add(unit, isActual: targets.values[row, unit] >= 0.5, isPredicted: logits[row, unit] >= 0)
                }
            }
        }
    }

    private func look(at targets: MatrixView<Scalar>, worker: Int) {
        for row in 0..<targets.rows {
            for column in 0..<targets.columns where targets[row, column] != 0 && targets[row, column] != 1 {
                otherTargets.pointer[worker * Self.lineCounts] = 1
                return
            }
        }
    }

    /// The measures, beside `evaluation`; scores are sorted.
    func measures(_ evaluation: Evaluation) -> PredictionMeasures {
        let areNumbers = classes == nil || otherTargets.elements.contains(1)
        guard let classes, !areNumbers else {
            return PredictionMeasures(
                evaluation: evaluation, classification: nil, binary: [], regression: errors?.measures)
        }
        let classification = classes.measures
        let binary = (0..<binaryOutputs).map { output in
            let isSecondClass = self.output == .softmax || outputs == 1
            return self.binary.measures(output: output, scores: classification.classes[isSecondClass ? 1 : output])
        }
        return PredictionMeasures(
            evaluation: evaluation, classification: classification, binary: binary, regression: nil)
    }
}

extension MatrixView where Scalar: Comparable {
    /// The column of the largest element of `row`, the first one of several.
    @inline(__always)
    fileprivate func indexOfLargest(row: Int) -> Int {
        let elements = pointer + row * stride
        var largest = 0
        for column in 1..<max(columns, 1) where elements[column] > elements[largest] { largest = column }
        return largest
    }
}
