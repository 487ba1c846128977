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
    /// The names of the target columns, where they are known.
    public let targetNames: [String]?
    /// What is done to every feature; nil: nothing.
    package let standardization: Standardization?
    /// What the data of the training are known by; nil: an earlier version wrote the checkpoint.
    private let dataFingerprint: String?
    /// The names of the features, where they are known.
    public let featureNames: [String]?
    /// How the feature columns of a CSV file became features; nil: each was one number.
    public let csvColumns: [CSVColumn]?
    private let evaluator: Evaluator<Scalar>
    private let gemmBackend: GemmBackend

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
        targetNames = facts.targetNames
        standardization = try ModelMetadata.standardization(in: checkpoint, inputs: facts.inputs)
        dataFingerprint = try TrainingState(checkpoint)?.dataFingerprint
        let plan = configuration.teamPlan(on: machine)
        gemmBackend = plan.gemmBackend
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

    /// Class `index` as the training labels wrote it; a network may have more units than these had names.
    package func className(_ index: Int) -> String {
        guard let classNames else { return String(labelBase.label(index)) }
        return index < classNames.count ? classNames[index] : "class_\(index)"
    }

    /// The number of classes of a classification, of which two may have one output; nil: it is none.
    package var classCount: Int? {
        switch network.description.output {
        case .softmax: network.outputs
        case .sigmoid where network.outputs == 1: 2
        case .sigmoid, .identity, .threshold, .softmaxWeighted: nil
        }
    }

    /// The name of output `index` where it predicts a target column whose name is known.
    package func targetName(_ index: Int) -> String? {
        targetNames.flatMap { $0.count == network.outputs ? $0[index] : nil }
    }

    /// The loss and accuracy on the validation part of the run's own data, or on all of it where there is
    /// none.
    /// - Throws: `DataError`: the data are not those of the training any more, so that nobody knows which of them it was
    ///   validated on.
    public func evaluateOwnData() throws -> (evaluation: Evaluation, isValidation: Bool) {
        let (samples, isValidation) = try ownSamples()
        return (try evaluator.evaluate(samples, loss: configuration.loss), isValidation)
    }

    /// The same, with the measures of the predictions.
    /// - Throws: as `evaluateOwnData`.
    public func measureOwnData() throws -> (measures: PredictionMeasures, isValidation: Bool) {
        let (samples, isValidation) = try ownSamples()
        return (try evaluator.measure(samples, loss: configuration.loss), isValidation)
    }

    /// The same, and where they are numbers the residuals of the first `targets` outputs, nil for those without a finite
    /// prediction; otherwise none.
    /// - Throws: as `evaluateOwnData`.
    package func measureOwnData(
        residualsOf targets: Int
    ) throws -> (measures: PredictionMeasures, residuals: [Residuals?], isValidation: Bool) {
        let (samples, isValidation) = try ownSamples()
        let measures = try evaluator.measure(samples, loss: configuration.loss)
        let residuals =
            measures.regression == nil
            ? [] : try evaluator.residuals(samples, loss: configuration.loss, most: targets)
        return (measures, residuals, isValidation)
    }

    private func ownSamples() throws -> (samples: SampleFeed<Scalar>, isValidation: Bool) {
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
        return (data.validation ?? data.training, data.validation != nil)
    }

    /// The loss and accuracy on `source`.
    /// - Throws: `DataError` for data that do not go with those of the training.
    public func evaluate(_ source: any DataSource) throws -> Evaluation {
        try evaluator.evaluate(targeted(source), loss: configuration.loss)
    }

    /// The same, with the measures of the predictions.
    /// - Throws: as `evaluate`.
    public func measure(_ source: any DataSource) throws -> PredictionMeasures {
        try evaluator.measure(targeted(source), loss: configuration.loss)
    }

    /// Samples that can be made are not kept.
    private func targeted(_ source: any DataSource) throws -> SampleFeed<Scalar> {
        try check(source, classes: classNames)
        let needs = TargetNeeds(
            loss: configuration.loss, output: network.description.output, outputs: network.outputs)
        let conversion = try TargetConversion(from: source, to: needs, base: labelBase)
        guard let synthetic = source as? SyntheticSource else {
            return .resident(try prepared(source, conversion: conversion))
        }
        try checkFeatures(source)
        return .generated(
            try GeneratedSamples(
                synthetic, range: 0..<source.count, conversion: conversion, standardization: standardization))
    }

    /// The predictions on the inputs of `source`: samples × outputs, row by row.
    public func predict(_ source: any DataSource) throws -> AlignedBuffer<Scalar> {
        try check(source, classes: nil)
        return evaluator.predict(try prepared(source, conversion: nil))
    }

    /// Columns of CSV files are found by their names when the file is opened.
    private func check(_ source: any DataSource, classes: [String]?) throws(DataError) {
        guard !(source is CSVSource) else { return }
        try source.check(againstClasses: classes, features: featureNames)
    }

    private func checkFeatures(_ source: any DataSource) throws(DataError) {
        guard source.featureCount == network.inputs else {
            throw DataError(
                .badData, source: source.name,
                problem:
                    "\(source.featureCount) feature column\(source.featureCount == 1 ? "" : "s"), but "
                    + "the model was trained on \(network.inputs)",
                remedy: "give the same features as in training, in the same order")
        }
    }

    /// Predictions for one sample at a time: one such object for each thread.
    public func predictor() -> Predictor<Scalar> {
        Predictor(
            network: network, parameters: parameters, standardization: standardization, gemmBackend: gemmBackend)
    }

    private func prepared(_ source: any DataSource, conversion: TargetConversion?) throws -> Dataset<Scalar> {
        try checkFeatures(source)
        return try Dataset<Scalar>(source, conversion: conversion, standardization: standardization)
    }
}
