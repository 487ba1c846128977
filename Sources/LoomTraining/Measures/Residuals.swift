import LoomKernels

/// How a predicted number lies beside its target: a residual is target − prediction.
///
/// A sample whose target or prediction is not finite, or so large that its square has no room, is counted and left out.
package struct Residuals: Sendable, Equatable {
    /// A sample with its target and its prediction.
    package struct Sample: BitwiseCopyable, Sendable, Equatable {
        /// Its place among the samples, counted from 0.
        package let sample: Int
        package let target, prediction: Double

        package var residual: Double { target - prediction }

        init(_ sample: Int, target: Double, prediction: Double) {
            (self.sample, self.target, self.prediction) = (sample, target, prediction)
        }
    }

    /// Intervals of equal width; the last one has its upper end, too.
    package struct Intervals: BitwiseCopyable, Sendable, Equatable {
        package let low, high: Double
        package let count: Int

        /// The end between two intervals, or of all.
        package func end(_ index: Int) -> Double {
            index == count ? high : low + (high - low) * (Double(index) / Double(count))
        }

        /// The interval of `value`; nil: it is in none.
        func index(_ value: Double) -> Int? {
            guard value >= low, value <= high else { return nil }
            guard high > low else { return 0 }
            return min(count - 1, Int((value - low) / (high - low) * Double(count)))
        }
    }

    /// The samples that were measured, and those that were left out.
    package let samples, leftOut: Int
    /// The mean of the residuals, and √ of the mean of their squared distances from it.
    package let mean, standardDeviation: Double
    /// The samples with the largest |residual|, the largest first; of equal ones the first.
    package let largest: [Sample]
    /// The intervals of residuals, within four standard deviations of the mean.
    package let intervals: Intervals
    /// The residuals in each of `intervals`.
    package let counts: [Int]
    /// The residuals below and above all intervals.
    package let below, above: Int
    /// Every sample, where they are few; otherwise nil.
    package let points: [Sample]?
    /// The intervals of both targets and predictions.
    package let grid: Intervals
    /// The samples by the interval of their prediction and then by that of their target.
    package let density: [[Int]]

    /// As many samples are listed as the largest.
    static let largestCount = 5
    /// Up to so many samples are points.
    package static let mostPoints = 300
    static let intervalCount = 40
    static let gridCount = 32
    /// Sums of the squares of larger numbers have no room.
    static let largestNumber = 1e140
    static let deviationsShown = 4.0
}

/// What is added up of the residuals of a portion of the samples.
struct ResidualSums: BitwiseCopyable {
    private(set) var samples = 0, leftOut = 0
    private(set) var mean = 0.0
    private var squares = 0.0
    /// Of targets and predictions, and of residuals.
    private var lowest = Double.infinity, highest = -Double.infinity
    private var lowestResidual = Double.infinity, highestResidual = -Double.infinity

    static func isMeasured(_ value: Double) -> Bool { value.magnitude <= Residuals.largestNumber }

    /// Adds a sample, and says whether it is measured.
    mutating func add(_ sample: Residuals.Sample) -> Bool {
        guard Self.isMeasured(sample.target), Self.isMeasured(sample.prediction) else {
            leftOut += 1
            return false
        }
        let residual = sample.residual
        RegressionSums.merge(&mean, &squares, Double(samples), mean: residual, deviations: 0, count: 1)
        samples += 1
        lowest = min(lowest, sample.target, sample.prediction)
        highest = max(highest, sample.target, sample.prediction)
        lowestResidual = min(lowestResidual, residual)
        highestResidual = max(highestResidual, residual)
        return true
    }

    mutating func add(_ other: ResidualSums) {
        leftOut += other.leftOut
        guard other.samples > 0 else { return }
        RegressionSums.merge(
            &mean, &squares, Double(samples), mean: other.mean, deviations: other.squares, count: Double(other.samples))
        samples += other.samples
        lowest = min(lowest, other.lowest)
        highest = max(highest, other.highest)
        lowestResidual = min(lowestResidual, other.lowestResidual)
        highestResidual = max(highestResidual, other.highestResidual)
    }

    var standardDeviation: Double { samples > 0 ? (squares / Double(samples)).squareRoot() : 0 }

    var intervals: Residuals.Intervals {
        let reach = Residuals.deviationsShown * standardDeviation
        // The mean of equal residuals may be a rounding beside them.
        let (low, high) = (max(lowestResidual, mean - reach), min(highestResidual, mean + reach))
        return low < high
            ? .init(low: low, high: high, count: Residuals.intervalCount)
            : .init(low: lowestResidual, high: highestResidual, count: 1)
    }

    var grid: Residuals.Intervals { .init(low: lowest, high: highest, count: Residuals.gridCount) }
}

