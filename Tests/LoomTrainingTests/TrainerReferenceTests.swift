import LoomKernels
import LoomModel
import LoomPlan
import LoomReference
import LoomTraining
import TestSupport
import Testing

/// The fast trainer against the plain one, step by step on the same batches.
@Suite struct TrainerReferenceTests {
    /// One training that both trainers do.
    struct Case: Sendable, CustomStringConvertible {
        var problem: FastProblem
        var optimizer = OptimizerDescription(kind: .momentum, learningRate: 0.05)
        var schedule: TrainingSchedule
        var team = TeamPlan(workers: 1)

        init(
            seed: UInt64 = 1, layers: [Int], activation: Activation = .tanh, output: OutputMap = .softmax,
            loss: LossDescription = LossDescription(kind: .crossEntropy), rows: Int,
            reluAtZero: ReluAtZero = .zero, hasBias: Bool = true, schedule: TrainingSchedule
        ) {
            problem = FastProblem(
                RandomProblem(
                    seed: seed, layers: layers, activation: activation, output: output, loss: loss,
                    rows: rows,
                    reluAtZero: reluAtZero, hasBias: hasBias))
            self.schedule = schedule
        }

        var description: String {
            let rule =
                "\(optimizer.kind) \(optimizer.schedule.kind) warm-up \(optimizer.schedule.warmupSteps)"
            let batches = "batch \(schedule.batchRows)\(schedule.shuffles ? " shuffled" : "")"
            let clip = optimizer.clipNorm.map { "clip \($0) " } ?? ""
            let last = schedule.dropsLast ? " drops last" : ""
            return
                "\(problem) \(rule) \(clip)\(batches)\(last) \(team.workers) workers \(team.gemmBackend) \(team.route?.rawValue ?? "") \(team.groups ?? 0)"
        }
    }

    /// Float64 differs by the order of additions alone. Float32 has 6e-8 a number; a step sums some ten of them, and
    /// Adam divides by the square root of tiny second moments.
    private static let float64Tolerance = Tolerance(absolute: 1e-12, relative: 1e-10)
    private static let float32Tolerance = Tolerance(absolute: 1e-5, relative: 1e-4)

    /// What the plain trainer does, once for all ways of the fast one.
    private struct Expected {
        let steps: [(loss: Double, samples: Int)]
        let parameters: [ReferenceLayer]

        init(_ training: Case) throws {
            var reference = try ReferenceRun(
                training.problem, optimizer: training.optimizer, schedule: training.schedule)
            steps = try (0..<reference.trainer.totalSteps).map { _ in
                let step = try reference.step()
                return (step.totalLoss, step.perSampleLosses.count)
            }
            parameters = reference.trainer.parameters
        }
    }

    private func check(_ training: Case, float32Tolerance: Tolerance = Self.float32Tolerance) throws {
        let expected = try Expected(training)
        for (provider, route, groups) in [
            (GemmBackend.builtin, GradientRoute?.none, Int?.none), (.builtin, .reduceScatter, 4),
            (.builtin, .reduceScatterAllGather, 2), (.builtin, .allReduce, 8), (.openBLAS, nil, nil),
        ] {
            var training = training
            training.team.gemmBackend = provider
            (training.team.route, training.team.groups) = (route, groups)
            try check(training, Double.self, expected, Self.float64Tolerance)
            try check(training, Float.self, expected, float32Tolerance)
        }
    }

    private func check<Scalar: LoomScalar>(
        _ training: Case, _ type: Scalar.Type, _ expected: Expected, _ tolerance: Tolerance
    ) throws {
        let trainer = try training.problem.trainer(
            type, optimizer: training.optimizer, schedule: training.schedule, team: training.team)
        var comparison = Comparison("\(training) \(Scalar.precision)", tolerance: tolerance)
        #expect(trainer.totalSteps == expected.steps.count)
        for (step, expected) in expected.steps.enumerated() {
            let report = trainer.run(steps: 1)
            try #require(report.steps == 1 && report.samples == expected.samples, "\(report)")
            comparison.compare("loss of step \(step)", report.loss, expected.loss)
            comparison.compare("last loss of step \(step)", report.lastLoss, expected.loss)
        }
        comparison.compare("parameters", trainer.parameters.layers, expected.parameters)
        #expect(comparison.passes, "\(comparison)")
    }

