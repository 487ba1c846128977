import GradloomInternals

/// A training whose speed is watched: layers, batch, activation, loss and optimizer, on uniform random data in memory.
public struct Workload: Sendable {
    /// What it is called in results.
    public let name: String
    /// Features, units of the hidden layers, outputs.
    public let sizes: [Int]
    /// Samples of a minibatch.
    public let batch: Int
    /// The activation of the hidden layers.
    public let activation: Activation
    /// The output map; its usual loss follows: cross entropy, or ‖ŷ − y‖² for identity.
    public let output: OutputMap
    /// The optimizer.
    public let optimizer: OptimizerDescription.Kind
    /// Layers that are read besides the one before, by the name of the reader.
    private var skips: [String: [String]] = [:]

    /// The watched workloads: from launch-bound to compute-bound.
    public static let all = [
        Workload("chains", [4, 32, 16, 4], 10_000, .tanh, .softmax, .adam),
        Workload("tiny", [32, 64, 10], 64, .relu, .softmax, .sgd),
        Workload("arctan", [256, 512, 10], 256, .arctan, .softmax, .sgd),
        Workload("mnist", [784, 128, 10], 128, .relu, .softmax, .momentum),
        Workload("ctr", [512, 512, 256, 128, 1], 2048, .relu, .sigmoid, .sgd),
        Workload("wide", [784, 1024, 1024, 10], 256, .sigmoid, .softmax, .momentum),
        Workload("deep", [1024, 2048, 2048, 2048, 256], 512, .relu, .identity, .momentum),
    ]

    /// A chain, and a network with a skip connection that has the same number of operations: `layer3` reads `layer1`, too,
    /// and in return `layer2` has half the units.
    public static let graphs = [
        Workload("chain", [512, 512, 512, 512, 10], 256, .relu, .softmax, .momentum),
        Workload("skip", [512, 512, 256, 512, 10], 256, .relu, .softmax, .momentum, skips: ["layer3": ["layer1"]]),
    ]

    /// Shapes that nothing was tuned for: odd widths and batches, Adam on four layers, networks with one output. Four layers
    /// with tanh: with relu, Adam makes rounding grow beyond 1e-4 of the loss within 20 steps, whoever trains; `adam-relu` is the same in speed.
    public static let others = [
        Workload("odd", [37, 93, 61, 11], 96, .tanh, .softmax, .momentum),
        Workload("adam", [100, 300, 200, 100, 10], 4096, .tanh, .softmax, .adam),
        Workload("tall", [2048, 512, 1], 1024, .sigmoid, .sigmoid, .sgd),
        Workload("adam-relu", [200, 400, 400, 400, 20], 512, .relu, .softmax, .adam),
        Workload("score", [200, 130, 1], 1000, .sigmoid, .sigmoid, .sgd),
        Workload("regression", [13, 50, 1], 96, .tanh, .identity, .adam),
        Workload("logistic", [300, 1], 500, .relu, .sigmoid, .sgd),
    ]

    /// All workloads that have a name.
    public static var known: [Workload] { all + others + graphs }

    /// The workload called `name`.
    public static func named(_ name: String) -> Workload? { known.first { $0.name == name } }

    init(
        _ name: String, _ sizes: [Int], _ batch: Int, _ activation: Activation, _ output: OutputMap,
        _ optimizer: OptimizerDescription.Kind, skips: [String: [String]] = [:]
    ) {
        self.skips = skips
        self.name = name
        self.sizes = sizes
        self.batch = batch
        self.activation = activation
        self.output = output
        self.optimizer = optimizer
    }

    /// The same kind of network with other sizes.
    func resized(_ sizes: [Int], batch: Int) -> Workload {
        Workload(name, sizes, batch, activation, output, optimizer, skips: skips)
    }

    var loss: LossDescription { LossDescription(kind: output == .identity ? .squaredSum : .crossEntropy) }

    /// The network: layers called layer1, layer2 …
    public var network: NetworkDescription {
        let last = sizes.count - 2
        return NetworkDescription(
            inputs: sizes[0],
            layers: sizes.dropFirst().enumerated().map { index, units in
                let name = "layer\(index + 1)"
                let before = index == 0 ? NetworkDescription.dataName : "layer\(index)"
                return LayerDescription(
                    name: name, units: units, activation: index == last ? .identity : activation,
                    inputs: [before] + (skips[name] ?? []))
            }, output: output)
    }

