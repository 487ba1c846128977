import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// Gradients of the two halves of a batch, which two workers exchange.
@Suite struct ExchangeTests {
    // MARK: When

    @Test(arguments: [
        ([256, 512, 10], 256, true), ([784, 128, 10], 128, true), ([128, 64, 10], 64, true),
        ([100, 200, 10], 1000, true), ([64, 64, 10], 256, true),
        // Replicas, columns, one shard, few samples, long halves, many parameters.
        ([32, 64, 10], 64, false), ([32, 64, 10], 2000, false), ([784, 128, 10], 16, false),
        ([784, 128, 10], 48, false), ([784, 256, 10], 1200, false), ([512, 512, 10], 256, false),
    ]) func choice(layers: [Int], batchRows: Int, expected: Bool) throws {
        let problem = Self.problem(layers, rows: batchRows)
        func choice(_ team: TeamPlan) throws -> GradientChoice {
            try problem.trainer(Float.self, schedule: TrainingSchedule(batchRows: batchRows, epochs: 1), team: team)
                .gradientChoice
        }
        for workers in [1, 2, 3, 4] {
            let found = try choice(TeamPlan(workers: workers))
            #expect(found.addsHalves == expected, "\(workers) workers")
            #expect(found.exchangesHalves == (expected && workers == 2), "\(workers) workers")
            let fixed = try choice(TeamPlan(workers: workers, sameBitsForAnyWorkers: false))
            #expect(fixed.exchangesHalves == (expected && workers == 2 && fixed.form == .sliced), "\(workers) workers")
            #expect(fixed.addsHalves == fixed.exchangesHalves)
            #expect(try !choice(TeamPlan(workers: workers, gemmProvider: .openBLAS)).addsHalves)
        }
    }

    // MARK: Bits

    /// Last batches of two halves, of one shard, and of a single sample.
    @Test(arguments: OptimizerDescription.Kind.allCases, [(64, 192), (64, 150), (64, 140), (64, 129), (150, 400)])
    func sameBitsAsOneWorker(kind: OptimizerDescription.Kind, sizes: (batchRows: Int, samples: Int)) throws {
        for request in [TeamRequest.auto, .forkJoin] {
            for shuffles in [true, false] {
                let trainings = Self.trainings(
                    OptimizerDescription(kind: kind, learningRate: 0.02), sizes: sizes, shuffles: shuffles,
                    request: request)
                try trainings.check(Float.self) { $0.exchangesHalves }
                if shuffles { try trainings.check(Double.self) { $0.exchangesHalves } }
            }
        }
    }

    /// Penalties and norms of all parameters, which each worker adds up for its slices.
    @Test(arguments: [(0.03, nil), (0, 0.05), (0.03, 0.05)] as [(Double, Double?)], [(64, 150), (64, 129)])
    func penaltiesAndNorms(l2AndClipNorm: (Double, Double?), sizes: (batchRows: Int, samples: Int)) throws {
        for kind in [OptimizerDescription.Kind.sgd, .momentum, .adamw] {
            let optimizer = OptimizerDescription(
                kind: kind, learningRate: 0.02, weightDecay: 0.1, clipNorm: l2AndClipNorm.1)
            for request in [TeamRequest.auto, .forkJoin] {
                var trainings = Self.trainings(optimizer, sizes: sizes, shuffles: true, request: request)
                trainings.problem.loss.l2 = l2AndClipNorm.0
                try trainings.check(Float.self) { $0.exchangesHalves }
            }
        }
    }

    /// Others slice the sum of the halves.
    @Test(arguments: [3, 4, 5, 8], [OptimizerDescription.Kind.sgd, .momentum, .adam])
    func sameBitsForMoreWorkers(workers: Int, kind: OptimizerDescription.Kind) throws {
        for sizes in [(64, 150), (64, 129), (150, 400)] {
            var trainings = Self.trainings(
                OptimizerDescription(kind: kind, learningRate: 0.02), sizes: sizes, shuffles: true, request: .auto)
            trainings.workers = workers
            try trainings.check(Float.self) { $0.addsHalves && !$0.exchangesHalves }
        }
    }

    /// After a loss that is not finite, everything is as before the step; also where a worker had written a gradient over
    /// its copy of parameters.
    @Test(arguments: [TeamRequest.auto, .forkJoin], [nil, 0.05] as [Double?])
    func divergence(request: TeamRequest, clipNorm: Double?) throws {
        for sample in [200, 250] {
            try Self.problem(Self.layers, rows: 320).checkDivergence(
                at: sample, optimizer: OptimizerDescription(kind: .momentum, clipNorm: clipNorm), request: request
            ) { $0.exchangesHalves }
        }
    }

    private static let layers = [120, 93, 31, 11]

    private static func problem(_ layers: [Int], rows: Int) -> FastProblem {
        FastProblem.made(layers: layers, output: .softmax, rows: rows, seed: 7)
    }

    private static func trainings(
        _ optimizer: OptimizerDescription, sizes: (batchRows: Int, samples: Int), shuffles: Bool, request: TeamRequest
    ) -> TrainerPair {
        TrainerPair(
            problem: problem(layers, rows: sizes.samples), optimizer: optimizer,
            schedule: TrainingSchedule(batchRows: sizes.batchRows, epochs: 3, shuffles: shuffles), request: request)
    }
}
