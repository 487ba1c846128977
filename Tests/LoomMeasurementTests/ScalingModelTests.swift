import Foundation
import Testing

@testable import LoomMeasurement

@Suite struct ScalingModelTests {
    /// Degrees of freedom, confidence, t: the tables of Student's distribution.
    private static let quantiles: [(Int, Double, Double)] = [
        (1, 0.95, 12.7062), (2, 0.95, 4.30265), (3, 0.95, 3.18245), (4, 0.9, 2.13185), (5, 0.99, 4.03214),
        (10, 0.95, 2.22814), (30, 0.95, 2.04227),
    ]

    @Test(arguments: quantiles) func studentsQuantilesAreThoseOfTheTables(degrees: Int, confidence: Double, t: Double) {
        #expect(isClose(StudentT.quantile(confidence: confidence, degrees: degrees), t, within: 2e-6))
    }

    /// y = a + b·x through (0, 1), (1, 2), (2, 4): b = 3/2, a = 5/6, residuals 1/6, −1/3, 1/6; (XᵀX)⁻¹ = [5 −3; −3 3] / 6.
    @Test func leastSquaresByHand() throws {
        let fit = try #require(NonNegativeLeastSquares(rows: [[1, 0], [1, 1], [1, 2]], values: [1, 2, 4]))
        #expect(isClose(fit.coefficients[0], 5.0 / 6) && isClose(fit.coefficients[1], 1.5))
        #expect(fit.degrees == 1 && isClose(fit.residualVariance, 1.0 / 6))
        #expect(isClose(fit.inverse[0][1], -0.5))
        #expect(isClose(fit.standardError(gradient: [0, 1]), (1.0 / 12).squareRoot()))
        // At x = 3: 1/6 · (1 + (5 − 18 + 27) / 6).
        #expect(isClose(fit.predictionError(at: [1, 3]), (1.0 / 6 * (1 + 14.0 / 6)).squareRoot()))
    }

    @Test func coefficientsAreNotNegative() throws {
        // The slope would be −1: without it, the mean.
        let fit = try #require(NonNegativeLeastSquares(rows: [[1, 0], [1, 1], [1, 2]], values: [3, 2, 1]))
        #expect(isClose(fit.coefficients[0], 2) && fit.coefficients[1] == 0)
        #expect(fit.degrees == 2 && isClose(fit.residualVariance, 1))
        #expect(NonNegativeLeastSquares(rows: [[1, 0], [1, 1]], values: [1, 2]) == nil)
        // Columns that are the same: one of them is enough.
        let same = try #require(NonNegativeLeastSquares(rows: [[1, 1], [2, 2], [3, 3]], values: [2, 4, 6]))
        #expect(isClose(same.coefficients.reduce(0, +), 2))
    }

    private func amdahl(_ serial: Double, _ workers: [Int]) -> [ScalingPoint] {
        workers.map { ScalingPoint(workers: $0, seconds: serial + (1 - serial) / Double($0)) }
    }

    @Test func amdahlsLawComesBack() throws {
        let fit = try #require(AmdahlFit.fit(amdahl(0.1, [1, 2, 4])).model)
        #expect(isClose(fit.serialFraction, 0.1, within: 1e-9) && isClose(fit.speedupLimit, 10, within: 1e-7))
        #expect(isClose(fit.oneWorkerThroughput, 1, within: 1e-9) && fit.relativeResidual < 1e-9)
        // 0.1 + 0.9 / 8 = 0.2125.
        #expect(isClose(fit.throughput(workers: 8), 1 / 0.2125, within: 1e-9))
        let prediction = fit.prediction(workers: 8)
        #expect(prediction.high - prediction.low < 1e-6 && prediction.workers == 8)
    }

    /// Points that no law goes through exactly: T = 1, 0.6, 0.5 with 1, 2 and 3 workers, relative errors squared, by hand.
    ///
    /// Rows (1/p, 1) / T: (1, 1), (5/6, 5/3), (2/3, 2). XᵀX = [77/36, 67/18; 67/18, 70/9], Xᵀ1 = (5/2, 14/3).
    @Test func amdahlsLawByHand() throws {
        let points = [1.0, 0.6, 0.5].enumerated().map { ScalingPoint(workers: $0.offset + 1, seconds: $0.element) }
        let fit = try #require(AmdahlFit.fit(points).model)
        let determinant = 77.0 / 36 * 70 / 9 - 67.0 / 18 * 67 / 18
        let shared = (2.5 * 70 / 9 - 67.0 / 18 * 14 / 3) / determinant
        let serial = (77.0 / 36 * 14 / 3 - 67.0 / 18 * 2.5) / determinant
        #expect(isClose(fit.serialFraction, serial / (shared + serial), within: 1e-9))
        #expect(isClose(fit.oneWorkerThroughput, 1 / (shared + serial), within: 1e-9))
        let residuals = [1 - shared - serial, 1 - shared * 5 / 6 - serial * 5 / 3, 1 - shared * 2 / 3 - serial * 2]
        let variance = residuals.reduce(0) { $0 + $1 * $1 }
        #expect(isClose(fit.relativeResidual, variance.squareRoot(), within: 1e-9))
        // d(S / (P + S)) = (−S dP + P dS) / (P + S)², with the covariances of P and S.
        let one = shared + serial
        let (byShared, bySerial) = (-serial / (one * one), shared / (one * one))
        let square =
            byShared * byShared * 70 / 9 - 2 * byShared * bySerial * 67 / 18 + bySerial * bySerial * 77 / 36
        let error = (variance * square / determinant).squareRoot()
        #expect(isClose(fit.serialFractionError, error, within: 1e-9))
    }

