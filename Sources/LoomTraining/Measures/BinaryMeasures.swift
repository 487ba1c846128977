import LoomKernels

/// How good the probabilities of a yes are, with scikit-learn's definitions.
///
/// p is the probability that is predicted for a sample, y is 1 where a yes is right and 0 elsewhere.
public struct BinaryMeasures: Sendable, Equatable {
    /// Samples whose predictions lie in one tenth of 0 to 1.
    public struct CalibrationBin: Sendable, Equatable {
        /// The number of samples.
        public let count: Int
        /// The mean of their predictions; nil without samples.
        public let meanPrediction: Double?
        /// The share of them that a yes is right for; nil without samples.
        public let positiveShare: Double?
    }

    /// Precision, recall, F1 and support of the yes; p ≥ ½ says yes.
    public let scores: ClassificationMeasures.Scores
    /// The number of samples.
    public let samples: Int
    /// The area under the receiver operating characteristic: the share of pairs of a yes and a no in which the yes has the
    /// larger p; a tie counts one half. Nil where all samples have the same answer, where a prediction is NaN, and for more
    /// scores than `mostScores`.
    public let rocAUC: Double?
    /// Σ (Rₙ − Rₙ₋₁) Pₙ over all thresholds n from the largest p down, with precision Pₙ and recall Rₙ of the samples at or
    /// above it; 0 without a yes. Nil where a prediction is NaN, and for more scores than `mostScores`.
    public let averagePrecision: Double?
    /// The mean of −y log p − (1 − y) log(1 − p), p and 1 − p kept within ε and 1 − ε, where ε is the distance from 1 to the
    /// next number in the precision of the predictions.
    public let logLoss: Double
    /// The mean of (p − y)².
    public let brierScore: Double
    /// Ten bins; bin i has the predictions above i / 10 and up to (i + 1) / 10, the first one also 0.
    public let calibration: [CalibrationBin]

    /// The most scores, samples times outputs, that are kept and sorted for `rocAUC` and `averagePrecision`: 512 MiB, 8 bytes
    /// for each. What does not need all scores at once is computed for any number.
    public static let mostScores = 1 << 26

    /// The measures of `probabilities`, from 0 to 1, one for each of `targets`: whether a yes is right.
    public init(probabilities: [Double], targets: [Bool]) {
        precondition(probabilities.count == targets.count && !targets.isEmpty, "one probability for each target")
        precondition(probabilities.allSatisfy { $0.isNaN || (0...1).contains($0) }, "probabilities are from 0 to 1")
        let counts = ClassCountsMemory(classes: 1, areExclusive: false, workers: 1)
        let memory = BinarySumsMemory(outputs: 1, samples: targets.count, workers: 1, portions: 1)
        let predictions = AlignedBuffer<Double>(probabilities)
        self = withExtendedLifetime((counts, memory, predictions)) {
            for (target, probability) in zip(targets, probabilities) {
                counts.handle(worker: 0).add(0, isActual: target, isPredicted: probability >= 0.5)
            }
            let column = MatrixView(pointer: predictions.pointer, rows: targets.count, columns: 1, stride: 1)
            memory.handle(worker: 0, portion: 0).add(column, column: 0, output: 0, firstSample: 0) { targets[$0] }
            return memory.measures(output: 0, scores: counts.measures.classes[0])
        }
    }

    init(
        scores: ClassificationMeasures.Scores, samples: Int, rocAUC: Double?, averagePrecision: Double?,
        logLoss: Double, brierScore: Double, calibration: [CalibrationBin]
    ) {
        self.scores = scores
        self.samples = samples
        self.rocAUC = rocAUC
        self.averagePrecision = averagePrecision
        self.logLoss = logLoss
        self.brierScore = brierScore
        self.calibration = calibration
    }
}

/// Scores in their order, with what was right.
enum ScoreRanking {
    /// A score from 0 on and its answer as one number, in the order of the scores; nil for NaN.
    static func key(_ score: Double, isPositive: Bool) -> UInt64? {
        score.isNaN ? nil : score.magnitude.bitPattern << 1 | (isPositive ? 1 : 0)
    }

    /// ROC AUC and average precision of keys, which are sorted in place.
    static func measures(_ keys: UnsafeMutableBufferPointer<UInt64>) -> (rocAUC: Double?, averagePrecision: Double) {
        var keys = keys
        keys.sort(by: >)
        let positives = keys.reduce(0) { $0 + Int($1 & 1) }
        let negatives = keys.count - positives
        guard positives > 0 else { return (nil, 0) }
        // Twice the pairs in the right order, whole numbers: at most 2⁵¹.
        var pairs = 0
        var precision = 0.0
        var (above, start) = (0, 0)
        while start < keys.count {
            let score = keys[start] >> 1
            var (end, found) = (start, 0)
            while end < keys.count, keys[end] >> 1 == score {
                found += Int(keys[end] & 1)
                end += 1
            }
            pairs += (end - start - found) * (2 * above + found)
            above += found
            precision += Double(found) / Double(positives) * (Double(above) / Double(end))
            start = end
        }
        return (negatives == 0 ? nil : Double(pairs) / (2 * Double(positives) * Double(negatives)), precision)
    }
}
