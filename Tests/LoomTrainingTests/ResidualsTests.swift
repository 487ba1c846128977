import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// Residuals, chunk by chunk on any number of workers, and interval by interval.
@Suite struct ResidualsTests {
    /// Few samples, which are points, and many; fewer and more chunks than portions.
    @Test(arguments: [(250, 1024), (1900, 3), (1900, 1024)])
    func residualsAreThoseOfAllSamples(rows: Int, portions: Int) throws {
        let problem = FastProblem.made(layers: [5, 7, 3], output: .identity, rows: rows, seed: 4)
        let data = try problem.dataset(Double.self)
        let network = try Network<Double>(problem.network)
        var results: [[Residuals?]] = []
        var predictions: [[Double]] = []
        for workers in [1, 2, 5] {
            try PreparedBLAS.prepare(workers: workers)
            let evaluator = Evaluator(
                network: network, parameters: network.initialParameters(), team: WorkerTeam(workers: workers))
            results.append(
                try evaluator.residuals(.resident(data), loss: problem.loss, most: 2, mostPortions: portions))
            let buffer = evaluator.predict(data)
            predictions = withExtendedLifetime(buffer) {
                MatrixView(pointer: buffer.pointer, rows: rows, columns: 3, stride: 3).rowsOfDoubles
            }
        }
        #expect(results.allSatisfy { $0 == results[0] } && results[0].count == 2)
        for (target, residuals) in results[0].enumerated() {
            let own = try #require(residuals)
            let samples = (0..<rows).map {
                Residuals.Sample($0, target: problem.targets[$0][target], prediction: predictions[$0][target])
            }
            expect(own, of: samples)
        }
    }

    /// Compares with the definitions, all samples at once.
    private func expect(_ own: Residuals, of samples: [Residuals.Sample]) {
        let residuals = samples.map { $0.target - $0.prediction }
        let count = Double(samples.count)
        let mean = residuals.reduce(0, +) / count
        let deviation = (residuals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        #expect(own.samples == samples.count && own.leftOut == 0)
        #expect(abs(own.mean - mean) < 1e-12 && abs(own.standardDeviation - deviation) < 1e-12)
        #expect(own.largest == Array(samples.sorted { abs($0.residual) > abs($1.residual) }.prefix(5)))
        #expect(own.points == (samples.count <= Residuals.mostPoints ? samples : nil))
        for index in 0..<own.intervals.count {
            let isLast = index == own.intervals.count - 1
            let (low, high) = (own.intervals.end(index), own.intervals.end(index + 1))
            #expect(own.counts[index] == residuals.count { $0 >= low && ($0 < high || (isLast && $0 == high)) })
        }
        #expect(own.below == residuals.count { $0 < own.intervals.low })
        #expect(own.above == residuals.count { $0 > own.intervals.high })
        #expect(own.counts.reduce(own.below + own.above, +) == samples.count)
        let numbers = samples.flatMap { [$0.target, $0.prediction] }
        #expect(own.grid.low == numbers.min() && own.grid.high == numbers.max())
        #expect(own.density.joined().reduce(0, +) == samples.count)
        for (row, counts) in own.density.enumerated() {
            #expect(counts.reduce(0, +) == samples.count { own.grid.index($0.prediction) == row })
        }
        for column in own.density.indices {
            #expect(
                own.density.reduce(0) { $0 + $1[column] } == samples.count { own.grid.index($0.target) == column })
        }
    }

    private func residuals(_ samples: [Residuals.Sample]) -> Residuals {
        let first = ResidualSumsMemory(targets: 1, portions: 2)
        for (place, sample) in samples.enumerated() { first.add(sample, target: 0, portion: place % 2) }
        let second = ResidualCountsMemory([first.total(target: 0)], samples: samples.count, workers: 2)
        for (place, sample) in samples.enumerated() { second.add(sample, target: 0, worker: place % 2) }
        return second.residuals(target: 0, largest: first.largest(target: 0))
    }

    /// Numbers that are no measure of anything are counted, and nothing else.
    @Test func whatIsNotFiniteIsLeftOut() {
        let samples = [(1, 2), (.nan, 0), (0, .infinity), (1e200, -1e200), (-3, -2)].enumerated().map {
            Residuals.Sample($0, target: $1.0, prediction: $1.1)
        }
        let own = residuals(samples)
        #expect(own.samples == 2 && own.leftOut == 3 && own.mean == -1 && own.standardDeviation == 0)
        #expect(own.largest.map(\.sample) == [0, 4] && own.points?.map(\.sample) == [0, 4])
        // Equal residuals have one interval.
        #expect(own.counts == [2] && own.intervals.low == -1 && own.intervals.high == -1)
    }

    /// One far outlier leaves the others their intervals.
    @Test func farResidualsAreBeyondTheIntervals() {
        let samples = (0..<400).map { Residuals.Sample($0, target: Double($0 % 7), prediction: 0) }
        let own = residuals(samples + [.init(400, target: 0, prediction: 1000)])
        #expect(own.below == 1 && own.above == 0 && own.largest[0].sample == 400)
        #expect(own.intervals.low > -250 && own.intervals.high == 6)
        // Of equal residuals the first ones.
        #expect(own.largest.dropFirst().map(\.sample) == [6, 13, 20, 27])
    }
}
