import LoomData
import LoomKernels
import LoomModel
import LoomTraining

/// Which samples of a configuration's data are taken: rows of its source, counted from 0. A validation part is not kept
/// apart.
public enum SampleSelection: Sendable, Equatable {
    /// one sample
    case one(Int)
    /// all samples, refused where they are more than `limit`; the message ends with what to do instead
    case all(limit: Int, instead: String = "")
    /// the first samples, at most so many
    case first(Int)

    /// The rows of a source of `count` samples.
    /// - Throws: `RequestError` for a sample that does not exist, and for more samples than the limit.
    func rows(count: Int) throws(RequestError) -> [UInt32] {
        switch self {
        case .one(let index):
            guard (0..<count).contains(index) else {
                throw RequestError(
                    "there is no sample \(index): the data have \(count) sample\(count == 1 ? "" : "s"), counted from 0"
                )
            }
            return [UInt32(index)]
        case .all(let limit, let instead):
            guard count <= limit else {
                throw RequestError(
                    "the data have \(count) samples, which is more than \(limit); choose one with --sample 0 … "
                        + "--sample \(count - 1)" + (instead.isEmpty ? "" : ", or \(instead)"))
            }
            return Array(0..<UInt32(count))
        case .first(let limit):
            return Array(0..<UInt32(min(limit, count)))
        }
    }
}

/// A configuration's network, parameters and samples in float64, as plain lists: what the reference works on.
public struct ReferenceProblem: Sendable {
    /// The configuration.
    public let configuration: Configuration
    /// The network, its layers in topological order.
    public let network: NetworkDescription
    /// The network's layers with what each reads.
    public let graph: LayerGraph
    /// The first parameters of every layer.
    public let parameters: [ReferenceLayer]
    /// The samples taken, by their rows in the source, counted from 0.
    public let rows: [Int]
    /// The inputs of these samples, standardised where the configuration says so: samples × features.
    public let inputs: [[Double]]
    /// Their targets; nil where they were not asked for.
    public let targets: ReferenceTargets?
    /// The number of samples of the source.
    public let sampleCount: Int
    /// What was detected or decided, for the user.
    public let notes: [String]
    /// The same samples for the fast trainer.
    let dataset: Dataset<Double>
    private let source: any DataSource
    private let conversion: TargetConversion?
    private let standardization: Standardization?

    /// Reads the samples `selection` of the configuration's data, and makes its network and first parameters.
    /// - Throws: `DataError`, `ModelError`, `SafetensorsError`, `RequestError`: what does not fit together, or does not
    ///   exist.
    public init(
        _ configuration: Configuration, samples selection: SampleSelection, readsTargets: Bool = true
    ) throws {
        let settings = configuration.network
        let source = try configuration.data.source.open()
        if readsTargets, source.targetColumns.count == 0 {
            throw DataError(
                .badData, source: source.targetName, problem: "there are no targets, but the loss compares with some",
                remedy: "name them, in a CSV file with data.csv.label")
        }
        let rows = try selection.rows(count: source.count)
        let description = settings.description(inputs: source.featureCount)
        let network = try Network<Double>(description)
        let needs = TargetNeeds(
            loss: configuration.loss, output: description.output, outputs: network.outputs)
        let conversion =
            readsTargets
            ? try TargetConversion(from: source, to: needs, base: configuration.data.labels.base) : nil
        // Mean and deviation are those of the whole training part, as in training.
        let standardization =
            configuration.data.standardize
            ? try PreparedData<Double>(configuration.data, network: description, loss: configuration.loss)
                .standardization : nil
        let dataset = try Dataset<Double>(source, rows: rows, conversion: conversion)
        try standardization?.apply(to: dataset)

        self.configuration = configuration
        self.network = network.description
        graph = try LayerGraph(network.description)
        parameters = try Self.parameters(of: network, file: settings.parametersFile)
        self.rows = rows.map(Int.init)
        inputs = dataset.inputs.lists
        targets = dataset.targets.map(ReferenceTargets.init)
        sampleCount = source.count
        notes = source.notes + [conversion?.note].compactMap { $0 }
        self.dataset = dataset
        self.source = source
        self.conversion = conversion
        self.standardization = standardization
    }

    /// The reference trainer at the first parameters.
    /// - Throws: `ModelError` when loss and output do not go together.
    public func trainer() throws -> ReferenceTrainer {
        let training = configuration.training
        let stepsPerEpoch = max(1, (sampleCount + training.batch - 1) / training.batch)
        return try ReferenceTrainer(
            network: network, loss: configuration.loss, optimizer: configuration.optimizer,
            parameters: parameters,
            totalSteps: max(1, min(training.epochs * stepsPerEpoch, training.steps ?? .max)),
            stepsPerEpoch: stepsPerEpoch)
    }

    /// The same samples in another precision.
    func samples<Scalar: LoomScalar>(_: Scalar.Type) throws -> Dataset<Scalar> {
        let dataset = try Dataset<Scalar>(source, rows: rows.map(UInt32.init), conversion: conversion)
        try standardization?.apply(to: dataset)
        return dataset
    }

    private static func parameters(of network: Network<Double>, file: String?) throws -> [ReferenceLayer] {
        let parameters = network.initialParameters()
        if let file { _ = try Checkpoint.restore(Safetensors(contentsOf: file), parameters: parameters) }
        return parameters.referenceLayers(of: network)
    }
}

extension ParameterBuffer {
    /// The parameters, or anything in their layout, layer by layer as plain lists.
    func referenceLayers(of network: Network<Scalar>) -> [ReferenceLayer] {
        func lists(_ tensor: Int) -> [[Double]] { rows(tensor).map { $0.map { Double($0) } } }
        return network.layers.map { layer in
            ReferenceLayer(
                connections: layer.connections.map { lists($0.weights) }, bias: layer.bias.map { lists($0)[0] })
        }
    }
}

extension MatrixView where Scalar: BinaryFloatingPoint {
    /// The elements, row by row.
    var lists: [[Double]] {
        (0..<rows).map { row in (0..<columns).map { Double(self[row, $0]) } }
    }
}

extension ReferenceTargets {
    init(_ targets: Targets<Double>) {
        switch targets {
        case .labels(let labels, _): self = .labels(labels.elements.map { Int($0) })
        case .values(let values): self = .values(values.lists)
        }
    }
}
