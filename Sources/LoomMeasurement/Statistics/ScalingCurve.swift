import Foundation

/// The speed that was measured with a number of workers. Repeated measurements are points of their own.
public struct ScalingPoint: Sendable, Equatable, Codable {
    /// Above 0.
    public var workers: Int
    /// Work per second, in any unit that all points share, for example samples/s.
    public var throughput: Double

    /// A speed, in work per second.
    public init(workers: Int, throughput: Double) {
        self.workers = workers
        self.throughput = throughput
    }

    /// A time for the same work at every worker count, in seconds.
    public init(workers: Int, seconds: Double) {
        self.init(workers: workers, throughput: 1 / seconds)
    }
}

/// A model of scaling, or why there is none.
public enum ScalingFit<Model> {
    /// The model.
    case fitted(Model)
    /// The points are of `counts` different worker counts, and the model needs `needed`: one more than it has parameters, or
    /// it would go through all points and say nothing about its own error.
    case tooFewCounts(counts: Int, needed: Int)
    /// A worker count below 1, or a speed that is not above 0 and finite.
    case invalidPoint(ScalingPoint)

    /// The model, if there is one.
    public var model: Model? {
        if case .fitted(let model) = self { model } else { nil }
    }

    /// One sentence that says why there is no model; nil where there is one.
    public var refusal: String? {
        switch self {
        case .fitted: nil
        case .tooFewCounts(let counts, let needed):
            """
            \(counts == 2 ? "two points" : counts == 1 ? "one point" : "\(counts) points") cannot carry a model: it needs \
            \(needed) worker counts
            """
        case .invalidPoint(let point):
            "no speed can be modelled with \(point.workers) workers at \(point.throughput) a second"
        }
    }

    func map<Other>(_ transform: (Model) -> Other) -> ScalingFit<Other> {
        switch self {
        case .fitted(let model): .fitted(transform(model))
        case .tooFewCounts(let counts, let needed): .tooFewCounts(counts: counts, needed: needed)
        case .invalidPoint(let point): .invalidPoint(point)
        }
    }
}

extension ScalingFit: Sendable where Model: Sendable {}

/// A speed that a model predicts for one more measurement, and the interval that it lies in with the wanted confidence.
public struct ScalingPrediction: Sendable, Equatable, Codable {
    /// Of the prediction.
    public let workers: Int
    /// Work per second, in the points' unit.
    public let throughput: Double
    /// The interval's lower end.
    public let low: Double
    /// The interval's upper end.
    public let high: Double
}

/// What a model that has not seen the largest worker count predicts for it, beside what was measured.
public struct HeldOutPrediction: Sendable, Equatable, Codable {
    /// What the model says.
    public let predicted: ScalingPrediction
    /// The median of the speeds that were measured there.
    public let measured: Double

    /// How far the prediction misses, as a part of what was measured: 0.1 is 10 % too fast.
    public var miss: Double { predicted.throughput / measured - 1 }
}

/// The time for a unit of work with p workers as P/p + S + C · (p − 1), with coefficients that are not negative: what all
/// workers share, what does not become less, and what grows with each of them.
///
/// Noise of times is in proportion to them, so squares of relative errors are summed.
struct ScalingCurve {
    /// Its coefficients are P, S and C.
    let fit: NonNegativeLeastSquares
    private let columns: Int

    /// With P and S alone, or C also.
    enum Terms: Int {
        case sharedAndSerial = 2
        case growing = 3
    }

    static func fit(_ points: [ScalingPoint], terms: Terms) -> ScalingFit<ScalingCurve> {
        for point in points where point.workers < 1 || !(point.throughput > 0) || !point.throughput.isFinite {
            return .invalidPoint(point)
        }
        let columns = terms.rawValue
        let counts = Set(points.map(\.workers)).count
        guard counts > columns,
            let fit = NonNegativeLeastSquares(
                rows: points.map { point in
                    row(workers: point.workers, columns: columns).map { $0 * point.throughput }
                }, values: points.map { _ in 1 }),
            fit.coefficients[0] + fit.coefficients[1] > 0
        else { return .tooFewCounts(counts: counts, needed: columns + 1) }
        return .fitted(ScalingCurve(fit: fit, columns: columns))
    }

    private static func row(workers: Int, columns: Int) -> [Double] {
        Array([1 / Double(workers), 1, Double(workers - 1)].prefix(columns))
    }

    /// P + S: the time with one worker.
    var oneWorkerSeconds: Double { fit.coefficients[0] + fit.coefficients[1] }

    /// S / (P + S), and its standard error; no error where it is held at 0.
    var serialFraction: (value: Double, error: Double?) {
        let (shared, serial, one) = (fit.coefficients[0], fit.coefficients[1], oneWorkerSeconds)
        let gradient = [-serial / (one * one), shared / (one * one), 0].prefix(columns)
        return (serial / one, serial > 0 ? fit.standardError(gradient: Array(gradient)) : nil)
    }

    /// C / (P + S), and its standard error; no error where it is held at 0.
    var growth: (value: Double, error: Double?) {
        guard columns > 2, fit.coefficients[2] > 0 else { return (0, nil) }
        let (growing, one) = (fit.coefficients[2], oneWorkerSeconds)
        let gradient = [-growing / (one * one), -growing / (one * one), 1 / one]
        return (growing / one, fit.standardError(gradient: gradient))
    }

    func throughput(workers: Int) -> Double { 1 / fit.value(at: Self.row(workers: workers, columns: columns)) }

    /// The interval is that of Student's t for one more observation, on the logarithm of the speed.
    func prediction(workers: Int, confidence: Double) -> ScalingPrediction {
        let throughput = throughput(workers: workers)
        let relative = Self.row(workers: workers, columns: columns).map { $0 * throughput }
        let reach =
            StudentT.quantile(confidence: confidence, degrees: fit.degrees) * fit.predictionError(at: relative)
        return ScalingPrediction(
            workers: workers, throughput: throughput, low: throughput * exp(-reach), high: throughput * exp(reach))
    }

    /// The points but those of the largest worker count, and that count with the median of its speeds; nil without points.
    static func heldOut(_ points: [ScalingPoint]) -> (others: [ScalingPoint], workers: Int, measured: Double)? {
        guard let largest = points.map(\.workers).max(),
            let speeds = SortedSamples(points.filter { $0.workers == largest }.map(\.throughput))
        else { return nil }
        return (points.filter { $0.workers != largest }, largest, speeds.median)
    }
}
