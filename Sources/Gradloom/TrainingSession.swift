import Foundation
import LoomConfiguration
import LoomRuns
import LoomTraining

/// Why a training left no model.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The loss of a step, counted from 0, or a parameter behind it was not finite.
    case diverged(step: Int)
    /// It was stopped before its first step.
    case stoppedBeforeFirstStep
    /// The system gives no thread to train on.
    case noThread

    /// The sentence for the user.
    public var description: String {
        switch self {
        case .diverged(let step):
            "the training diverged in step \(step): the loss is not a finite number; choose a smaller learning rate, or "
                + "standardise the features"
        case .stoppedBeforeFirstStep: "the training was stopped before its first step"
        case .noThread: "the system gives no thread to train on"
        }
    }
}

/// A training that goes on beside the program: what happens in it, and its model when it is over.
///
///     let session = TrainingSession(configuration)
///     for await event in session.events {
///         if case .epochEnded(let epoch) = event { print(epoch.training.loss) }
///     }
///     let model = try await session.model
///
/// It begins at once, on a thread of its own and those of its workers.
public final class TrainingSession: Sendable {
    /// What happens, to be read by one loop: it ends with the training.
    public let events: AsyncStream<TrainingEvent>
    private let stopRequest = StopRequest()
    private let outcome = Outcome()

    /// Events that wait for a reader; older ones are dropped where there are more.
    private static let mostWaitingEvents = 4096

    /// Begins to train what `configuration` says.
    /// - Parameters:
    ///   - configuration: Data, network and training.
    ///   - samples: The samples, instead of those that the configuration names.
    ///   - initialModel: A model of the same network whose parameters training begins with; nil: as the configuration says.
    public init(_ configuration: Configuration, samples: GivenSamples? = nil, from initialModel: Model? = nil) {
        let (events, continuation) = AsyncStream<TrainingEvent>.makeStream(
            bufferingPolicy: .bufferingNewest(Self.mostWaitingEvents))
        self.events = events
        let training = ModelTraining(
            configuration: configuration, samples: samples, initialModel: initialModel, stop: stopRequest,
            report: { continuation.yield($0) })
        let begun = BackgroundThread.detach { [outcome] in
            let result = Result { try training.run() }
            continuation.finish()
            outcome.set(result)
        }
        if !begun {
            continuation.finish()
            outcome.set(.failure(TrainingError.noThread))
        }
    }

    /// Ends the training after its current step: its model is what it has come to.
    public func stop() { stopRequest.raise() }

    /// The model, when the training is over.
    /// - Throws: `TrainingError` for a training without a model; otherwise what keeps it from beginning: `ConfigurationError`,
    ///   `DataError`, `ModelError`, `SafetensorsError`, `PlacementError`, `TopologyError`, `BLASError`.
    public var model: Model {
        get async throws { try await outcome.value }
    }
}

/// A training of a model on the thread that runs it.
package struct ModelTraining: Sendable {
    let configuration: Configuration
    let samples: GivenSamples?
    let initialModel: Model?
    let stop: StopRequest
    let report: @Sendable (TrainingEvent) -> Void

    /// As those of a `TrainingSession`.
    package init(
        configuration: Configuration, samples: GivenSamples?, initialModel: Model?, stop: StopRequest,
        report: @escaping @Sendable (TrainingEvent) -> Void
    ) {
        (self.configuration, self.samples, self.initialModel) = (configuration, samples, initialModel)
        (self.stop, self.report) = (stop, report)
    }

    /// Trains to the end, or until `stop` is raised.
    /// - Throws: As `TrainingSession.model`.
    package func run() throws -> Model {
        // What was made in code has not been checked yet.
        let configuration = try Configuration(yaml: configuration.yaml(), file: "the configuration in code")
        try configuration.validateForTraining()
        return switch configuration.training.precision.scalar {
        case .float32: try train(Float.self)
        case .float64: try train(Double.self)
        }
    }

    private func train<Scalar: LoomScalar>(_: Scalar.Type) throws -> Model {
        let experiment = try Experiment<Scalar>(
            configuration, machine: MachineSetup(configuration), samples: samples, stop: stop)
        try initialModel?.copyParameters(to: experiment)
        let notes = experiment.notes
        let result = try experiment.train(checkpoints: nil, report: report)
        switch result.end {
        case .diverged(let step): throw TrainingError.diverged(step: step)
        case .interrupted where experiment.trainer.step == 0: throw TrainingError.stoppedBeforeFirstStep
        case .completed, .stoppedEarly, .interrupted: break
        }
        return try Model(ModelFile(configuration, experiment.savedNetwork), training: result, notes: notes)
    }
}

/// A result that is there some time, and who waits for it.
private final class Outcome: @unchecked Sendable {
    // Sendable: every access to the stored properties holds the lock.
    private let lock = NSLock()
    private var result: Result<Model, any Error>?
    private var waiting: [CheckedContinuation<Model, any Error>] = []

    func set(_ result: Result<Model, any Error>) {
        let waiting = lock.withLock {
            self.result = result
            defer { self.waiting = [] }
            return self.waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    var value: Model {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let known = lock.withLock {
                    if result == nil { waiting.append(continuation) }
                    return result
                }
                if let known { continuation.resume(with: known) }
            }
        }
    }
}