    @Test func theUniversalScalabilityLawComesBack() throws {
        // X(2) = 200 / (1 + 0.05 + 0.002 · 2) = 189.75.
        let points = [1, 2, 4, 8, 16].map { workers in
            let p = Double(workers)
            return ScalingPoint(workers: workers, throughput: 100 * p / (1 + 0.05 * (p - 1) + 0.002 * p * (p - 1)))
        }
        #expect(isClose(points[1].throughput, 200 / 1.054))
        let fit = try #require(UniversalScalabilityFit.fit(points).model)
        #expect(isClose(fit.contention, 0.05, within: 1e-8) && isClose(fit.coherency, 0.002, within: 1e-8))
        #expect(isClose(fit.oneWorkerThroughput, 100, within: 1e-8))
        #expect(isClose(fit.peakWorkers, (0.95 / 0.002).squareRoot(), within: 1e-6))
        #expect(isClose(fit.throughput(workers: 32), 3200 / (1 + 0.05 * 31 + 0.002 * 32 * 31), within: 1e-8))
    }

    @Test func parametersStayInTheirBounds() throws {
        // Faster than linear: no serial part, and no error of what was not estimated.
        let fast = [1, 2, 3, 4].map { ScalingPoint(workers: $0, throughput: pow(Double($0), 1.1)) }
        let linear = try #require(AmdahlFit.fit(fast).model)
        #expect(linear.serialFraction == 0 && linear.serialFractionError == nil && linear.speedupLimit == .infinity)
        #expect(linear.relativeResidual > 0.01)
        let law = try #require(UniversalScalabilityFit.fit(fast).model)
        #expect(law.contention == 0 && law.coherency == 0 && law.coherencyError == nil && law.peakWorkers == nil)
        // More workers are slower from the start: Amdahl can only say that nothing is shared.
        let slow = [1, 2, 3, 4].map { ScalingPoint(workers: $0, throughput: 1 / Double($0)) }
        #expect(try #require(AmdahlFit.fit(slow).model).serialFraction == 1)
        #expect(try #require(UniversalScalabilityFit.fit(slow).model).peakWorkers == 1)
    }

    @Test func tooFewPointsCarryNoModel() {
        #expect(
            AmdahlFit.fit(amdahl(0.1, [1, 2])).refusal == "two points cannot carry a model: it needs 3 worker counts")
        // Repeated measurements are no more counts.
        #expect(AmdahlFit.fit(amdahl(0.1, [1, 2, 1, 2, 1, 2])).model == nil)
        #expect(
            UniversalScalabilityFit.fit(amdahl(0.1, [1, 2, 4])).refusal
                == "3 points cannot carry a model: it needs 4 worker counts")
        #expect(AmdahlFit.fit([]).model == nil)
        #expect(AmdahlFit.fit(amdahl(0.1, [1, 2, 3])).refusal == nil)
        // One count fewer is left when the largest is held out.
        #expect(AmdahlFit.heldOut(amdahl(0.1, [1, 2, 4])).refusal?.hasPrefix("two points cannot carry") == true)
        #expect(AmdahlFit.heldOut([]).model == nil && UniversalScalabilityFit.heldOut([]).model == nil)
    }

    @Test func pointsThatAreNoneAreRefused() {
        for point in [
            ScalingPoint(workers: 0, throughput: 1), ScalingPoint(workers: 3, throughput: 0),
            ScalingPoint(workers: 3, throughput: .nan), ScalingPoint(workers: 3, seconds: 0),
        ] {
            let points = amdahl(0.1, [1, 2, 4, 8]) + [point]
            guard case .invalidPoint = AmdahlFit.fit(points) else {
                Issue.record("\(point) was fitted")
                continue
            }
            #expect(UniversalScalabilityFit.fit(points).refusal?.contains("no speed can be modelled") == true)
        }
    }

    @Test func theLargestCountIsHeldOut() throws {
        // What was measured with 8 workers is 10 % below the law; the middle of three.
        let law = 1 / (0.1 + 0.9 / 8)
        let measured = [0.5, 0.9, 3].map { ScalingPoint(workers: 8, throughput: law * $0) }
        let held = try #require(AmdahlFit.heldOut(measured + amdahl(0.1, [1, 2, 4])).model)
        #expect(held.predicted.workers == 8 && isClose(held.predicted.throughput, law, within: 1e-8))
        #expect(isClose(held.measured, law * 0.9) && isClose(held.miss, 1 / 0.9 - 1, within: 1e-8))
        let usl = try #require(UniversalScalabilityFit.heldOut(measured + amdahl(0.1, [1, 2, 3, 4])).model)
        #expect(isClose(usl.miss, 1 / 0.9 - 1, within: 1e-6))
    }

    /// 1,000 measurements of 1 … 6 workers with 1 % of noise: predictions for 8 hold the next measurement as often as they
    /// say, and standard errors are those of the estimates.
    @Test func errorsAreWhatTheySay() throws {
        var noise = SyntheticNoise(seed: 3)
        func noisy(_ points: [ScalingPoint]) -> [ScalingPoint] {
            points.map { .init(workers: $0.workers, throughput: $0.throughput * exp(0.01 * noise.normal())) }
        }
        let law = amdahl(0.1, [1, 2, 3, 4, 5, 6, 8])
        var (hits, squaredErrors, variances) = (0, 0.0, 0.0)
        for _ in 0..<1000 {
            let points = noisy(law)
            let held = try #require(AmdahlFit.heldOut(points).model)
            if held.predicted.low <= held.measured && held.measured <= held.predicted.high { hits += 1 }
            let fit = try #require(AmdahlFit.fit(points).model)
            squaredErrors += pow(fit.serialFraction - 0.1, 2)
            variances += pow(try #require(fit.serialFractionError), 2)
        }
        #expect((930...970).contains(hits))
        #expect((0.85...1.15).contains(squaredErrors / variances))
    }
}
