import Foundation
import LoomData
import LoomRuns

/// A profile that `gradloom profile --json` wrote: what two profiles are compared by.
public struct ProfileRecord: Sendable, Equatable, Decodable {
    /// The speeds of one number of workers.
    public struct Scaling: Sendable, Equatable, Decodable {
        /// The workers.
        public let workers: Int
        /// Samples a second of each region without clocks.
        public let samplesPerSecond: [Double]

        private enum CodingKeys: String, CodingKey {
            case workers
            case samplesPerSecond = "samples_per_second_samples"
        }
    }

    /// Region by region, with the largest number of workers.
    public struct Samples: Sendable, Equatable, Decodable {
        /// The operations of one kind and layer on one worker.
        public struct Operation: Sendable, Equatable, Decodable {
            /// "forward", "wait" and so on.
            public let kind: String
            /// The layer; for waits the phase; nil where an operation belongs to all layers.
            public let layer: String?
            /// The worker.
            public let worker: Int
            /// Seconds of a step in each region with clocks.
            public let seconds: [Double]
        }

        /// Seconds of a step in each region without clocks.
        public let stepSeconds: [Double]
        /// All operations and waits of all workers.
        public let operations: [Operation]

        private enum CodingKeys: String, CodingKey {
            case operations
            case stepSeconds = "step_seconds"
        }
    }

    /// What a profile must have in common with another one to be comparable with it.
    public struct Provenance: Sendable, Equatable, Decodable {
        /// The processor's name.
        public let processor: String
        /// Maker, family, model and stepping.
        public let processorModel: String
        /// The vector instructions of the kernels.
        public let instructionSet: String
        /// The layers.
        public let network: String
        /// The loss, and whether there is a penalty.
        public let loss: String
        /// The rule of the updates, and whether gradients are clipped.
        public let optimizer: String
        /// Who multiplies.
        public let gemm: String
        /// Samples of a batch.
        public let batch: Int
        /// The precision of the training.
        public let precision: String

        private enum CodingKeys: String, CodingKey {
            case processor, network, loss, optimizer, gemm, batch, precision
            case processorModel = "processor_model"
            case instructionSet = "instruction_set"
        }
    }

    /// The largest number of workers.
    public let workers: Int
    /// How the gradient travels with as many.
    public let route: String
    /// "strong" or "weak".
    public let scalingKind: String
    /// All numbers of workers.
    public let scaling: [Scaling]
    /// What was measured with the largest number.
    public let samples: Samples
    /// On what and of what it was measured.
    public let provenance: Provenance

    private enum CodingKeys: String, CodingKey {
        case workers, route, scaling, samples, provenance
        case scalingKind = "scaling_kind"
    }
}

extension ProfileRecord {
    /// Reads the profile in the file at `path`.
    /// - Throws: `DataError`: there is no such file, or it holds no profile with samples.
    public init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw DataError(
                .missingInput, source: path, problem: isThere ? "cannot be read" : "there is no such file",
                remedy: Self.remedy)
        }
        try self.init(json: String(decoding: data, as: UTF8.self), source: path)
    }

    /// Reads a profile from its JSON text, which `source` names in errors.
    init(json: String, source: String) throws {
        func refuse(_ problem: String) -> DataError {
            DataError(.badData, source: source, problem: problem, remedy: Self.remedy)
        }
        guard let head = try? JSONLines.value(Head.self, from: json) else {
            throw refuse(
                json.hasPrefix("{") ? "is no whole JSON object: it may have been cut off" : "is no JSON object")
        }
        guard head.event == "profile" else {
            throw refuse(head.event.map { "holds the event '\($0)', which is no profile" } ?? "holds no profile")
        }
        guard head.hasSamples else {
            throw refuse("holds a profile without samples, which an earlier version wrote")
        }
        do {
            self = try JSONLines.value(ProfileRecord.self, from: json)
        } catch let error as DecodingError {
            throw refuse("the profile's \(error.keyPath) is missing or not what a profile has there")
        }
        guard workers >= 1, scaling.allSatisfy({ $0.workers >= 1 }) else {
            throw refuse("the profile's number of workers is below 1")
        }
    }

    private static let remedy = "expected a file with the output of 'gradloom profile CONFIG --json'"

    /// What is looked at first.
    private struct Head: Decodable {
        let event: String?
        let hasSamples: Bool

        private enum CodingKeys: String, CodingKey {
            case event, samples
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            event = try? container.decode(String.self, forKey: .event)
            hasSamples = container.contains(.samples)
        }
    }
}

extension DecodingError {
    /// Where it went wrong: "samples.operations.3.seconds".
    fileprivate var keyPath: String {
        let (context, key): (Context, (any CodingKey)?) =
            switch self {
            case .keyNotFound(let key, let context): (context, key)
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context, nil)
            @unknown default: (Context(codingPath: [], debugDescription: ""), nil)
            }
        let path = (context.codingPath + [key].compactMap { $0 }).map { $0.intValue.map(String.init) ?? $0.stringValue }
        return path.isEmpty ? "text" : path.joined(separator: ".")
    }
}
