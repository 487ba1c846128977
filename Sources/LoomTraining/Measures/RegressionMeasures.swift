import LoomKernels

/// How far predicted numbers are from their targets, with scikit-learn's definitions.
public struct RegressionMeasures: Sendable, Equatable {
    /// The errors of one target, or their mean over targets.
    public struct Errors: Sendable, Equatable {
        /// The mean of |ŷ − y|.
        public let meanAbsoluteError: Double
        /// √ of the mean of (ŷ − y)².
        public let rootMeanSquaredError: Double
        /// R² = 1 − Σ (ŷ − y)² / Σ (y − ȳ)², where ȳ is the mean of the targets: 1 for predictions that are right, 0 for the
        /// mean, below 0 for worse ones. Where all targets are the same, 1 if all predictions are right and 0 otherwise. Nil
        /// for fewer than two samples.
        public let r2Score: Double?
    }

    /// The errors of each target.
    public let targets: [Errors]
    /// The means of the targets' measures, each target counting the same.
    public let average: Errors

    /// The measures of `predictions` for `targets`: samples × targets, both.
    public init(predictions: [[Double]], targets: [[Double]]) {
        let columns = targets.first?.count ?? 0
        precondition(predictions.count == targets.count && columns > 0, "one prediction for each target")
        precondition((predictions + targets).allSatisfy { $0.count == columns }, "rows of the same length")
        let memory = RegressionSumsMemory(targets: columns, portions: 1)
        let numbers = [predictions, targets].map { AlignedBuffer<Double>($0.joined().map { $0 }) }
        self = withExtendedLifetime((memory, numbers)) {
            let views = numbers.map {
                MatrixView(pointer: $0.pointer, rows: targets.count, columns: columns, stride: columns)
            }
            memory.handle(portion: 0).add(views[0], targets: views[1])
            return memory.measures
        }
    }

    init(targets: [Errors]) {
        self.targets = targets
        func mean(_ value: (Errors) -> Double) -> Double {
            targets.reduce(0) { $0 + value($1) } / Double(targets.count)
        }
        average = Errors(
            meanAbsoluteError: mean(\.meanAbsoluteError), rootMeanSquaredError: mean(\.rootMeanSquaredError),
            r2Score: targets.contains { $0.r2Score == nil } ? nil : mean { $0.r2Score! })
    }
}

/// What is added up of the errors of a portion of the samples.
struct RegressionSums: BitwiseCopyable, @unchecked Sendable {
    // Sendable: each portion has sums of its own.

    /// Absolute errors, squared errors, the targets' mean, and the squares of their deviations from it.
    static let sumsPerTarget = 4

    /// The number of samples, then the sums of each target.
    fileprivate let sums: UnsafeMutablePointer<Double>

    /// Adds the errors of rows × targets.
    func add<Scalar: LoomScalar>(_ predictions: MatrixView<Scalar>, targets: MatrixView<Scalar>) {
        let rows = predictions.rows
        let before = sums[0]
        for column in 0..<targets.columns {
            // Deviations from the first target: a constant target has none, exactly.
            let first = Double(targets[0, column])
            var (absolute, squared, shift) = (0.0, 0.0, 0.0)
            for row in 0..<rows {
                let target = Double(targets[row, column])
                let error = Double(predictions[row, column]) - target
                absolute += error.magnitude
                squared += error * error
                shift += target - first
            }
            let mean = first + shift / Double(rows)
            var deviations = 0.0
            for row in 0..<rows {
                let deviation = Double(targets[row, column]) - mean
                deviations += deviation * deviation
            }
            let sums = sums + 1 + column * Self.sumsPerTarget
            sums[0] += absolute
            sums[1] += squared
            Self.merge(&sums[2], &sums[3], before, mean: mean, deviations: deviations, count: Double(rows))
        }
        sums[0] += Double(rows)
    }

    /// Joins the mean and the squared deviations of `count` numbers to those of `before` numbers (Chan, Golub and LeVeque).
    static func merge(
        _ mean: inout Double, _ deviations: inout Double, _ before: Double, mean other: Double,
        deviations otherDeviations: Double, count: Double
    ) {
        let difference = other - mean
        let total = before + count
        guard before > 0 else {
            (mean, deviations) = (other, otherDeviations)
            return
        }
        mean += difference * (count / total)
        deviations += otherDeviations + difference * difference * (before * count / total)
    }
}

/// The sums of all portions.
final class RegressionSumsMemory: Sendable {
    private let targets: Int
    private let portions: Int
    private let stride: Int
    private let sums: AlignedBuffer<Double>

    init(targets: Int, portions: Int) {
        self.targets = targets
        self.portions = portions
        stride = Padding.stride(columns: 1 + targets * RegressionSums.sumsPerTarget, of: Double.self)
        sums = AlignedBuffer(count: portions * stride, repeating: 0)
    }

    func handle(portion: Int) -> RegressionSums { RegressionSums(sums: sums.pointer + portion * stride) }

    var measures: RegressionMeasures {
        RegressionMeasures(
            targets: (0..<targets).map { target in
                var (count, absolute, squared, mean, deviations) = (0.0, 0.0, 0.0, 0.0, 0.0)
                for portion in 0..<portions {
                    let start = sums.pointer + portion * stride
                    let own = start + 1 + target * RegressionSums.sumsPerTarget
                    guard start[0] > 0 else { continue }
                    absolute += own[0]
                    squared += own[1]
                    RegressionSums.merge(&mean, &deviations, count, mean: own[2], deviations: own[3], count: start[0])
                    count += start[0]
                }
                let score = deviations > 0 || squared.isNaN ? 1 - squared / deviations : squared == 0 ? 1 : 0
                return .init(
                    meanAbsoluteError: absolute / count, rootMeanSquaredError: (squared / count).squareRoot(),
                    r2Score: count < 2 ? nil : score)
            })
    }
}
