import CGradloom
import Foundation
import Gradloom
import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns

// The functions that other languages call. Objects are handles that their owner frees; texts are UTF-8 that ends with 0, and
// those that are handed out are freed with `gradloom_free`. Every function that can fail says how by a `GradloomStatus`, and
// by a sentence.

/// What became of a call.
enum GradloomStatus {
    /// What `error` is, as gradloom.h lists them.
    static func of(_ error: any Error) -> Int {
        switch error {
        case TrainingError.diverged: gradloom_diverged
        case TrainingError.stoppedBeforeFirstStep: gradloom_stopped
        case let error as DataError:
            [.badData, .badConfiguration].contains(error.category) ? gradloom_bad_input : gradloom_input_output
        case is ConfigurationError, is ModelError: gradloom_bad_input
        case is SafetensorsError, is RunDirectoryError, is RunError, is AtomicFile.WriteError, is CocoaError:
            gradloom_input_output
        default: gradloom_unavailable
        }
    }
}

/// A model behind a handle.
final class ModelHandle {
    let model: Model
    init(_ model: Model) { self.model = model }

    var handle: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    static func model(_ handle: UnsafeRawPointer) -> Model {
        Unmanaged<ModelHandle>.fromOpaque(handle).takeUnretainedValue().model
    }
}

/// Does `body`, and hands out a sentence about its error.
func reporting(
    _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ body: () throws -> Void
) -> Int32 {
    do {
        try body()
        return Int32(gradloom_done)
    } catch {
        message?.pointee = strdup(error is CocoaError ? error.localizedDescription : "\(error)")
        return Int32(GradloomStatus.of(error))
    }
}

/// Frees a text.
@_cdecl("gradloom_free")
public func gradloomFree(_ text: UnsafeMutablePointer<CChar>?) { free(text) }

/// Frees a model; predictions that go on keep what they need.
@_cdecl("gradloom_model_free")
public func gradloomModelFree(_ model: UnsafeMutableRawPointer) {
    Unmanaged<ModelHandle>.fromOpaque(model).release()
}

/// Reads the model in a file, or that of a run directory.
@_cdecl("gradloom_model_open")
public func gradloomModelOpen(
    _ path: UnsafePointer<CChar>, _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>,
    _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    reporting(message) { result.pointee = ModelHandle(try Model(contentsOf: String(cString: path))).handle }
}

/// Writes the model into a file.
@_cdecl("gradloom_model_save")
public func gradloomModelSave(
    _ model: UnsafeRawPointer, _ path: UnsafePointer<CChar>,
    _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    reporting(message) { try ModelHandle.model(model).save(to: String(cString: path)) }
}

/// What is known of the model, as a JSON object; nil: there is no memory for it.
@_cdecl("gradloom_model_facts")
public func gradloomModelFacts(_ model: UnsafeRawPointer) -> UnsafeMutablePointer<CChar>? {
    (try? JSONLines.text(ModelFacts(ModelHandle.model(model)))).flatMap { strdup($0) }
}

/// What is known of a model.
private struct ModelFacts: Encodable {
    let inputs, outputs, step: Int
    let output: OutputMap
    let isFloat64: Bool
    let classNames, featureNames, targetNames: [String]?
    let configuration: String
    let notes: [String]
    let end: String?
    let loss, validationLoss, samplesPerSecond: Double?

    init(_ model: Model) {
        (inputs, outputs, step) = (model.inputs, model.outputs, model.step)
        output = model.configuration.network.output
        isFloat64 = model.configuration.training.precision.scalar == .float64
        (classNames, featureNames, targetNames) = (model.classNames, model.featureNames, model.targetNames)
        configuration = model.configuration.yaml()
        notes = model.notes
        let last = model.training?.lastEpoch
        (loss, validationLoss) = (last?.training.loss, last?.validation?.loss)
        samplesPerSecond = model.training?.samplesPerSecond
        end =
            switch model.training?.end {
            case nil: nil
            case .completed: "completed"
            case .stoppedEarly: "stopped_early"
            case .interrupted: "interrupted"
            case .diverged: "diverged"
            }
    }

    enum CodingKeys: String, CodingKey {
        case inputs, outputs, step, output, configuration, notes, end, loss
        case isFloat64 = "float64"
        case classNames = "class_names"
        case featureNames = "feature_names"
        case targetNames = "target_names"
        case validationLoss = "validation_loss"
        case samplesPerSecond = "samples_per_second"
    }
}
