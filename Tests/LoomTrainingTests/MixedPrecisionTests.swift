import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomPlan
import LoomReference
import TestSupport
import Testing

@testable import LoomTraining

/// Training with factors in bfloat16: near float32, with one definition of its bits whoever does the steps.
@Suite struct MixedPrecisionTests {
    /// The definitions, and who forms their bits: without their own instructions with every kind of vectors, and the fastest way
    /// of this machine.
    static let products: [BFloat16Products] = BFloat16Products.Definition.allCases.flatMap { definition in
        [BFloat16Products(definition)]
            + InstructionSet.allCases.filter(\.isSupported).map { BFloat16Products(definition, portable: $0) }
    }

    static func team(
        _ products: BFloat16Products?, workers: Int = 1, request: TeamRequest = .auto, shardRows: Int? = nil,
        groups: Int? = nil, route: GradientRoute? = nil
    ) -> TeamPlan {
        var team = TeamPlan(workers: workers, request: request, shardRows: shardRows, groups: groups, route: route)
        team.bfloat16 = products
        return team
    }

    // MARK: Values

    /// All activations, outputs and losses; shapes that fill blocks of 32 and shapes that do not; networks that are no chains;
    /// first weights that lie transposed.
    static let problems: [FastProblem] =
        RandomProblem.trainableActivations.enumerated().map { index, activation in
            let pair = RandomProblem.trainableOutputs[index % RandomProblem.trainableOutputs.count]
            return FastProblem(
                RandomProblem(
                    seed: UInt64(index), layers: [45, 37, 64, 7], activation: activation, output: pair.output,
                    loss: LossDescription(kind: pair.loss, l2: 0.001), rows: 75))
        } + [
            .made(layers: [20, 64, 96, 1], output: .sigmoid, rows: 64, seed: 1),
            .made(layers: [64, 10], output: .softmax, rows: 33, seed: 2),
            .made(layers: [300, 33, 32, 40], output: .identity, rows: 320, seed: 3),
        ]
        + (0..<6).map { RandomGraph.problem(seed: $0, hidden: 6, widths: 20...70, features: 50, outputs: 9, rows: 70) }

    /// The gradient is near that of float32. A rounded sum may cross the kink of a relu, which moves a whole row.
    @Test(arguments: problems) func gradientsAreNearThoseOfFloat32(_ problem: FastProblem) throws {
        guard try Network<Float>(problem.network).mixedPrecisionReason == nil else { return }
        let exact = try problem.trainer(Double.self).gradient()
        for definition in BFloat16Products.Definition.allCases {
            for groups in [1, 2] {
                let team = Self.team(BFloat16Products(definition), workers: 2, groups: groups)
                let (loss, gradient) = try problem.trainer(Float.self, team: team).gradient()
                #expect(abs(loss - exact.loss) < 0.02 * max(1, abs(exact.loss)))
                for index in gradient.layout.tensors.indices {
                    let (error, norm) = Self.distance(
                        Array(gradient.rows(index).joined()).map(Double.init),
                        Array(exact.gradient.rows(index).joined()))
                    let name = gradient.layout.tensors[index].name
                    #expect(error < 0.1 * norm + 1e-4, "\(problem) \(definition) \(name): \(error) of \(norm)")
                }
            }
        }
    }

    private static func distance(_ found: [Double], _ expected: [Double]) -> (error: Double, norm: Double) {
        (
            zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot(),
            expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
        )
    }

    /// Exactly the factors of products are rounded: the gradient is that of a plain loop in float64 that rounds samples,
    /// weights, outputs and deltas, and nothing else.
    @Test(arguments: [Activation.relu, .sigmoid, .tanh, .arctan, .identity]) func factorsAreRounded(
        activation: Activation
    ) throws {
        var problem = FastProblem.made(layers: [45, 64, 37, 5], output: .identity, rows: 75, seed: 4)
        for index in 0..<2 { problem.network.layers[index].activation = activation }
        let expected = RoundedReference(problem, activation).gradients(
            try problem.trainer(Float.self).parameters.layers)
        for definition in BFloat16Products.Definition.allCases {
            let trainer = try problem.trainer(Float.self, team: Self.team(BFloat16Products(definition), workers: 2))
            let gradient = trainer.gradient().gradient
            for (index, expected) in expected.enumerated() {
                // Of thousands of numbers, some fall on the other side when they are rounded to 8 bits.
                let (error, norm) = Self.distance(
                    Array(gradient.rows(index).joined()).map(Double.init), expected.flatMap { $0 })
                let name = gradient.layout.tensors[index].name
                #expect(error < 1e-3 * norm, "\(activation) \(definition) \(name): \(error) of \(norm)")
            }
            let plain = try problem.trainer(Float.self).gradient().gradient
            let (error, norm) = Self.distance(
                Array(plain.rows(0).joined()).map(Double.init), expected[0].flatMap { $0 })
            #expect(error > 2e-3 * norm, "a gradient that is not rounded is another one: \(error) of \(norm)")
        }
    }

