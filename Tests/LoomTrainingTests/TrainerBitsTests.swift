import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomPlan
import LoomTraining
import TestSupport
import Testing

/// The same bits for every number of workers, gang or fork-join, and in every run.
@Suite struct TrainerBitsTests {
    /// A training whose result must not depend on who does it.
    struct Case: Sendable, CustomStringConvertible {
        let layers: [Int]
        let samples: Int
        let batchRows: Int
        var shardRows: Int?
        var kind = OptimizerDescription.Kind.momentum
        var l2 = 0.0
        var clipNorm: Double?
        var output = OutputMap.softmax
        var shuffles = true
        var cacheBytes = 1 << 20
        var epochs = 2
        var groups: Int?

        var description: String {
            let shards = shardRows.map { " shards of \($0)" } ?? ""
            let clip = clipNorm.map { " clip \($0)" } ?? ""
            return layers.map(String.init).joined(separator: "-")
                + " \(samples) by \(batchRows)\(shards) \(kind) l2 \(l2)\(clip) \(output) cache \(cacheBytes)"
        }
    }

    static let cases: [Case] = [
        // Narrow networks: one slice a tensor, many shards, also in blocks of a few shards that fit a small cache.
        Case(layers: [4, 32, 16, 4], samples: 300, batchRows: 128, kind: .adam),
        Case(layers: [4, 32, 16, 4], samples: 300, batchRows: 128, shardRows: 8, l2: 0.01, clipNorm: 0.1),
        Case(
            layers: [4, 32, 16, 4], samples: 1100, batchRows: 1000, kind: .sgd, cacheBytes: 1 << 15, epochs: 1
        ),
        Case(layers: [2, 3, 2], samples: 41, batchRows: 10, shardRows: 3, kind: .adam, clipNorm: 0.5),
        // Widths and batches that divide by nothing.
        Case(layers: [37, 93, 11], samples: 150, batchRows: 64, l2: 0.001),
        Case(layers: [37, 93, 11], samples: 150, batchRows: 64, shardRows: 7, kind: .adam, shuffles: false),
        Case(layers: [37, 93, 11], samples: 151, batchRows: 151, kind: .sgd, clipNorm: 0.2, shuffles: false),
        // Two workers with parameters of their own, and a last batch of one column.
        Case(layers: [32, 64, 10], samples: 300, batchRows: 64, kind: .sgd),
        Case(layers: [20, 33, 19, 5], samples: 230, batchRows: 100, kind: .adam, shuffles: false),
        // One output, and no hidden layer.
        Case(layers: [20, 33, 1], samples: 130, batchRows: 50, kind: .sgd, output: .sigmoid),
        Case(layers: [20, 1], samples: 130, batchRows: 50, shardRows: 16, l2: 0.1, output: .identity),
        Case(layers: [50, 7], samples: 100, batchRows: 33, kind: .adam, clipNorm: 0.05),
        // Several slices a tensor, by rows and (the output layer) by columns.
        Case(layers: [256, 300, 10], samples: 500, batchRows: 200, l2: 0.001, clipNorm: 1, epochs: 1),
        Case(layers: [256, 300, 10], samples: 500, batchRows: 200, shardRows: 24, kind: .adam, epochs: 1),
        Case(layers: [784, 128, 10], samples: 300, batchRows: 128, epochs: 1),
        Case(
            layers: [784, 128, 10], samples: 300, batchRows: 128, shardRows: 32, kind: .sgd, l2: 1e-4,
            epochs: 1),
        // Shards of an odd number of rows: kernels add their last row in another order, in a few sums only.
        Case(layers: [38, 18, 184, 170], samples: 130, batchRows: 70, shardRows: 33, output: .identity, epochs: 1),
        Case(
            layers: [70, 169, 12], samples: 225, batchRows: 145, shardRows: 3, kind: .sgd, shuffles: false, epochs: 1),
        Case(layers: [100, 150, 150, 60], samples: 310, batchRows: 300, kind: .sgd, epochs: 1),
        // Groups of several products, and many groups of few samples.
        Case(layers: [12, 20, 3], samples: 2300, batchRows: 1300, kind: .momentum, epochs: 1, groups: 2),
        Case(layers: [12, 20, 3], samples: 200, batchRows: 64, shardRows: 4, kind: .sgd, epochs: 1, groups: 16),
    ]

    /// Who multiplies, and how gradients travel.
    struct Way: Sendable {
        let provider: GemmBackend
        let route: GradientRoute?
    }

    /// Built-in products have the same bits by every route; others by the one that is chosen.
    static let ways =
        [Way(provider: .builtin, route: nil), Way(provider: .openBLAS, route: nil)]
        + GradientRoute.allCases.map { Way(provider: .builtin, route: $0) }

    private static let teams: [(workers: Int, request: TeamRequest)] =
        [(2, .auto), (3, .auto), (8, .auto), (2, .forkJoin)]
        + (Effort.isSoak ? [(4, .auto), (5, .auto), (6, .auto), (7, .auto), (3, .forkJoin), (8, .forkJoin)] : [])

    @Test(arguments: cases) func float32(_ training: Case) throws {
        try Self.check(training, Float.self, teams: Self.teams)
    }

    @Test(arguments: cases) func float64(_ training: Case) throws {
        // The plans are those of float32: here the kernels are others.
        try Self.check(training, Double.self, teams: Effort.isSoak ? Self.teams : [(3, .auto), (2, .forkJoin)])
    }

