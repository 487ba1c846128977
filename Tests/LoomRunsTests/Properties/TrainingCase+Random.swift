import LoomConfiguration
import LoomHardware
import LoomModel
import LoomRuns
import LoomTraining
import TestSupport

extension TrainingCase {
    /// The case of `seed`, the same wherever it is made but for the placements of this machine.
    init(seed: UInt64) {
        var random = TestRandom(seed: seed &* 0xD134_2543_DE82_EF95)
        let pair = RandomProblem.trainableOutputs.randomElement(using: &random)!
        self.init(seed: seed, layers: Self.layers(output: pair.output, &random))
        features = Self.size(12, &random)
        for index in layers.indices where layers[index].components != nil {
            layers[index].components = Int.random(in: 1...3, using: &random)
        }
        listsBackwards = Int.random(in: 0..<5, using: &random) == 0
        output = pair.output
        let isTiny = Int.random(in: 0..<6, using: &random) == 0
        samples = isTiny ? Self.size(8, &random) : Int.random(in: 8...60, using: &random)
        batch = Int.random(in: (isTiny ? 1 : samples / 3)...samples, using: &random)
        dropsLast = Int.random(in: 0..<4, using: &random) == 0
        steps = Int.random(in: 1...9, using: &random)
        savedStep = Int.random(in: 0...steps, using: &random)
        shuffles = Bool.random(using: &random)
        standardizes = samples > 1 && Int.random(in: 0..<3, using: &random) == 0
        precision = Bool.random(using: &random) ? .float32 : .float64
        (dataSeed, weightSeed, orderSeed) = (
            UInt64.random(in: 1...99, using: &random), UInt64.random(in: 1...99, using: &random),
            UInt64.random(in: 1...99, using: &random)
        )
        loss = LossDescription(
            kind: pair.loss, reduction: Bool.random(using: &random) ? .mean : .sum,
            l2: [0, 0, 0.01].randomElement(using: &random)!)
        makeOptimizer(&random)
        if Int.random(in: 0..<6, using: &random) == 0 { gemm = .openBLAS }
        // Left to themselves, batches as small as these are one group, and all routes but one are ruled out.
        if Int.random(in: 0..<4, using: &random) > 0 {
            groups = [2, 4, 8].randomElement(using: &random)!
            shardRows = [1, 2, 3, 5].randomElement(using: &random)!
        }
        ways = (0..<3).map { _ in way(&random) }
    }

    /// From 1 to `largest`, the small ones more often.
    private static func size(_ largest: Int, _ random: inout TestRandom) -> Int {
        Int.random(in: 1...Int.random(in: 1...largest, using: &random), using: &random)
    }

    /// A chain, or a graph in which every layer has a reader.
    private static func layers(output: OutputMap, _ random: inout TestRandom) -> [Layer] {
        let hidden = Int.random(in: 0...4, using: &random)
        let isChain = Bool.random(using: &random)
        let widest = Int.random(in: 0..<8, using: &random) == 0 ? 90 : 24
        var layers: [Layer] = []
        var unread: [String] = []
        for index in 0...hidden {
            let isLast = index == hidden
            var inputs = ([NetworkDescription.dataName] + layers.map(\.name)).shuffled(using: &random)
            inputs = isChain ? [layers.last?.name ?? NetworkDescription.dataName] : Array(inputs.prefix(3))
            if isLast { inputs += unread.filter { !inputs.contains($0) } }
            unread.removeAll { inputs.contains($0) }
            let activation =
                isLast ? Activation.identity : RandomProblem.trainableActivations.randomElement(using: &random)!
            let isWeighted = isLast ? output == .softmaxWeighted : activation == .softmaxWeighted
            let fewest = isLast && output == .softmax ? 2 : 1
            layers.append(
                Layer(
                    name: isLast ? "output" : "layer\(index + 1)",
                    units: max(fewest, size(isLast ? 6 : widest, &random)), activation: activation,
                    components: isWeighted ? 1 : nil,
                    reluAtZero: activation == .relu && Bool.random(using: &random) ? .one : .zero,
                    hasBias: Int.random(in: 0..<4, using: &random) > 0, inputs: inputs))
            if !isLast { unread.append(layers[index].name) }
        }
        return layers
    }

    private mutating func makeOptimizer(_ random: inout TestRandom) {
        let kind = OptimizerDescription.Kind.allCases.randomElement(using: &random)!
        let scale = loss.reduction == .sum ? 1 / Double(batch) : 1
        optimizer = OptimizerDescription(
            kind: kind, learningRate: scale * [0.002, 0.01, 0.03].randomElement(using: &random)!,
            momentum: [0.5, 0.9].randomElement(using: &random)!, beta1: [0.8, 0.9].randomElement(using: &random)!,
            beta2: [0.9, 0.999].randomElement(using: &random)!,
            // In float32 a gradient that is 0 but for roundings would else move its weight by the whole rate.
            epsilon: precision == .float32 ? 0.01 : [1e-8, 0.001].randomElement(using: &random)!,
            weightDecay: [0.01, 0.2].randomElement(using: &random)!,
            clipNorm: [nil, nil, 0.3].randomElement(using: &random)!,
            schedule: LearningRateSchedule(
                kind: LearningRateSchedule.Kind.allCases.randomElement(using: &random)!,
                warmupSteps: [0, 0, 3].randomElement(using: &random)!, factor: 0.5, floor: 0.1))
    }

    private func way(_ random: inout TestRandom) -> Way {
        let workers = Int.random(in: 2...8, using: &random)
        // More workers than processors are never placed, and seldom find threads at the same time.
        let isSmall = workers <= Self.processors
        // What another route takes the place of is tried less often.
        let isUniform = optimizer.kind != .adamw && optimizer.clipNorm == nil && loss.l2 == 0
        let routes = ParallelSettings.Route.allCases + (isUniform ? [.allReduce, .allReduce, .allReduce] : [])
        // Drawn whatever the machine is, so that only placements and teams differ from machine to machine.
        let (route, chance) = (routes.randomElement(using: &random)!, Int.random(in: 0..<8, using: &random))
        let placement = [PlacementPolicy.none, .compact, .spread].randomElement(using: &random)!
        return Way(
            workers: workers, route: gemm == .builtin ? route : .automatic,
            team: chance < (isSmall ? 4 : 1) ? .auto : .forkJoin, placement: isSmall ? placement : .none,
            isGenerated: chance.isMultiple(of: 2))
    }

    private static let processors = (try? MachineSetup.largestTeam(policy: .none, provider: .builtin)) ?? 1
}