    /// Where every factor is a small whole number, nothing is rounded: the parameters after a step are those of float32, bit by
    /// bit.
    @Test func wholeNumbersAreExact() throws {
        var random = TestRandom(seed: 5)
        func matrix(_ rows: Int, _ columns: Int) -> [[Double]] {
            (0..<rows).map { _ in (0..<columns).map { _ in Double(random.next() % 3) - 1 } }
        }
        // Sums of 20 terms, of two of those, and of three: all below 256.
        let output = (0..<3).map { unit in (0..<45).map { $0 == 2 * unit ? 1.0 : $0 == 40 - unit ? -1 : 0 } }
        let problem = FastProblem(
            network: NetworkDescription(
                inputs: 20,
                layers: [
                    LayerDescription(name: "hidden", units: 45, activation: .relu, weights: matrix(45, 20)),
                    LayerDescription(name: "output", units: 3, weights: output),
                ], output: .identity), loss: LossDescription(kind: .squaredSum, reduction: .sum),
            inputs: matrix(70, 20), targets: matrix(70, 3), description: "whole numbers")
        let optimizer = OptimizerDescription(kind: .momentum, learningRate: 0x1p-10)
        let exact = try problem.trainer(Float.self, optimizer: optimizer)
        let loss = exact.run(steps: 1).loss
        for products in Self.products {
            let mixed = try problem.trainer(Float.self, optimizer: optimizer, team: Self.team(products, workers: 2))
            #expect(mixed.run(steps: 1).loss == loss && loss > 0, "\(products)")
            #expect(mixed.parameters.hash == exact.parameters.hash, "\(products)")
        }
    }

    // MARK: Bits

    struct Training: Sendable, CustomStringConvertible {
        let problem: FastProblem
        let batchRows: Int
        var kind = OptimizerDescription.Kind.momentum
        var clipNorm: Double?
        var groups: Int?
        var shardRows: Int?
        var shuffles = true

        var description: String { "\(problem) by \(batchRows), \(kind), groups \(groups ?? 0), clip \(clipNorm ?? 0)" }

        func trainer(
            _ products: BFloat16Products, workers: Int, request: TeamRequest = .auto, route: GradientRoute? = nil
        ) throws -> Trainer<Float> {
            try problem.trainer(
                Float.self, optimizer: OptimizerDescription(kind: kind, learningRate: 0.02, clipNorm: clipNorm),
                schedule: TrainingSchedule(batchRows: batchRows, epochs: 2, seed: 9, shuffles: shuffles),
                team: MixedPrecisionTests.team(
                    products, workers: workers, request: request, shardRows: shardRows, groups: groups, route: route))
        }

        /// Parameters, state and losses after all steps.
        func fingerprint(
            _ products: BFloat16Products, workers: Int, request: TeamRequest = .auto, route: GradientRoute? = nil,
            filling byte: UInt8? = nil
        ) throws -> [String] {
            let trainer = try trainer(products, workers: workers, request: request, route: route)
            var result: [String] = []
            while trainer.step < trainer.totalSteps {
                if let byte { trainer.fillScratch(byte: byte) }
                let report = trainer.run(steps: 1 + trainer.step)
                try #require(report.divergedStep == nil)
                result.append("\(report.loss)")
            }
            return result + [trainer.parameters, trainer.state.first, trainer.state.second].compactMap { $0?.hash }
        }
    }

    static let trainings: [Training] = [
        Training(problem: .made(layers: [37, 93, 11], output: .softmax, rows: 150, seed: 3), batchRows: 64),
        Training(
            problem: .made(layers: [37, 93, 11], output: .softmax, rows: 151, seed: 3), batchRows: 151, kind: .sgd,
            clipNorm: 0.2, shuffles: false),
        Training(
            problem: .made(layers: [20, 64, 33, 1], output: .sigmoid, rows: 230, seed: 3), batchRows: 100, kind: .adam,
            groups: 2),
        Training(
            problem: .made(layers: [64, 50, 7], output: .softmax, rows: 500, seed: 3), batchRows: 300, kind: .nesterov,
            groups: 4, shardRows: 32),
        Training(
            problem: .made(layers: [12, 40, 3], output: .identity, rows: 2300, seed: 3), batchRows: 1300, kind: .sgd,
            clipNorm: 0.5, groups: 2),
        Training(
            problem: .made(layers: [100, 300, 5], output: .softmax, rows: 96, seed: 3), batchRows: 96, kind: .adamw),
        Training(
            problem: RandomGraph.problem(
                seed: 2, hidden: 6, widths: 20...70, features: 50, outputs: 9, rows: 70,
                activations: [.tanh, .relu, .arctan]),
            batchRows: 33),
    ]