    /// Batches of the data that a measurement trains on: up to 64, at most 64 MiB of inputs, at least 2.
    public var batches: Int { min(64, max(2, (64 << 20) / (4 * batch * sizes[0]))) }

    /// A trainer that shuffles `batches` batches of random numbers, as long as anybody likes.
    /// `adjust` changes what the team is asked for.
    public func trainer<Scalar: LoomScalar>(
        _: Scalar.Type, machine: MachineSetup, adjust: (inout TeamPlan) -> Void = { _ in }
    ) throws -> Trainer<Scalar> {
        let source = RandomSource(samples: batches * batch, features: sizes[0], output: output, outputs: sizes.last!)
        return try trainer(
            Scalar.self, machine: machine, source: source, learningRate: 1e-3, shuffles: true,
            adjust: adjust)
    }

    /// A trainer on `batches` batches of a synthetic task with as many classes as there are outputs, which are made while
    /// training or kept.
    public func trainer(
        _ task: SyntheticDescription.Task, machine: MachineSetup, isGenerated: Bool
    ) throws -> Trainer<Float> {
        let source = try SyntheticSource(
            SyntheticDescription(task: task, samples: batches * batch, inputs: sizes[0], classes: sizes.last!))
        let conversion = try TargetConversion(
            from: source, to: TargetNeeds(loss: loss, output: output, outputs: sizes.last!))
        let feed: SampleFeed<Float> =
            isGenerated
            ? .generated(
                try GeneratedSamples(
                    source, range: 0..<source.count, conversion: conversion, standardization: nil))
            : .resident(try Dataset(source, conversion: conversion))
        return try Trainer(
            network: network, loss: loss, optimizer: OptimizerDescription(kind: optimizer, learningRate: 1e-3),
            schedule: TrainingSchedule(batchRows: batch, epochs: 100_000_000 / batches),
            team: TeamPlan(workers: machine.workers, binding: machine.binding, cacheBytes: machine.cacheBytes),
            feed: feed)
    }

    /// A trainer on the samples of `source`, as long as anybody likes.
    public func trainer<Scalar: LoomScalar>(
        _: Scalar.Type, machine: MachineSetup, source: any DataSource, learningRate: Double, shuffles: Bool,
        adjust: (inout TeamPlan) -> Void = { _ in }
    ) throws -> Trainer<Scalar> {
        let needs = TargetNeeds(loss: loss, output: output, outputs: sizes.last!)
        let data = try Dataset<Scalar>(source, conversion: TargetConversion(from: source, to: needs))
        var team = TeamPlan(workers: machine.workers, binding: machine.binding, cacheBytes: machine.cacheBytes)
        adjust(&team)
        return try Trainer(
            network: network, loss: loss,
            optimizer: OptimizerDescription(kind: optimizer, learningRate: learningRate),
            schedule: TrainingSchedule(
                batchRows: batch, epochs: 100_000_000 / (data.count / batch), shuffles: shuffles),
            team: team,
            data: data)
    }
}

/// Inputs uniform in (−1, 1) and targets that say nothing about them.
struct RandomSource: DataSource {
    let count: Int
    let featureCount: Int
    let targetColumns: TargetColumns
    private let output: OutputMap
    private let outputs: Int

    init(samples: Int, features: Int, output: OutputMap, outputs: Int) {
        count = samples
        featureCount = features
        self.output = output
        self.outputs = outputs
        let columns = output == .softmax ? 1 : outputs
        targetColumns = TargetColumns(
            count: columns,
            form: output == .softmax ? .classIndices(classes: outputs) : .real(columns: columns))
    }

    var name: String { "random numbers" }
    var featureNames: [String]? { nil }

    func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        let inputNumbers = CounterRandom(seed: 1, purpose: .measurement, subStream: 0)
        let targetNumbers = CounterRandom(seed: 1, purpose: .measurement, subStream: 1)
        for (place, row) in rows.enumerated() {
            for column in 0..<(inputs?.columns ?? 0) {
                inputs?[place, column] = 2 * inputNumbers.uniform(at: UInt64(Int(row) * featureCount + column)) - 1
            }
            for column in 0..<(targets?.columns ?? 0) {
                let value = targetNumbers.uniform(at: UInt64(Int(row) * targetColumns.count + column))
                targets?[place, column] =
                    output == .softmax ? (value * Double(outputs)).rounded(.down) : value.rounded()
            }
        }
    }
}
