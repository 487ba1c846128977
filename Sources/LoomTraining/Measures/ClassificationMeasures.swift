/// How well classes are told apart, class by class, with scikit-learn's definitions.
///
/// Of the samples of a class, its support, TP are predicted as this class and FN as others; FP samples of others are
/// predicted as it. A quotient whose denominator is 0 is 0 (`zero_division=0`).
public struct ClassificationMeasures: Sendable, Equatable {
    /// The measures of one class, or their mean over classes.
    public struct Scores: Sendable, Equatable {
        /// TP / (TP + FP): the share of right ones among the samples that are predicted as this class.
        public let precision: Double
        /// TP / (TP + FN): the share of the class's samples that are found.
        public let recall: Double
        /// 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall.
        public let f1Score: Double
        /// The number of the class's samples; of a mean: of all classes' samples.
        public let support: Int
    }

    /// A class that was predicted where another one was right.
    public struct Confusion: Sendable, Equatable {
        /// The right class, by its index.
        public let actual: Int
        /// The predicted class, by its index.
        public let predicted: Int
        /// How many samples.
        public let count: Int
    }

    /// The scores of each class; of several independent decisions: of the yes of each output.
    public let classes: [Scores]
    /// The mean of the classes' scores, those without samples included.
    public let macroAverage: Scores
    /// Their mean, weighted by support.
    public let weightedAverage: Scores
    /// How many samples of class i are predicted as class j: `confusionMatrix[i][j]`. Nil for several independent decisions,
    /// and for more than `mostConfusionClasses` classes.
    public let confusionMatrix: [[Int]]?

    /// The most classes for which a confusion matrix is counted: 8 MiB for each worker.
    public static let mostConfusionClasses = 1024

    /// The measures of samples with the classes `labels` that are predicted as `predictions`: indices below `classes`.
    public init(labels: [Int], predictions: [Int], classes: Int) {
        precondition(labels.count == predictions.count, "one prediction for each label")
        precondition((labels + predictions).allSatisfy { (0..<classes).contains($0) }, "indices of classes")
        let memory = ClassCountsMemory(classes: classes, areExclusive: true, workers: 1)
        let counts = memory.handle(worker: 0)
        for (label, prediction) in zip(labels, predictions) { counts.add(label, predictedAs: prediction) }
        self = withExtendedLifetime(memory) { memory.measures }
    }

    init(truePositives: [Int], predicted: [Int], support: [Int], confusionMatrix: [[Int]]?) {
        let classes = support.indices.map { index in
            let (right, predicted, support) = (Double(truePositives[index]), predicted[index], support[index])
            func quotient(_ count: Double, _ total: Int) -> Double { total == 0 ? 0 : count / Double(total) }
            return Scores(
                precision: quotient(right, predicted), recall: quotient(right, support),
                f1Score: quotient(2 * right, predicted + support), support: support)
        }
        self.classes = classes
        self.confusionMatrix = confusionMatrix
        let total = support.reduce(0, +)
        func average(_ weight: (Scores) -> Double, _ weights: Double) -> Scores {
            func mean(_ value: (Scores) -> Double) -> Double {
                weights == 0 ? 0 : classes.reduce(0) { $0 + weight($1) * value($1) } / weights
            }
            return Scores(
                precision: mean(\.precision), recall: mean(\.recall), f1Score: mean(\.f1Score), support: total)
        }
        macroAverage = average({ _ in 1 }, Double(classes.count))
        weightedAverage = average({ Double($0.support) }, Double(total))
    }

    /// The most frequent mistakes, at most `count`: the most frequent one first, then by class. Empty without a confusion
    /// matrix.
    public func mostConfused(atMost count: Int) -> [Confusion] {
        var pairs: [Confusion] = []
        for (actual, row) in (confusionMatrix ?? []).enumerated() {
            for (predicted, samples) in row.enumerated() where predicted != actual && samples > 0 {
                pairs.append(Confusion(actual: actual, predicted: predicted, count: samples))
            }
        }
        return Array(
            pairs.sorted { ($1.count, $0.actual, $0.predicted) < ($0.count, $1.actual, $1.predicted) }.prefix(count))
    }
}
