import CGradloom
import Foundation
import Gradloom
import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

/// Trains a model; see gradloom.h.
@_cdecl("gradloom_train")
public func gradloomTrain(
    _ configuration: UnsafePointer<CChar>, _ samples: UnsafePointer<gradloom_samples>, _ initial: UnsafeRawPointer?,
    _ report: gradloom_report?, _ context: UnsafeMutableRawPointer?,
    _ model: UnsafeMutablePointer<UnsafeMutableRawPointer?>,
    _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    reporting(message) {
        let configuration = try Configuration(yaml: String(cString: configuration), file: "the configuration")
        let stop = StopRequest()
        let listener = report.map { EventListener(report: $0, context: context, stop: stop) }
        let training = ModelTraining(
            configuration: configuration, samples: try GivenSamples(samples.pointee),
            initialModel: initial.map(ModelHandle.model), stop: stop, report: { listener?.tell($0) })
        model.pointee = ModelHandle(try training.run()).handle
    }
}

/// Writes predictions; see gradloom.h.
@_cdecl("gradloom_model_predict")
public func gradloomModelPredict(
    _ handle: UnsafeRawPointer, _ inputs: UnsafePointer<gradloom_array>, _ predictions: UnsafeMutableRawPointer,
    _ element: Int32, _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    reporting(message) {
        let model = ModelHandle.model(handle)
        let array = try SharedArray(inputs.pointee)
        let result = try model.predict(MemorySource(inputs: array, owner: Caller.inCall))
        switch Int(element) {
        case gradloom_float32:
            let places = predictions.assumingMemoryBound(to: Float.self)
            for (index, value) in result.enumerated() { places[index] = Float(value) }
        case gradloom_float64:
            predictions.assumingMemoryBound(to: Double.self).update(from: result, count: result.count)
        default: throw ModelError("predictions are float32 or float64, not of the element type \(element)")
        }
    }
}

/// Who owns arrays during a call: their memory stays as long as it takes.
private final class Caller: Sendable {
    static let inCall = Caller()
}

/// Somebody in another language who is told what happens.
private struct EventListener: @unchecked Sendable {
    // Sendable: `context` is the caller's business, who is told from one thread alone.
    let report: gradloom_report
    let context: UnsafeMutableRawPointer?
    let stop: StopRequest

    func tell(_ event: TrainingEvent) {
        let text: String? =
            switch event {
            case .progress(let epoch, let epochSoFar, let samplesPerSecond):
                try? JSONLines.text(
                    ProgressEvent(epoch: epoch + 1, loss: epochSoFar.loss, samplesPerSecond: samplesPerSecond))
            case .epochEnded(let result): try? JSONLines.text(EpochEvent(result))
            case .rolledBack(let rollback): try? JSONLines.text(RollbackEvent(rollback))
            }
        if let text, report(text, context) != 0 { stop.raise() }
    }
}

/// How far an epoch, counted from 1, has come.
private struct ProgressEvent: Encodable {
    let event = "progress"
    let epoch: Int
    let loss, samplesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case event, epoch, loss
        case samplesPerSecond = "samples_per_second"
    }
}

extension GivenSamples {
    /// Samples in memory of the caller.
    fileprivate init(_ samples: gradloom_samples) throws {
        guard let inputs = samples.inputs?.pointee, let targets = samples.targets?.pointee else {
            throw ModelError("there are no inputs or no targets")
        }
        let weights = samples.weights.map { Array(UnsafeBufferPointer(start: $0, count: max(0, Int(inputs.rows)))) }
        let classNames = try Self.names(samples.class_names)
        let source = try MemorySource(
            inputs: SharedArray(inputs), targets: SharedArray(targets), weights: weights,
            featureNames: Self.names(samples.feature_names), classNames: classNames, owner: Caller.inCall)
        var validation: MemorySource?
        if let inputs = samples.validation_inputs?.pointee, let targets = samples.validation_targets?.pointee {
            validation = try MemorySource(
                inputs: SharedArray(inputs), targets: SharedArray(targets), classNames: classNames,
                owner: Caller.inCall, name: "validation samples")
        }
        self.init(training: source, validation: validation)
    }

    private static func names(_ json: UnsafePointer<CChar>?) throws -> [String]? {
        try json.map { json in
            do {
                return try JSONDecoder().decode([String].self, from: Data(String(cString: json).utf8))
            } catch {
                throw ModelError("the names are no JSON list of texts")
            }
        }
    }
}

extension SharedArray {
    /// An array of the caller.
    fileprivate init(_ array: gradloom_array) throws(ModelError) {
        let elements: [Int: ElementType] = [
            gradloom_float32: .float32, gradloom_float64: .float64, gradloom_int32: .int32, gradloom_int64: .int64,
            gradloom_uint8: .uint8,
        ]
        guard let element = elements[Int(array.element)] else {
            throw ModelError("there is no element type \(array.element)")
        }
        let (count, isTooLarge) = array.rows.multipliedReportingOverflow(by: array.columns)
        guard array.rows >= 0, array.columns >= 0, !isTooLarge, count < 1 << 59 else {
            throw ModelError("no array has \(array.rows) × \(array.columns) elements")
        }
        guard let start = array.start ?? (count == 0 ? UnsafeRawPointer(bitPattern: 64) : nil) else {
            throw ModelError("the array is a null pointer")
        }
        self.init(start: start, rows: Int(array.rows), columns: Int(array.columns), element: element)
    }
}
