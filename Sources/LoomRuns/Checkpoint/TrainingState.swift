import Foundation
import LoomTraining

/// What a training needs to go on with the same bits and reports, beside parameters, optimizer state and step.
struct TrainingState: Equatable {
    /// What the steps of the epoch in progress have come to.
    var epochSums = LossSums()
    /// The validations so far, as early stopping needs them.
    var history = ValidationHistory()
    /// The length of the metrics file: what was appended later belongs to steps after the checkpoint. Nil: unknown.
    var metricsBytes: Int?
    /// SHA-256 over so much of the metrics file; nil: unknown.
    var metricsSum: String?
    /// SHA-256 over the run's configuration file; nil: unknown.
    var configurationSum: String?
    /// How often the learning rate is halved because training diverged.
    var learningRateHalvings = 0
    /// Whether training diverged from here before, and begins its next attempt.
    var isRetry = false
    /// What the data are known by; nil: unknown.
    var dataFingerprint: String?

    private static let key = "training_state"
    /// What counts of steps, samples, epochs and bytes may be: few enough to be added up.
    static let possibleCounts = 0...1 << 53
}

extension TrainingState: Codable {
    private enum CodingKeys: String, CodingKey {
        case steps, samples, correct, best, latest
        case lossSum = "loss_sum"
        case penaltySum = "penalty_sum"
        case isPending = "validation_pending"
        case metricsBytes = "metrics_bytes"
        case metricsSum = "metrics_sha256"
        case configurationSum = "configuration_sha256"
        case learningRateHalvings = "learning_rate_halvings"
        case isRetry = "retry"
        case dataFingerprint = "data_fingerprint"
    }

    /// A loss with its epoch; the bits of a number as hexadecimal digits, because JSON has no NaN.
    private struct Validation: Codable {
        let epoch: Int
        let loss: String

        init(_ loss: ValidationLoss) { (epoch, self.loss) = (loss.epoch, TrainingState.bits(loss.loss)) }

        var value: ValidationLoss? { TrainingState.number(loss).map { ValidationLoss(epoch: epoch, loss: $0) } }
    }

    private static func bits(_ value: Double) -> String { String(value.bitPattern, radix: 16) }
    private static func number(_ bits: String) -> Double? { UInt64(bits, radix: 16).map(Double.init(bitPattern:)) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(epochSums.steps, forKey: .steps)
        try container.encode(epochSums.samples, forKey: .samples)
        try container.encode(epochSums.correct, forKey: .correct)
        try container.encode(Self.bits(epochSums.lossSum), forKey: .lossSum)
        try container.encode(Self.bits(epochSums.penaltySum), forKey: .penaltySum)
        try container.encodeIfPresent(history.best.map(Validation.init), forKey: .best)
        try container.encodeIfPresent(history.latest.map(Validation.init), forKey: .latest)
        if history.isPending { try container.encode(true, forKey: .isPending) }
        try container.encodeIfPresent(metricsBytes, forKey: .metricsBytes)
        try container.encodeIfPresent(metricsSum, forKey: .metricsSum)
        try container.encodeIfPresent(configurationSum, forKey: .configurationSum)
        if learningRateHalvings > 0 { try container.encode(learningRateHalvings, forKey: .learningRateHalvings) }
        if isRetry { try container.encode(isRetry, forKey: .isRetry) }
        try container.encodeIfPresent(dataFingerprint, forKey: .dataFingerprint)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func number(_ key: CodingKeys) throws -> Double {
            guard let value = Self.number(try container.decode(String.self, forKey: key)) else {
                throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "no number's bits")
            }
            return value
        }
        epochSums.steps = try container.decode(Int.self, forKey: .steps)
        epochSums.samples = try container.decode(Int.self, forKey: .samples)
        epochSums.correct = try container.decode(Int.self, forKey: .correct)
        epochSums.lossSum = try number(.lossSum)
        epochSums.penaltySum = try number(.penaltySum)
        history.best = try container.decodeIfPresent(Validation.self, forKey: .best)?.value
        history.latest = try container.decodeIfPresent(Validation.self, forKey: .latest)?.value
        history.isPending = try container.decodeIfPresent(Bool.self, forKey: .isPending) ?? false
        metricsBytes = try container.decodeIfPresent(Int.self, forKey: .metricsBytes)
        metricsSum = try container.decodeIfPresent(String.self, forKey: .metricsSum)
        configurationSum = try container.decodeIfPresent(String.self, forKey: .configurationSum)
        learningRateHalvings = try container.decodeIfPresent(Int.self, forKey: .learningRateHalvings) ?? 0
        isRetry = try container.decodeIfPresent(Bool.self, forKey: .isRetry) ?? false
        dataFingerprint = try container.decodeIfPresent(String.self, forKey: .dataFingerprint)
        let counts = [epochSums.steps, epochSums.samples, epochSums.correct, metricsBytes ?? 0]
        let epochs = [history.best?.epoch, history.latest?.epoch].compactMap { $0 }
        // So few that their steps can be counted.
        guard counts.allSatisfy(Self.possibleCounts.contains), epochs.allSatisfy((0..<1 << 31).contains),
            epochSums.samples >= epochSums.steps, !history.isPending || epochSums.steps > 0,
            history.best?.epoch ?? 0 <= history.latest?.epoch ?? .max, (0...60).contains(learningRateHalvings)
        else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "counts that cannot be"))
        }
    }

    /// As an entry of a checkpoint's metadata.
    var metadata: [String: String] {
        (try? JSONLines.line(self)).map { [Self.key: $0.trimmingCharacters(in: .newlines)] } ?? [:]
    }

    /// The state in `file`; nil where an earlier version wrote it.
    /// - Throws: `SafetensorsError`: there is one, but it is damaged.
    init?(_ file: Safetensors) throws(SafetensorsError) {
        guard let text = file.metadata[Self.key] else { return nil }
        guard let state = try? JSONLines.value(TrainingState.self, from: text) else {
            throw SafetensorsError(path: file.path, tensor: nil, problem: .metadata(key: Self.key))
        }
        self = state
    }
}