    // MARK: Optimizers

    /// Every optimizer × penalty × clipping × schedule, with and without warm-up, in batches that do not divide.
    static let optimizers: [Case] = OptimizerDescription.Kind.allCases.flatMap { kind in
        [0, 0.01].flatMap { l2 in
            // Some of these batches' gradients are longer than 0.6, and some are shorter.
            [nil, 0.6].flatMap { clipNorm in
                LearningRateSchedule.Kind.allCases.enumerated().map { index, schedule in
                    var training = Case(
                        seed: UInt64(index + 1), layers: [5, 19, 7, 3],
                        loss: LossDescription(kind: .crossEntropy, l2: l2), rows: 23,
                        schedule: TrainingSchedule(
                            batchRows: 8, epochs: 3, maximumSteps: 8, seed: 11,
                            shuffles: (index + (l2 > 0 ? 1 : 0)).isMultiple(of: 2)))
                    training.optimizer = OptimizerDescription(
                        kind: kind, learningRate: kind == .adam || kind == .adamw ? 0.01 : 0.1,
                        weightDecay: 0.1, clipNorm: clipNorm,
                        schedule: LearningRateSchedule(
                            kind: schedule, warmupSteps: index.isMultiple(of: 2) ? 3 : 0, factor: 0.5,
                            floor: 0.1)
                    )
                    training.team.workers = 1 + index % 3
                    return training
                }
            }
        }
    }

    @Test(arguments: optimizers) func everyOptimizer(_ training: Case) throws {
        try check(training)
    }

    /// The clipping cases mean something only if they clip, and not always.
    @Test func clippingCasesClipSomeSteps() throws {
        let training = Self.optimizers.first { $0.optimizer.clipNorm != nil }!
        var reference = try ReferenceRun(
            training.problem, optimizer: training.optimizer, schedule: training.schedule)
        let norms = try (0..<reference.trainer.totalSteps).map { _ in try reference.step().norm }
        #expect(norms.contains { $0 > 0.6 } && norms.contains { $0 < 0.6 }, "\(norms)")
    }

    // MARK: Columns

    /// Batches of several gradient columns, a last one of fewer, and columns of several blocks; every optimizer with and
    /// without penalty and clipping.
    static let columns: [Case] = OptimizerDescription.Kind.allCases.enumerated().flatMap { index, kind in
        [(0.0, nil), (0.01, nil), (0, 0.3)].map { (l2: Double, clipNorm: Double?) in
            let isLarge = l2 == 0 && clipNorm == nil && kind != .adam
            let (rows, batch) = isLarge ? (1300, 1200) : (161, 70)
            var training = Case(
                seed: UInt64(index + 1), layers: [5, 19, 7, 3], loss: LossDescription(kind: .crossEntropy, l2: l2),
                rows: rows, schedule: TrainingSchedule(batchRows: batch, epochs: 2, seed: 12))
            training.optimizer = OptimizerDescription(
                kind: kind, learningRate: kind == .adam || kind == .adamw ? 0.01 : 0.1, weightDecay: 0.1,
                clipNorm: clipNorm)
            // Two columns, of which each is larger than a block.
            training.team = TeamPlan(workers: isLarge ? 2 : 1 + index % 3, sameBitsForAnyWorkers: !isLarge)
            return training
        }
    }

    @Test(arguments: columns) func gradientsInColumns(_ training: Case) throws {
        try check(training)
    }

    // MARK: Functions

