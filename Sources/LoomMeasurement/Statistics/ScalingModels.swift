import Foundation

/// Amdahl's law: a part of the work is not shared, whatever the number of workers.
///
/// Speed-up(p) = 1 / (s + (1 − s) / p) (Amdahl, "Validity of the single processor approach", AFIPS 1967). Times are linear in
/// its coefficients, so it is fitted by least squares of relative errors, with 0 ≤ s ≤ 1.
public struct AmdahlFit: Sendable {
    private let curve: ScalingCurve

    /// Fits the law to speeds at three worker counts at least.
    public static func fit(_ points: [ScalingPoint]) -> ScalingFit<AmdahlFit> {
        ScalingCurve.fit(points, terms: .sharedAndSerial).map(AmdahlFit.init(curve:))
    }

    /// Fits the law to all worker counts but the largest, and predicts that one.
    public static func heldOut(_ points: [ScalingPoint], confidence: Double = 0.95) -> ScalingFit<HeldOutPrediction> {
        guard let held = ScalingCurve.heldOut(points) else { return .tooFewCounts(counts: 0, needed: 3) }
        return fit(held.others).map {
            HeldOutPrediction(
                predicted: $0.prediction(workers: held.workers, confidence: confidence), measured: held.measured)
        }
    }

    /// The part s of one worker's time that is not shared, 0…1.
    public var serialFraction: Double { curve.serialFraction.value }
    /// The standard error of `serialFraction`; nil where it is 0 because the data would want it negative.
    public var serialFractionError: Double? { curve.serialFraction.error }
    /// The speed of one worker, in the points' unit.
    public var oneWorkerThroughput: Double { 1 / curve.oneWorkerSeconds }
    /// How many times faster than one worker any number of workers can be; infinite without a serial part.
    public var speedupLimit: Double { 1 / serialFraction }
    /// How far single measurements lie from the law, as a part of them: the standard deviation.
    public var relativeResidual: Double { curve.fit.residualVariance.squareRoot() }

    /// The speed of `workers`, in the points' unit.
    public func throughput(workers: Int) -> Double { curve.throughput(workers: workers) }

    /// The speed that one more measurement would give.
    public func prediction(workers: Int, confidence: Double = 0.95) -> ScalingPrediction {
        curve.prediction(workers: workers, confidence: confidence)
    }
}

/// Gunther's Universal Scalability Law: Amdahl's law, and a cost for each pair of workers that have to agree.
///
/// Speed-up(p) = p / (1 + σ · (p − 1) + κ · p · (p − 1)) (Gunther, "Guerrilla Capacity Planning", chapter 4). σ, contention,
/// is Amdahl's serial part; κ, coherency, makes more workers slower from some number on. Fitted as Amdahl's law, with
/// 0 ≤ σ ≤ 1 and κ ≥ 0.
public struct UniversalScalabilityFit: Sendable {
    private let curve: ScalingCurve

    /// Fits the law to speeds at four worker counts at least.
    public static func fit(_ points: [ScalingPoint]) -> ScalingFit<UniversalScalabilityFit> {
        ScalingCurve.fit(points, terms: .growing).map(UniversalScalabilityFit.init(curve:))
    }

    /// Fits the law to all worker counts but the largest, and predicts that one.
    public static func heldOut(_ points: [ScalingPoint], confidence: Double = 0.95) -> ScalingFit<HeldOutPrediction> {
        guard let held = ScalingCurve.heldOut(points) else { return .tooFewCounts(counts: 0, needed: 4) }
        return fit(held.others).map {
            HeldOutPrediction(
                predicted: $0.prediction(workers: held.workers, confidence: confidence), measured: held.measured)
        }
    }

    /// σ, 0…1.
    public var contention: Double { curve.serialFraction.value }
    /// The standard error of `contention`; nil where it is 0 because the data would want it negative.
    public var contentionError: Double? { curve.serialFraction.error }
    /// κ, from 0 on.
    public var coherency: Double { curve.growth.value }
    /// The standard error of `coherency`; nil where it is 0 because the data would want it negative.
    public var coherencyError: Double? { curve.growth.error }
    /// The speed of one worker, in the points' unit.
    public var oneWorkerThroughput: Double { 1 / curve.oneWorkerSeconds }
    /// How far single measurements lie from the law, as a part of them: the standard deviation.
    public var relativeResidual: Double { curve.fit.residualVariance.squareRoot() }
    /// The number of workers from which on more are slower, √((1 − σ) / κ); nil without coherency.
    public var peakWorkers: Double? {
        coherency > 0 ? max(1, ((1 - contention) / coherency).squareRoot()) : nil
    }

    /// The speed of `workers`, in the points' unit.
    public func throughput(workers: Int) -> Double { curve.throughput(workers: workers) }

    /// The speed that one more measurement would give.
    public func prediction(workers: Int, confidence: Double = 0.95) -> ScalingPrediction {
        curve.prediction(workers: workers, confidence: confidence)
    }
}
