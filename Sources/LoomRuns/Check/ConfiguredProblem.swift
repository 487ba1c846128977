import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomReference

/// Some samples of a configuration's data with its network: for the reference as a `ReferenceProblem`, and for the fast
/// trainer in either precision.
struct ConfiguredProblem {
    /// The configuration.
    let configuration: Configuration
    /// What the reference works on.
    let reference: ReferenceProblem
    private let source: any DataSource
    private let conversion: TargetConversion?
    private let standardization: Standardization?
    private let classWeights: [Double]?
    private let sampleWeights: [Double]?

    /// Reads the samples `selection` of the configuration's data, and makes its network and first parameters.
    /// - Throws: `DataError`, `ModelError`, `SafetensorsError`, `RequestError`: what does not fit together, or does not
    ///   exist.
    init(_ configuration: Configuration, samples selection: SampleSelection, readsTargets: Bool = true) throws {
        let settings = configuration.network
        var source = try configuration.data.source.open()
        if readsTargets, source.targetColumns.count == 0 {
            throw DataError(
                .badData, source: source.targetName, problem: "there are no targets, but the loss compares with some",
                remedy: "name them, in a CSV file with data.csv.label")
        }
        let rows = try selection.rows(count: source.count)
        let description = settings.description(inputs: source.featureCount)
        let network = try Network<Double>(description)
        // The parameters, what they are read into, and their gradients.
        let bytes = 4 * network.layout.elementCount * MemoryLayout<Double>.stride
        guard MemorySize.canBeReserved(bytes) else {
            throw ModelError(
                "\(network.layout.parameterCount) parameters need \(MemorySize.words(bytes)), which the system does not "
                    + "give; choose fewer units")
        }
        let needs = TargetNeeds(loss: configuration.loss, output: description.output, outputs: network.outputs)
        let conversion =
            readsTargets
            ? try TargetConversion(from: source, to: needs, base: configuration.data.labels.base) : nil
        // Means and deviations are those of the whole training part, as in training.
        var standardization: Standardization?
        var (classWeights, sampleWeights): ([Double]?, [Double]?)
        let fillsMissing = (source as? CSVSource)?.fillsMissing ?? false
        if readsTargets {
            sampleWeights = try configuration.data.sampleWeights(of: source).map { RowSelection.range(rows).values($0) }
        }
        if configuration.data.standardize || fillsMissing || configuration.data.classWeights != nil {
            let data = try PreparedData<Double>(configuration.data, network: description, loss: configuration.loss)
            standardization = data.standardization
            if readsTargets { classWeights = data.classWeights }
            if let csv = source as? CSVSource { source = csv.replacingMissing(by: data.csvColumns) }
        }
        let dataset = try Dataset<Double>(
            source, rows: .range(rows), conversion: conversion, standardization: standardization
        ).weighted(classes: classWeights, samples: sampleWeights)
        let training = configuration.training
        let stepsPerEpoch = max(1, (source.count + training.batch - 1) / training.batch)
        reference = try ReferenceProblem(
            network: network.description, vertices: settings.vertices,
            parameters: Self.parameters(of: network, file: settings.parametersFile), loss: configuration.loss,
            optimizer: configuration.optimizer,
            totalSteps: max(1, configuration.trainingSchedule.totalSteps(stepsPerEpoch: stepsPerEpoch)),
            stepsPerEpoch: stepsPerEpoch, rows: Array(rows), inputs: dataset.inputs.lists,
            targets: dataset.targets.map(ReferenceTargets.init), weights: dataset.weights.map(\.array),
            sampleCount: source.count,
            notes: source.notes + [conversion?.note].compactMap { $0 })
        self.configuration = configuration
        self.source = source
        self.conversion = conversion
        self.standardization = standardization
        (self.classWeights, self.sampleWeights) = (classWeights, sampleWeights)
    }

    /// The same samples for the fast trainer.
    func samples<Scalar: LoomScalar>(_: Scalar.Type) throws -> Dataset<Scalar> {
        try Dataset<Scalar>(
            source, rows: .range(reference.rows[0]..<reference.rows[0] + reference.rows.count), conversion: conversion,
            standardization: standardization
        ).weighted(classes: classWeights, samples: sampleWeights)
    }

    private static func parameters(of network: Network<Double>, file: String?) throws -> [ReferenceLayer] {
        let parameters = network.initialParameters()
        if let file {
            _ = try Checkpoint.restore(Safetensors(contentsOf: file), parameters: parameters)
            try parameters.checkFinite(file: file)
        }
        return parameters.referenceLayers(of: network)
    }
}

extension ReferenceProblem {
    /// Reads the samples `selection` of the configuration's data, standardised where it says so, and makes its network and
    /// first parameters.
    /// - Throws: `DataError`, `ModelError`, `SafetensorsError`, `RequestError`: what does not fit together, or does not
    ///   exist.
    public init(
        _ configuration: Configuration, samples selection: SampleSelection, readsTargets: Bool = true
    ) throws {
        self = try ConfiguredProblem(configuration, samples: selection, readsTargets: readsTargets).reference
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
    fileprivate var lists: [[Double]] {
        (0..<rows).map { row in (0..<columns).map { Double(self[row, $0]) } }
    }
}

extension ReferenceTargets {
    fileprivate init(_ targets: Targets<Double>) {
        switch targets {
        case .labels(let labels, _): self = .labels(labels.array.map { Int($0) })
        case .values(let values): self = .values(values.lists)
        }
    }
}
