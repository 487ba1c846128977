import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomTraining

/// A trained network, read back from a run: to be evaluated and predicted with.
public final class SavedModel<Scalar: LoomScalar> {
    /// The configuration it was trained with.
    public let configuration: Configuration
    /// The network.
    public let network: Network<Scalar>
    /// The parameters.
    public let parameters: ParameterBuffer<Scalar>
    /// The step at which the checkpoint was written.
    public let step: Int
    /// The checkpoint's file; nil: it is in memory.
    public let checkpointPath: String?
    /// The names of the classes, where labels were text.
    public let classNames: [String]?
    /// The number that class labels start at.
    public let labelBase: LabelBase
    private let standardization: Standardization?
    /// What the data of the training are known by; nil: an earlier version wrote the checkpoint.
    private let dataFingerprint: String?
    /// The names of the features, where they are known.
    public let featureNames: [String]?
    /// How the feature columns of a CSV file became features; nil: each was one number.
    public let csvColumns: [CSVColumn]?
    private let evaluator: Evaluator<Scalar>

    /// Reads the model that `configuration` describes and `checkpoint` holds.
    /// - Throws: `ModelError` or `SafetensorsError` when the two do not fit together.
    public init(_ configuration: Configuration, checkpoint: Safetensors, machine: MachineSetup) throws {
        let facts = try ModelMetadata(checkpoint)
        self.configuration = configuration
        do {
            network = try Network(configuration.network.description(inputs: facts.inputs))
        } catch let error as ModelError {
            throw ModelError(
                "\(checkpoint.path ?? "the checkpoint") is not of the network in the configuration, which cannot have its "
                    + "\(facts.inputs) inputs: \(error)")
        }
        // Before memory is reserved: the number of inputs is what the file says.
        try Checkpoint.check(checkpoint, holds: network.layout)
        parameters = ParameterBuffer(layout: network.layout)
        step = try Checkpoint.restore(checkpoint, parameters: parameters)
        checkpointPath = checkpoint.path
        classNames = facts.classNames
        labelBase = facts.labelBase
        featureNames = facts.featureNames
        csvColumns = facts.csvColumns
        standardization = try ModelMetadata.standardization(in: checkpoint, inputs: facts.inputs)
        dataFingerprint = try TrainingState(checkpoint)?.dataFingerprint
        let plan = configuration.teamPlan(on: machine)
        evaluator = Evaluator(
            network: network, parameters: parameters,
            team: WorkerTeam(
                workers: plan.workers, request: plan.request, binding: plan.binding, tuning: plan.tuning),
            gemmBackend: plan.gemmBackend)
    }

    /// What other data have to match.
    public var knownColumns: KnownColumns {
        KnownColumns(
            featureCount: network.inputs, featureNames: featureNames, classNames: classNames, csvColumns: csvColumns)
    }

    /// The loss and accuracy on the validation part of the run's own data, or on all of it where there is
    /// none.
    /// - Throws: `DataError`: the data are not those of the training any more, so that nobody knows which of them it was
    ///   validated on.
    public func evaluateOwnData() throws -> (evaluation: Evaluation, isValidation: Bool) {
        // Where samples can be made, only those are that are scored.
        let data = try PreparedData<Scalar>(
            OpenedData(
                configuration.data, network: network.description, loss: configuration.loss, keepsLittle: true))
        if let its = dataFingerprint {
            let ours = DataFingerprint.text(data)
            guard its == ours else {
                throw DataError(
                    .badData, source: data.training.sourceName,
                    problem: "the data have changed since the training: they were \(its), and are \(ours)",
                    remedy:
                        "which of them the model was trained on cannot be told; give samples to evaluate on with --data"
                )
            }
        }
        let evaluation = try evaluator.evaluate(data.validation ?? data.training, loss: configuration.loss)
        return (evaluation, data.validation != nil)
    }

    /// The loss and accuracy on `source`.
    public func evaluate(_ source: any DataSource) throws -> Evaluation {
        let needs = TargetNeeds(
            loss: configuration.loss, output: network.description.output, outputs: network.outputs)
        let conversion = try TargetConversion(from: source, to: needs, base: labelBase)
        return try evaluator.evaluate(prepared(source, conversion: conversion), loss: configuration.loss)
    }

    /// The predictions on the inputs of `source`: samples × outputs, row by row.
    public func predict(_ source: any DataSource) throws -> AlignedBuffer<Scalar> {
        evaluator.predict(try prepared(source, conversion: nil))
    }

    private func prepared(_ source: any DataSource, conversion: TargetConversion?) throws -> Dataset<Scalar> {
        guard source.featureCount == network.inputs else {
            throw DataError(
                .badData, source: source.name,
                problem:
                    "\(source.featureCount) feature column\(source.featureCount == 1 ? "" : "s"), but "
                    + "the model was trained on \(network.inputs)",
                remedy: "give the same features as in training, in the same order")
        }
        return try Dataset<Scalar>(source, conversion: conversion, standardization: standardization)
    }
}