    @Test(arguments: trainings) func everyTeamGivesTheSameBits(_ training: Training) throws {
        for definition in BFloat16Products.Definition.allCases {
            let products = Self.products.filter { $0.definition == definition }
            let alone = try training.fingerprint(products[0], workers: 1)
            for other in products.dropFirst() {
                #expect(try training.fingerprint(other, workers: 2) == alone, "\(training) \(other)")
            }
            for workers in [2, 3, 8] {
                #expect(try training.fingerprint(products[0], workers: workers) == alone, "\(training): \(workers)")
            }
            for route in GradientRoute.allCases {
                #expect(
                    try training.fingerprint(products[0], workers: 2, request: .forkJoin, route: route) == alone,
                    "\(training) \(route)")
            }
            #expect(try training.fingerprint(products[0], workers: 2, filling: 0xff) == alone, "\(training): scratch")
        }
    }

    /// The two definitions are two.
    @Test func definitionsDiffer() throws {
        let hashes = try BFloat16Products.Definition.allCases.map {
            try Self.trainings[0].fingerprint(BFloat16Products($0), workers: 1)
        }
        #expect(hashes[0] != hashes[1])
    }

    /// Parameters that somebody else has written between two regions are packed anew.
    @Test func changedParametersCount() throws {
        let training = Self.trainings[0]
        let trainers = try (0..<2).map { _ in try training.trainer(Self.products[0], workers: 2) }
        _ = trainers[0].run(steps: 1)
        trainers[1].parameters.copy(from: trainers[0].parameters)
        _ = trainers[1].gradient()
        let (first, second) = (trainers[0].parameters, trainers[1].parameters)
        #expect(first.hash == second.hash)
        second.view(0)[0, 0] += 1
        let changed = trainers[1].gradient().loss
        second.view(0)[0, 0] -= 1
        #expect(changed != trainers[1].gradient().loss)
    }

    // MARK: Beyond the range

    /// A number that only rounding to bfloat16 makes infinite ends the training as any infinite loss does.
    @Test func numbersBeyondTheRangeAreFound() throws {
        var problem = FastProblem.made(layers: [3, 8, 2], output: .softmax, rows: 40, seed: 1)
        problem.inputs[7][1] = Double(Float.greatestFiniteMagnitude)
        for definition in BFloat16Products.Definition.allCases {
            let trainer = try problem.trainer(Float.self, team: Self.team(BFloat16Products(definition)))
            let before = trainer.parameters.hash
            #expect(trainer.run(steps: 3).divergedStep == 0)
            #expect(trainer.parameters.hash == before)
        }
    }

    /// The layer is named whose outputs were infinite first: they are packed, and nowhere in float32.
    @Test(arguments: [0, 1]) func theFirstLayerThatOverflowsIsNamed(layer: Int) throws {
        var problem = FastProblem.made(layers: [3, 8, 8, 2], output: .softmax, rows: 40, seed: 1)
        for hidden in 0..<2 { problem.network.layers[hidden].activation = .exp }
        problem.network.layers[layer].bias = (0..<8).map { $0 == 5 ? 100 : 0 }
        for products in Self.products {
            let trainer = try problem.trainer(Float.self, team: Self.team(products, workers: 2))
            trainer.fillScratch(byte: 0xff)
            #expect(trainer.run(steps: 3).divergedStep == 0)
            #expect(
                trainer.firstArrayNotFinite == "the activations of layer '\(problem.network.layers[layer].name)'",
                "\(products)")
        }
    }

    // MARK: Plans

    @Test func softmaxWeightedUnitsAreRefused() throws {
        var problem = FastProblem.made(layers: [4, 6, 2], output: .identity, rows: 8, seed: 1)
        problem.network.output = .softmaxWeighted
        problem.network.layers[1].components = 3
        let error = #expect(throws: ModelError.self) {
            try problem.trainer(Float.self, team: Self.team(Self.products[0]))
        }
        #expect(error?.description.contains("mixed_bfloat16") == true)
    }

    @Test func whatIsPlannedIsReserved() throws {
        for (layers, batchRows) in [([5, 19, 33, 3], 64), ([64, 96, 10], 40)] {
            let problem = FastProblem.made(layers: layers, output: .softmax, rows: 70, seed: 1)
            let schedule = TrainingSchedule(batchRows: batchRows, epochs: 1)
            let team = Self.team(Self.products[0], workers: 2)
            let trainer = try problem.trainer(Float.self, schedule: schedule, team: team)
            let plan = try MemoryPlan(
                network: problem.network, loss: problem.loss, optimizer: .init(), schedule: schedule, team: team,
                samples: 70, validationSamples: 0, targets: .label, of: Float.self)
            #expect(plan.activationBytes == trainer.memoryBytes.activations)
            #expect(plan.parameterBytes == trainer.memoryBytes.parameters)
        }
    }

    /// Whole blocks: shards of 32 samples, slices of 32 rows or columns.
    @Test(arguments: [1, 2, 5, 16]) func blocksAreNotCut(workers: Int) throws {
        for training in Self.trainings {
            let program = try training.trainer(Self.products[0], workers: workers).program
            #expect(program.shardRows % 32 == 0 || program.shardRows == program.batchRows)
            for phase in program.phases {
                for operation in phase.operations.joined() {
                    switch operation {
                    case .update(let part, _, _), .fusedUpdate(let part, _):
                        guard case .slices(let tensor, let grid, let range, _) = part else {
                            Issue.record("parameters are updated tensor by tensor")
                            continue
                        }
                        let slices = grid.range(of: range)
                        let isWeights =
                            try Network<Float>(training.problem.network).layout.tensors[tensor].role == .weights
                        #expect(!isWeights || slices.lowerBound % 32 == 0)
                        #expect(!isWeights || slices.upperBound % 32 == 0 || slices.upperBound == grid.extent)
                    default: break
                    }
                }
            }
        }
    }
}