    /// Every activation × output × loss × reduction.
    static let functions: [Case] = RandomProblem.trainableActivations.enumerated().flatMap {
        index, activation in
        RandomProblem.trainableOutputs.enumerated().flatMap { pair, combination in
            LossDescription.Reduction.allCases.map { reduction in
                var training = Case(
                    seed: UInt64(1 + index), layers: [4, 11, 9, 3], activation: activation,
                    output: combination.output,
                    loss: LossDescription(
                        kind: combination.loss, reduction: reduction, l2: pair == 1 ? 0.02 : 0),
                    rows: 17, reluAtZero: pair.isMultiple(of: 2) ? .zero : .one,
                    schedule: TrainingSchedule(batchRows: 7, epochs: 2, seed: UInt64(pair)))
                // exp of exp leaves the range of numbers within a few steps at the others' rate.
                let rate = activation == .exp && combination.output == .identity ? 1e-5 : 0.03
                training.optimizer.learningRate = reduction == .sum ? rate / 8 : rate
                training.team.workers = 1 + (index + pair) % 2
                return training
            }
        }
    }

    @Test(arguments: functions) func everyFunction(_ training: Case) throws {
        try check(training)
    }

    // MARK: Weights

    /// Samples that count differently, some of them not at all; every output × loss.
    static let weighted: [Case] = RandomProblem.trainableOutputs.enumerated().map { pair, combination in
        var training = Case(
            seed: UInt64(pair + 1), layers: [4, 11, 3], output: combination.output,
            loss: LossDescription(
                kind: combination.loss, reduction: pair.isMultiple(of: 2) ? .mean : .sum, l2: pair == 1 ? 0.02 : 0),
            rows: 23, schedule: TrainingSchedule(batchRows: 7, epochs: 2, seed: UInt64(pair)))
        training.problem.weights = (0..<23).map { Double($0 % 5) / 2 }
        training.optimizer.learningRate = 0.01
        training.team.workers = 1 + pair % 3
        return training
    }

    @Test(arguments: weighted) func weightsOfSamples(_ training: Case) throws {
        try check(training)
    }

    /// A weight of 1 changes no bit, whatever the precision.
    @Test(arguments: weighted) func weightsOfOne(_ training: Case) throws {
        func hash<Scalar: LoomScalar>(_: Scalar.Type, _ weights: [Double]?) throws -> [String] {
            var training = training
            training.problem.weights = weights
            let trainer: Trainer<Scalar> = try training.problem.trainer(
                Scalar.self, optimizer: training.optimizer, schedule: training.schedule, team: training.team)
            _ = trainer.run(steps: 8)
            return [trainer.parameters.hash]
        }
        let ones = [Double](repeating: 1, count: 23)
        #expect(try hash(Float.self, ones) == hash(Float.self, nil))
        #expect(try hash(Double.self, ones) == hash(Double.self, nil))
    }

    // MARK: Batches

    /// Batches that divide and that do not, one sample at a time, all at once; the last batch trained on or dropped.
    static let batches: [Case] = [1, 4, 8, 22, 23].flatMap { batchRows in
        [false, true].flatMap { dropsLast in
            [false, true].map { shuffles in
                var training = Case(
                    layers: [3, 6, 2], rows: 23,
                    schedule: TrainingSchedule(
                        batchRows: batchRows, epochs: 2, seed: 5, shuffles: shuffles, dropsLast: dropsLast))
                training.team = TeamPlan(workers: 1 + batchRows % 4, shardRows: 1 + batchRows % 5)
                return training
            }
        }
    }

    @Test(arguments: batches) func everyBatch(_ training: Case) throws {
        try check(training)
    }

    // MARK: Shapes

    /// No hidden layer, one unit, no bias, deep chains, widths around a vector's length, and more units than a slice.
    static let shapes: [Case] = [
        ([6, 3], true), ([6, 1], true), ([1, 1], false), ([3, 5, 2], false), ([2, 1, 1, 1, 2], true),
        ([5, 7, 6, 9, 8, 7, 6, 5], true), ([7, 15, 16, 17, 2], true), ([37, 93, 11], true),
        ([9, 33, 1], true),
        ([70, 5], true), ([130, 20, 3], false),
    ].enumerated().map { index, shape in
        let (layers, hasBias) = shape
        let isBinary = layers.last! == 1
        var training = Case(
            seed: UInt64(index + 20), layers: layers, activation: .sigmoid,
            output: isBinary ? .sigmoid : .softmax,
            rows: 29, hasBias: hasBias, schedule: TrainingSchedule(batchRows: 12, epochs: 2))
        training.team.workers = 1 + index % 3
        return training
    }

