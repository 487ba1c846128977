import CHardware
import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// Two workers with parameters of their own.
@Suite struct ReplicaTests {
    // MARK: When

    @Test(arguments: [
        ([32, 64, 10], 64, true), ([13, 50, 3], 96, true), ([32, 64, 10], 128, true), ([20, 30, 5], 1024, true),
        // One column, too many parameters, too many activations, columns too large beside activations.
        ([32, 64, 10], 63, false), ([128, 256, 10], 64, false), ([32, 64, 10], 2000, false),
        ([100, 100, 10], 64, false), ([64, 64, 10], 256, false),
    ]) func choice(layers: [Int], batchRows: Int, expected: Bool) throws {
        for workers in [1, 2, 3, 4] {
            let trainer = try Self.problem(layers, rows: batchRows).trainer(
                Float.self, schedule: TrainingSchedule(batchRows: batchRows, epochs: 1),
                team: TeamPlan(workers: workers))
            #expect(trainer.gradientChoice.usesReplicas == (expected && workers == 2), "\(workers) workers")
        }
    }

    /// Penalties and norms of all parameters are added up slice by slice.
    @Test func notWithPenaltiesOrNorms() throws {
        func usesReplicas(_ optimizer: OptimizerDescription, l2: Double = 0) throws -> Bool {
            var problem = Self.problem([32, 64, 10], rows: 64)
            problem.loss.l2 = l2
            let schedule = TrainingSchedule(batchRows: 64, epochs: 1)
            return try problem.trainer(
                Float.self, optimizer: optimizer, schedule: schedule, team: TeamPlan(workers: 2)
            ).gradientChoice.usesReplicas
        }
        for kind in OptimizerDescription.Kind.allCases {
            #expect(try usesReplicas(OptimizerDescription(kind: kind)) == (kind != .adamw))
            #expect(try usesReplicas(OptimizerDescription(kind: kind, weightDecay: 0)))
            #expect(try !usesReplicas(OptimizerDescription(kind: kind, weightDecay: 0, clipNorm: 1)))
            #expect(try !usesReplicas(OptimizerDescription(kind: kind, weightDecay: 0), l2: 0.1))
        }
    }

    // MARK: Bits

    /// Batches of two, four and eight columns; last ones of as many, of two, of one, and of a single sample.
    @Test(
        arguments: [OptimizerDescription.Kind.sgd, .momentum, .nesterov, .adam],
        [(64, 192), (64, 198), (64, 150), (64, 129), (150, 400), (150, 301), (300, 700)])
    func sameBitsAsOneWorker(kind: OptimizerDescription.Kind, sizes: (batchRows: Int, samples: Int)) throws {
        for request in [TeamRequest.auto, .forkJoin] {
            for shuffles in [true, false] {
                let schedule = TrainingSchedule(batchRows: sizes.batchRows, epochs: 4, shuffles: shuffles)
                let trainings = TrainerPair(
                    problem: Self.problem([20, 33, 19, 5], rows: sizes.samples),
                    optimizer: OptimizerDescription(kind: kind, learningRate: 0.02), schedule: schedule,
                    request: request)
                try trainings.check(Float.self) { $0.usesReplicas }
                try trainings.check(Double.self) { $0.usesReplicas }
            }
        }
    }

    // MARK: The end

    /// The verdict about a step comes before its update: after a loss that is not finite there is none.
    @Test(arguments: [TeamRequest.auto, .forkJoin]) func divergence(request: TeamRequest) throws {
        try Self.problem([20, 33, 19, 5], rows: 320).checkDivergence(
            at: 200, optimizer: OptimizerDescription(kind: .momentum), request: request
        ) { $0.usesReplicas }
    }

    /// And after a signal there is one: the step counts. In a process of its own: the signal stays noted.
    @Test func interruption() async {
        await #expect(processExitsWith: .success) {
            let problem = ReplicaTests.problem([20, 33, 19, 5], rows: 320)
            func trainer(_ request: TeamRequest, workers: Int) throws -> Trainer<Float> {
                try problem.trainer(
                    Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 1),
                    team: TeamPlan(workers: workers, request: request))
            }
            let alone = try trainer(.auto, workers: 1)
            #expect(alone.run(steps: 1).steps == 1)
            loom_note_stop_signals()
            interruptThisProcess()
            for request in [TeamRequest.auto, .forkJoin] {
                let pair = try trainer(request, workers: 2)
                let report = pair.run(steps: 5)
                #expect(pair.gradientChoice.usesReplicas && report.interrupted && report.steps == 1)
                #expect(pair.parameters.hash == alone.parameters.hash)
            }
        }
    }

    static func problem(_ layers: [Int], rows: Int) -> FastProblem {
        FastProblem.made(layers: layers, output: .softmax, rows: rows, seed: 7)
    }
}