    /// The same in gangs, in a process of its own: beside other tests, Dispatch has no threads left for a gang, and every
    /// region above runs in fork-join mode.
    @Test(.enabled(if: WorkerTeam.dispatchWidth >= 2)) func gangs() async {
        await #expect(processExitsWith: .success) {
            let teams = (2...8).filter { $0 <= WorkerTeam.dispatchWidth }.map { ($0, TeamRequest.gang) }
            for training in Self.cases {
                try Self.check(training, Float.self, teams: teams)
                try Self.check(training, Double.self, teams: teams)
            }
        }
    }

    private static func check<Scalar: LoomScalar>(
        _ training: Case, _ type: Scalar.Type, teams: [(workers: Int, request: TeamRequest)]
    ) throws {
        var problem = FastProblem.made(
            layers: training.layers, output: training.output, rows: training.samples, seed: 3)
        problem.loss.l2 = training.l2
        let data = try problem.dataset(type)
        for provider in GemmBackend.allCases {
            let alone = try fingerprint(
                training, problem, data, Way(provider: provider, route: nil), workers: 1, request: .auto)
            for way in ways where way.provider == provider {
                for team in teams {
                    let other = try fingerprint(
                        training, problem, data, way, workers: team.workers, request: team.request)
                    #expect(
                        other == alone,
                        "\(training) \(Scalar.precision) \(way): \(team.workers) workers, \(team.request)")
                }
            }
        }
    }

    /// Whatever plans are tuned by, results have the same bits.
    @Test(arguments: [0, 3, 5]) func noTunedNumberChangesBits(index: Int) throws {
        let training = Self.cases[index]
        let problem = FastProblem.made(
            layers: training.layers, output: training.output, rows: training.samples, seed: 3)
        let data = try problem.dataset(Float.self)
        let usual = try JSONSerialization.jsonObject(with: JSONEncoder().encode(StepTuning())) as! [String: Double]
        #expect(usual.count == Mirror(reflecting: StepTuning()).children.count)
        var expected: Fingerprint?
        for key in usual.keys.sorted() {
            for factor in [0.01, 1, 100] {
                var changed = usual
                changed[key] = (usual[key]! * factor).rounded(.up)
                let tuning = try JSONDecoder().decode(StepTuning.self, from: JSONEncoder().encode(changed))
                let found = try Self.fingerprint(
                    training, problem, data, Way(provider: .builtin, route: nil), workers: 2, request: .auto,
                    tuning: tuning)
                #expect(found == expected ?? found, "\(key) × \(factor)")
                expected = found
            }
        }
    }

    /// Everything that a training leaves behind.
    private struct Fingerprint: Equatable {
        let parameters: String
        let first: String?
        let second: String?
        var losses: [UInt64] = []
        var accuracies: [Double?] = []
    }

    private static func fingerprint<Scalar: LoomScalar>(
        _ training: Case, _ problem: FastProblem, _ data: Dataset<Scalar>, _ way: Way, workers: Int,
        request: TeamRequest, tuning: StepTuning? = nil
    ) throws -> Fingerprint {
        try PreparedBLAS.prepare(workers: workers)
        var team = TeamPlan(
            workers: workers, request: request, shardRows: training.shardRows, cacheBytes: training.cacheBytes,
            gemmBackend: way.provider, groups: training.groups, route: way.route)
        if let tuning { team.tuning = tuning }
        let trainer = try Trainer(
            network: problem.network, loss: problem.loss,
            optimizer: OptimizerDescription(
                kind: training.kind, learningRate: 0.02, clipNorm: training.clipNorm),
            schedule: TrainingSchedule(
                batchRows: training.batchRows, epochs: training.epochs, seed: 9, shuffles: training.shuffles),
            team: team, data: data)
        var losses: [UInt64] = []
        var accuracies: [Double?] = []
        var modes = Set<TeamMode>()
        // Regions of one step and of several.
        while trainer.step < trainer.totalSteps {
            let report = trainer.run(steps: 1 + trainer.step)
            try #require(report.steps > 0 && report.divergedStep == nil)
            losses.append(report.loss.bitPattern)
            accuracies.append(report.accuracy)
            modes.insert(report.region!.mode)
        }
        switch request {
        case .gang: #expect(modes.contains(.gang))
        case .forkJoin: #expect(modes == [.forkJoin])
        case .auto: break
        }
        return Fingerprint(
            parameters: trainer.parameters.hash, first: trainer.state.first?.hash,
            second: trainer.state.second?.hash, losses: losses, accuracies: accuracies)
    }

    /// The seeds alone decide: other seeds of the order or of the weights give other bits.
    @Test func otherSeedsGiveOtherBits() throws {
        func hash(weights: UInt64, order: UInt64) throws -> String {
            let problem = FastProblem.made(layers: [4, 8, 2], output: .softmax, rows: 64, seed: weights)
            let trainer = try problem.trainer(
                Float.self, schedule: TrainingSchedule(batchRows: 10, epochs: 1, seed: order))
            _ = trainer.run(steps: .max / 2)
            return trainer.parameters.hash
        }
        let hashes = try [hash(weights: 1, order: 1), hash(weights: 1, order: 2), hash(weights: 2, order: 1)]
        #expect(Set(hashes).count == 3)
        #expect(try hash(weights: 1, order: 1) == hashes[0])
    }
}
