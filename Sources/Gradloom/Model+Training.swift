import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

extension Model {
    /// Trains `network` on the samples of `source`, and waits for the model.
    ///
    /// The calling task's thread is free meanwhile. If the task is cancelled, the training ends after its current step.
    ///
    /// - Parameters:
    ///   - source: The samples: ``MemorySource``, ``CSVSource``, ``NpySource``, ``SyntheticSource``, or a type of your own.
    ///   - validation: What validates after every epoch: a part of `source`, or nothing.
    ///   - network: Its layers; the number of inputs follows from the samples.
    ///   - loss: What is minimised; nil: what suits the network's output.
    ///   - optimizer: How gradients change the parameters.
    ///   - training: Epochs, batch, precision, seed, and when to stop early.
    ///   - parallel: Workers, and where they are bound.
    ///   - standardize: Whether features are brought to mean 0 and deviation 1; the model does it with what it predicts on.
    ///   - isolation: The actor of the caller, where `onEvent` is called: leave it out.
    ///   - onEvent: Told what happens, from the calling task.
    /// - Throws: `CancellationError` if the task was cancelled, and as ``TrainingSession/model``.
    public static func train(
        _ source: any DataSource, validation: SampleValidation = .none, network: NetworkSettings,
        loss: LossDescription? = nil, optimizer: OptimizerDescription = .init(), training: TrainingSettings = .init(),
        parallel: ParallelSettings = .init(), standardize: Bool = false, isolation: isolated (any Actor)? = #isolation,
        onEvent: ((TrainingEvent) -> Void)? = nil
    ) async throws -> Model {
        let data = DataDescription(
            source: .custom(CustomDescription(name: source.name)), validation: validation.description,
            standardize: standardize)
        let configuration = Configuration(
            data: data, network: network, loss: loss, optimizer: optimizer, training: training, parallel: parallel)
        return try await train(
            configuration, samples: GivenSamples(training: source, validation: validation.source), onEvent: onEvent)
    }

    /// Trains what `configuration` says, and waits for the model. No run directory is made.
    /// - Parameters:
    ///   - configuration: Data, network and training.
    ///   - samples: The samples, instead of those that the configuration names.
    ///   - initialModel: A model of the same network whose parameters training begins with; nil: as the configuration says.
    ///   - isolation: The actor of the caller, where `onEvent` is called: leave it out.
    ///   - onEvent: Told what happens, from the calling task.
    /// - Throws: `CancellationError` if the task was cancelled, and as ``TrainingSession/model``.
    public static func train(
        _ configuration: Configuration, samples: GivenSamples? = nil, from initialModel: Model? = nil,
        isolation: isolated (any Actor)? = #isolation, onEvent: ((TrainingEvent) -> Void)? = nil
    ) async throws -> Model {
        try Task.checkCancellation()
        let session = TrainingSession(configuration, samples: samples, from: initialModel)
        return try await withTaskCancellationHandler {
            // A closure runs on the actor of an isolated parameter only where it captures that.
            _ = isolation
            if let onEvent {
                for await event in session.events { onEvent(event) }
            }
            do {
                let model = try await session.model
                if model.training?.end == .interrupted { try Task.checkCancellation() }
                return model
            } catch TrainingError.stoppedBeforeFirstStep {
                try Task.checkCancellation()
                throw TrainingError.stoppedBeforeFirstStep
            }
        } onCancel: {
            session.stop()
        }
    }

    /// Gives the trainer of `experiment` the parameters of this model.
    func copyParameters<Scalar: LoomScalar>(to experiment: Experiment<Scalar>) throws {
        _ = try Checkpoint.restore(file.checkpoint, parameters: experiment.trainer.parameters)
    }
}

/// What validates a training after every epoch.
public enum SampleValidation: Sendable {
    /// Nothing does.
    case none
    /// A part of the samples, which is not trained on.
    case split(SplitDescription)
    /// Other samples.
    case source(any DataSource)

    /// This fraction of the samples, chosen at random by a fixed seed.
    public static func fraction(_ fraction: Double) -> SampleValidation { .split(SplitDescription(fraction: fraction)) }

    var source: (any DataSource)? { if case .source(let source) = self { source } else { nil } }

    var description: ValidationDescription {
        switch self {
        case .none: .none
        case .split(let split): .split(split)
        case .source(let source): .source(.custom(CustomDescription(name: source.name)))
        }
    }
}

extension NetworkSettings {
    /// A chain of dense layers: hidden ones of `activation`, and a last one of as many units as there are outputs.
    /// - Parameters:
    ///   - units: The units of every layer, the number of outputs last.
    ///   - activation: That of the hidden layers.
    ///   - output: softmax for classes, sigmoid for decisions, identity for regression.
    public init(units: [Int], activation: Activation = .relu, output: OutputMap) {
        self.init(
            layers: units.indices.map { index in
                LayerDescription(
                    name: "layer\(index + 1)", units: units[index],
                    activation: index == units.count - 1 ? .identity : activation)
            }, output: output)
    }
}