/// A chain's gradient in float64, with factors of products rounded to bfloat16, for the mean of squared sums.
private struct RoundedReference {
    private let problem: FastProblem
    private let activation: Activation

    init(_ problem: FastProblem, _ activation: Activation) {
        self.problem = problem
        self.activation = activation
    }

    /// Weights and bias of each layer in turn; a bias is one row.
    func gradients(_ layers: [ReferenceLayer]) -> [[[Double]]] {
        let weights = layers.map { $0.connections[0].map { $0.map(Self.rounded) } }
        var gradients = layers.flatMap { layer in
            [layer.connections[0].map { $0.map { _ in 0.0 } }, [layer.bias!.map { _ in 0.0 }]]
        }
        for (input, target) in zip(problem.inputs, problem.targets) {
            var sources = [input.map(Self.rounded)]
            var z: [[Double]] = []
            for (index, layer) in layers.enumerated() {
                z.append(
                    zip(weights[index], layer.bias!).map { row, bias in
                        zip(row, sources[index]).reduce(0) { $0 + $1.0 * $1.1 } + bias
                    })
                sources.append(z[index].map { Self.rounded(value($0)) })
            }
            var deltas = zip(z[z.count - 1], target).map { 2 * ($0 - $1) / Double(problem.inputs.count) }
            for index in layers.indices.reversed() {
                let rounded = deltas.map(Self.rounded)
                for unit in rounded.indices {
                    gradients[2 * index + 1][0][unit] += deltas[unit]
                    for (column, x) in sources[index].enumerated() {
                        gradients[2 * index][unit][column] += rounded[unit] * x
                    }
                }
                guard index > 0 else { continue }
                deltas = sources[index].indices.map { column in
                    let sum = rounded.indices.reduce(0) { $0 + rounded[$1] * weights[index][$1][column] }
                    return sum * derivative(output: sources[index][column], z: z[index - 1][column])
                }
            }
        }
        return gradients
    }

    /// To 8 bits, ties to even.
    static func rounded(_ value: Double) -> Double {
        let bits = Float(value).bitPattern
        return Double(Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000))
    }

    private func value(_ z: Double) -> Double {
        switch activation {
        case .relu: max(0, z)
        case .sigmoid: 1 / (1 + exp(-z))
        case .tanh: tanh(z)
        case .arctan: atan(z)
        default: z
        }
    }

    private func derivative(output: Double, z: Double) -> Double {
        switch activation {
        case .relu: output > 0 ? 1 : 0
        case .sigmoid: output * (1 - output)
        case .tanh: 1 - output * output
        case .arctan: 1 / (1 + z * z)
        default: 1
        }
    }
}