/// The first pass over samples: the sums of each portion and target, and its samples with the largest residuals.
final class ResidualSumsMemory: Sendable {
    private let targets, portions: Int
    private let sums: AlignedBuffer<ResidualSums>
    private let largest: AlignedBuffer<Residuals.Sample>
    private static var none: Residuals.Sample { .init(-1, target: 0, prediction: 0) }

    init(targets: Int, portions: Int) {
        (self.targets, self.portions) = (targets, portions)
        sums = AlignedBuffer(count: portions * targets, repeating: ResidualSums())
        largest = AlignedBuffer(count: portions * targets * Residuals.largestCount, repeating: Self.none)
    }

    func add(_ sample: Residuals.Sample, target: Int, portion: Int) {
        let place = portion * targets + target
        guard sums.pointer[place].add(sample) else { return }
        let list = largest.pointer + place * Residuals.largestCount
        var free = Residuals.largestCount
        while free > 0, list[free - 1].sample < 0 || Self.isLarger(sample, than: list[free - 1]) {
            if free < Residuals.largestCount { list[free] = list[free - 1] }
            free -= 1
        }
        if free < Residuals.largestCount { list[free] = sample }
    }

    private static func isLarger(_ sample: Residuals.Sample, than other: Residuals.Sample) -> Bool {
        sample.residual.magnitude > other.residual.magnitude
    }

    func total(target: Int) -> ResidualSums {
        var total = ResidualSums()
        for portion in 0..<portions { total.add(sums.pointer[portion * targets + target]) }
        return total
    }

    func largest(target: Int) -> [Residuals.Sample] {
        let all = (0..<portions).flatMap { portion in
            UnsafeBufferPointer(
                start: largest.pointer + (portion * targets + target) * Residuals.largestCount,
                count: Residuals.largestCount)
        }.filter { $0.sample >= 0 }
        let sorted = all.sorted {
            Self.isLarger($0, than: $1) || (!Self.isLarger($1, than: $0) && $0.sample < $1.sample)
        }
        return Array(sorted.prefix(Residuals.largestCount))
    }
}

/// The second pass: how many samples are in each interval, which each worker counts for itself.
final class ResidualCountsMemory: Sendable {
    private let sums: [ResidualSums]
    private let intervals, grids: [Residuals.Intervals]
    private let workers: Int
    private let stride: Int
    private let counts: AlignedBuffer<Int>
    private let points: AlignedBuffer<Residuals.Sample>?

    /// Intervals of residuals, those below and above, and the grid.
    private static var countsPerTarget: Int { Residuals.intervalCount + 2 + Residuals.gridCount * Residuals.gridCount }
    private static var gridStart: Int { Residuals.intervalCount + 2 }

    init(_ sums: [ResidualSums], samples: Int, workers: Int) {
        (self.sums, self.workers) = (sums, workers)
        (intervals, grids) = (sums.map(\.intervals), sums.map(\.grid))
        stride = Padding.stride(columns: sums.count * Self.countsPerTarget, of: Int.self)
        counts = AlignedBuffer(count: workers * stride, repeating: 0)
        points =
            samples > Residuals.mostPoints
            ? nil
            : AlignedBuffer(count: samples * sums.count, repeating: .init(-1, target: 0, prediction: 0))
    }

    func add(_ sample: Residuals.Sample, target: Int, worker: Int) {
        guard ResidualSums.isMeasured(sample.target), ResidualSums.isMeasured(sample.prediction) else { return }
        points?.pointer[sample.sample * sums.count + target] = sample
        let own = counts.pointer + worker * stride + target * Self.countsPerTarget
        if let index = intervals[target].index(sample.residual) {
            own[index] += 1
        } else {
            own[Residuals.intervalCount + (sample.residual < intervals[target].low ? 0 : 1)] += 1
        }
        if let row = grids[target].index(sample.prediction), let column = grids[target].index(sample.target) {
            own[Self.gridStart + row * Residuals.gridCount + column] += 1
        }
    }

    func residuals(target: Int, largest: [Residuals.Sample]) -> Residuals {
        let own = (0..<Self.countsPerTarget).map { index in
            (0..<workers).reduce(0) { $0 + counts.pointer[$1 * stride + target * Self.countsPerTarget + index] }
        }
        let points = points.map { points in
            Swift.stride(from: target, to: points.count, by: sums.count).map { points.pointer[$0] }.filter {
                $0.sample >= 0
            }
        }
        return Residuals(
            samples: sums[target].samples, leftOut: sums[target].leftOut, mean: sums[target].mean,
            standardDeviation: sums[target].standardDeviation, largest: largest, intervals: intervals[target],
            counts: Array(own.prefix(intervals[target].count)), below: own[Residuals.intervalCount],
            above: own[Residuals.intervalCount + 1], points: points, grid: grids[target],
            density: (0..<Residuals.gridCount).map { row in
                let start = Self.gridStart + row * Residuals.gridCount
                return Array(own[start..<start + Residuals.gridCount])
            })
    }
}
