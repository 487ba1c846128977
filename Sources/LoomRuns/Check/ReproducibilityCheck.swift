import LoomConfiguration

/// What `gradloom check --reproducible` finds: the first steps of a training, done in every way in which this machine can do
/// them, and whether all have the same bits.
public struct ReproducibilityCheck: Sendable, Equatable, Encodable {
    /// What is compared.
    public struct Options: Sendable, Equatable {
        /// Steps of each training; nil: as many as take about `secondsPerWay`, or all there are.
        public var steps: Int?
        /// The largest number of workers.
        public var workers = 4
        /// The layer of which one weight is moved to the next number in all trainings but the first, so that the check must
        /// fail; nil: none.
        public var corrupted: String?

        /// The defaults.
        public init() {}
    }

    /// One way of doing the steps.
    public struct Row: Sendable, Equatable, Encodable {
        /// What is different from the configuration: "3 workers".
        public let way: String
        /// How it was done; nil where it was left out.
        public let done: Done?
        /// Why it was left out; nil: it was not.
        public let leftOut: String?
        /// Whether the bits are those of the first training; nil where it was left out.
        public let isSame: Bool?

        enum CodingKeys: String, CodingKey {
            case way, done
            case leftOut = "left_out"
            case isSame = "same"
        }

        /// Writes every key; absent values are null.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(way, forKey: .way)
            try container.encode(done, forKey: .done)
            try container.encode(leftOut, forKey: .leftOut)
            try container.encode(isSame, forKey: .isSame)
        }
    }

    /// How steps were done, and what they came to.
    public struct Done: Sendable, Equatable, Codable {
        /// The number of workers.
        public var workers: Int
        /// Workers that are bound to a CPU.
        public var pinned: Int
        /// How the gradient travelled.
        public var route: String
        /// "gang", "fork_join" or "alone".
        public var team: String
        /// The vector instructions of the kernels.
        public var instructionSet: String
        /// SHA-256 over the parameters' bytes, in hexadecimal digits.
        public var parameterHash: String
        /// The reported loss of the last epoch's steps; nil where it is not finite.
        public var loss: Double?
        /// The bits of that loss, in hexadecimal digits.
        public var lossBits: String

        enum CodingKeys: String, CodingKey {
            case workers, pinned, route, team, loss
            case instructionSet = "instruction_set"
            case parameterHash = "parameter_hash"
            case lossBits = "loss_bits"
        }
    }

    /// The steps of each training.
    public let steps: Int
    /// The step, counted from 0, whose loss was not finite, so that no more steps were compared; nil: there was none.
    public let divergedStep: Int?
    /// The steps of the whole training.
    public let totalSteps: Int
    /// Samples of a batch.
    public let batch: Int
    /// The number of trainable parameters.
    public let parameters: Int
    /// "float32" or "float64".
    public let precision: String
    /// The definition of the bits.
    public let numerics: String
    /// The ways, the first as the configuration says.
    public let rows: [Row]

    enum CodingKeys: String, CodingKey {
        case divergedStep = "diverged_step"
        case steps, batch, parameters, precision, numerics, rows
        case totalSteps = "total_steps"
    }

    /// Whether all trainings had the same bits.
    public var passed: Bool { rows.allSatisfy { $0.isSame != false } }

    /// Does the first steps of what `configuration` trains in every way.
    /// - Throws: as `Experiment.init`; `RequestError` for a layer that does not exist.
    public init(_ configuration: Configuration, options: Options = Options()) throws {
        switch configuration.training.precision.scalar {
        case .float32: self = try ReproducibilityTrials<Float>(configuration, options: options).check()
        case .float64: self = try ReproducibilityTrials<Double>(configuration, options: options).check()
        }
    }

    init(
        steps: Int, divergedStep: Int?, totalSteps: Int, batch: Int, parameters: Int, precision: String,
        numerics: String, rows: [Row]
    ) {
        self.steps = steps
        self.divergedStep = divergedStep
        self.totalSteps = totalSteps
        self.batch = batch
        self.parameters = parameters
        self.precision = precision
        self.numerics = numerics
        self.rows = rows
    }
}
