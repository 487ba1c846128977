import LoomKernels

/// What is added up of the probabilities of a portion of the samples.
struct BinarySums: BitwiseCopyable, @unchecked Sendable {
    // Sendable: each worker has counts, each portion sums, and each sample a key of its own.

    static let bins = 10
    /// Samples and positive samples of each bin, and predictions that are NaN.
    static let countsPerOutput = 2 * bins + 1
    /// Log loss, squares, and the predictions of each bin.
    static let sumsPerOutput = 2 + bins

    fileprivate let counts: UnsafeMutablePointer<Int>
    fileprivate let sums: UnsafeMutablePointer<Double>
    /// Outputs × samples; nil: there are too many of them.
    fileprivate let keys: UnsafeMutablePointer<UInt64>?
    fileprivate let samples: Int

    /// Adds the probabilities in column `column` of `predictions`, which are those of `output` for the samples from
    /// `firstSample` on.
    @inline(__always)
    func add<Scalar: LoomScalar>(
        _ predictions: MatrixView<Scalar>, column: Int, output: Int, firstSample: Int, isPositive: (_ row: Int) -> Bool
    ) {
        let counts = counts + output * Self.countsPerOutput
        let sums = sums + output * Self.sumsPerOutput
        let smallest = Double(Scalar.ulpOfOne)
        var (logLoss, squares) = (0.0, 0.0)
        for row in 0..<predictions.rows {
            let probability = Double(predictions[row, column])
            let isPositive = isPositive(row)
            let right = isPositive ? probability : 1 - probability
            logLoss -= ElementaryFunctions.log(min(max(right, smallest), 1 - smallest))
            let error = isPositive ? 1 - probability : probability
            squares += error * error
            guard let key = ScoreRanking.key(probability, isPositive: isPositive) else {
                counts[2 * Self.bins] += 1
                logLoss = .nan
                continue
            }
            let bin = Self.bin(of: probability)
            counts[bin] += 1
            if isPositive { counts[Self.bins + bin] += 1 }
            sums[2 + bin] += probability
            keys?[output * samples + firstSample + row] = key
        }
        sums[0] += logLoss
        sums[1] += squares
    }

    /// The bin whose upper edge is the first one that is not below `probability`.
    static func bin(of probability: Double) -> Int {
        (1..<bins).first { probability <= Double($0) * 0.1 }.map { $0 - 1 } ?? bins - 1
    }
}

/// The sums of all portions.
final class BinarySumsMemory: Sendable {
    private let samples: Int
    private let workers: Int
    private let portions: Int
    private let countStride: Int
    private let sumStride: Int
    private let counts: AlignedBuffer<Int>
    private let sums: AlignedBuffer<Double>
    private let keys: AlignedBuffer<UInt64>?

    init(outputs: Int, samples: Int, workers: Int, portions: Int, mostScores: Int = BinaryMeasures.mostScores) {
        self.samples = samples
        self.workers = workers
        self.portions = portions
        countStride = Padding.stride(columns: outputs * BinarySums.countsPerOutput, of: Int.self)
        sumStride = Padding.stride(columns: outputs * BinarySums.sumsPerOutput, of: Double.self)
        counts = AlignedBuffer(count: workers * countStride, repeating: 0)
        sums = AlignedBuffer(count: portions * sumStride, repeating: 0)
        keys =
            outputs > 0 && samples <= mostScores / outputs ? AlignedBuffer(uninitializedCount: outputs * samples) : nil
    }

    func handle(worker: Int, portion: Int) -> BinarySums {
        BinarySums(
            counts: counts.pointer + worker * countStride, sums: sums.pointer + portion * sumStride,
            keys: keys?.pointer, samples: samples)
    }

    /// The measures of `output`, whose scores are `scores`; its keys are sorted.
    func measures(output: Int, scores: ClassificationMeasures.Scores) -> BinaryMeasures {
        func count(_ index: Int) -> Int {
            let first = output * BinarySums.countsPerOutput + index
            return (0..<workers).reduce(0) { $0 + counts.pointer[$1 * countStride + first] }
        }
        func sum(_ index: Int) -> Double {
            let first = output * BinarySums.sumsPerOutput + index
            return (0..<portions).reduce(0) { $0 + sums.pointer[$1 * sumStride + first] }
        }
        let hasNaN = count(2 * BinarySums.bins) > 0
        var ranking: (rocAUC: Double?, averagePrecision: Double?) = (nil, nil)
        if let keys, !hasNaN {
            ranking = ScoreRanking.measures(
                UnsafeMutableBufferPointer(start: keys.pointer + output * samples, count: samples))
        }
        return BinaryMeasures(
            scores: scores, samples: samples, rocAUC: ranking.rocAUC, averagePrecision: ranking.averagePrecision,
            logLoss: sum(0) / Double(samples), brierScore: sum(1) / Double(samples),
            calibration: (0..<BinarySums.bins).map { bin in
                let samples = count(bin)
                guard samples > 0 else { return .init(count: 0, meanPrediction: nil, positiveShare: nil) }
                return .init(
                    count: samples, meanPrediction: sum(2 + bin) / Double(samples),
                    positiveShare: Double(count(BinarySums.bins + bin)) / Double(samples))
            })
    }
}