    @Test(arguments: shapes) func everyShape(_ training: Case) throws {
        try check(training)
    }

    /// The bits may depend on the workers where that was allowed; the numbers may not.
    @Test(arguments: [1, 2, 5]) func withoutTheSameBits(workers: Int) throws {
        var training = Case(
            layers: [37, 93, 11], rows: 150, schedule: TrainingSchedule(batchRows: 64, epochs: 1))
        training.team = TeamPlan(workers: workers, sameBitsForAnyWorkers: false)
        try check(training)
    }

    // MARK: Sums of several steps

    /// Batches of two sizes may have different slices; the penalty of each counts its own weights, every one once.
    @Test(arguments: [(135, 128), (519, 512)]) func penaltyOfSmallerLastBatches(samples: Int, batchRows: Int)
        throws
    {
        try checkPenalty(Float.self, samples: samples, batchRows: batchRows)
        try checkPenalty(Double.self, samples: samples, batchRows: batchRows)
    }

    private func checkPenalty<Scalar: LoomScalar>(_ type: Scalar.Type, samples: Int, batchRows: Int) throws {
        let l2 = 0.25
        func losses(l2: Double) throws -> (losses: [Double], weights: [Double]) {
            var problem = FastProblem.made(layers: [256, 300, 10], output: .softmax, rows: samples, seed: 2)
            problem.loss.l2 = l2
            // A rate of 0 keeps the weights, so that the losses differ by the penalty alone.
            let trainer = try problem.trainer(
                type, optimizer: OptimizerDescription(learningRate: 0),
                schedule: TrainingSchedule(batchRows: batchRows, epochs: 2, shuffles: false),
                team: TeamPlan(workers: 2))
            let losses = (0..<trainer.totalSteps).map { _ in trainer.run(steps: 1).loss }
            return (losses, [0, 2].flatMap { trainer.parameters.values($0).map(Double.init) })
        }
        let (with, weights) = try losses(l2: l2)
        let penalty = l2 * weights.reduce(0) { $0 + $1 * $1 }
        for (loss, without) in zip(with, try losses(l2: 0).losses) {
            #expect(abs(loss - without - penalty) < 1e-9 * penalty)
        }
    }

    /// The loss over several steps: samples weigh alike in the mean, the penalty is that of the mean step.
    @Test(arguments: LossDescription.Reduction.allCases) func lossOfSeveralSteps(
        reduction: LossDescription.Reduction
    ) throws {
        let training = Case(
            layers: [4, 5, 3], loss: LossDescription(kind: .crossEntropy, reduction: reduction, l2: 0.1),
            rows: 10,
            schedule: TrainingSchedule(batchRows: 4, epochs: 1))
        var reference = try ReferenceRun(
            training.problem, optimizer: training.optimizer, schedule: training.schedule)
        let steps = try (0..<3).map { _ in try reference.step() }
        let sum = steps.reduce(0) { $0 + $1.perSampleLosses.reduce(0, +) }
        let penalty = steps.reduce(0) { $0 + $1.penalty } / 3
        let expected = (reduction == .mean ? sum / 10 : sum) + penalty
        let trainer = try training.problem.trainer(
            Double.self, optimizer: training.optimizer, schedule: training.schedule)
        var report = trainer.run(steps: 2)
        report.add(trainer.run(steps: 5))
        #expect(report.steps == 3 && report.samples == 10)
        #expect(Self.float64Tolerance.accepts(report.loss, expected))
        #expect(Self.float64Tolerance.accepts(report.lastLoss, steps[2].totalLoss))
        let right = zip(steps.indices, steps).reduce(0) { total, step in
            total
                + zip(step.1.pass.logits, reference.samples(of: step.0)).filter { logits, sample in
                    logits.firstIndex(of: logits.max()!) == training.problem.targets[sample].firstIndex(of: 1)
                }.count
        }
        #expect(report.accuracy == Double(right) / 10)
    }
}
