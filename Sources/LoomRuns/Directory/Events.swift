/// The first line of a run: what is trained, and by whom.
package struct RunEvent: Codable, Sendable, Equatable {
    /// The BLAS library that is loaded, whoever multiplies.
    package struct BLAS: Codable, Sendable, Equatable {
        /// The library and its version, for example "OpenBLAS 0.3.21".
        package var library: String
        /// The kernels it chose, for example "SkylakeX".
        package var core: String

        /// A description of the library.
        package init(library: String, core: String) {
            self.library = library
            self.core = core
        }
    }

    /// The machine, as far as this process may use it.
    package struct Machine: Codable, Sendable, Equatable {
        /// The processor's name.
        package var cpu: String
        /// Physical cores, allowed or not.
        package var cores: Int
        /// Hardware threads, allowed or not.
        package var hardwareThreads: Int
        /// NUMA nodes.
        package var numaNodes: Int
        /// The hardware threads that this process may use, by the operating system's numbers.
        package var allowedCPUs: [Int]
        /// The processors' worth of time that a control group allows; nil: no limit.
        package var quotaCPUs: Double?
        /// The process's nice value: above 0, other programs come before it.
        package var niceness: Int

        /// A description of the machine.
        package init(
            cpu: String, cores: Int, hardwareThreads: Int, numaNodes: Int, allowedCPUs: [Int],
            quotaCPUs: Double?, niceness: Int
        ) {
            self.cpu = cpu
            self.cores = cores
            self.hardwareThreads = hardwareThreads
            self.numaNodes = numaNodes
            self.allowedCPUs = allowedCPUs
            self.quotaCPUs = quotaCPUs
            self.niceness = niceness
        }

        enum CodingKeys: String, CodingKey {
            case cpu, cores
            case hardwareThreads = "hardware_threads"
            case numaNodes = "numa_nodes"
            case allowedCPUs = "allowed_cpus"
            case quotaCPUs = "quota_cpus"
            case niceness = "nice"
        }

        /// Writes every key; an absent quota is null.
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(cpu, forKey: .cpu)
            try container.encode(cores, forKey: .cores)
            try container.encode(hardwareThreads, forKey: .hardwareThreads)
            try container.encode(numaNodes, forKey: .numaNodes)
            try container.encode(allowedCPUs, forKey: .allowedCPUs)
            try container.encode(quotaCPUs, forKey: .quotaCPUs)
            try container.encode(niceness, forKey: .niceness)
        }
    }

    /// "run".
    package private(set) var event = "run"
    /// The number of trainable parameters.
    package var parameters: Int
    /// The number of workers.
    package var workers: Int
    /// The hardware thread that each worker is pinned to, by the operating system's number; null: not pinned.
    package var placement: [Int?]
    /// How the gradient travels: a `GradientRoute`.
    package var route: String
    /// The groups of samples whose gradients are added as a tree.
    package var groups: Int
    /// Who multiplies matrices: "builtin" or "openblas".
    package var products: String
    /// The definition of the run's bits, such as "fma-2".
    package var numerics: String
    /// The vector instructions of the kernels: "baseline", "avx2" or "avx512".
    package var instructionSet: String
    /// The arithmetic peak before the run: the most that the instructions in use can do in the run's precision on all
    /// workers at once, each in its place, in GFLOP/s.
    package var ceilingGflops: Double
    /// Whether the peak was measured by an earlier process.
    package var ceilingIsCached: Bool
    /// The BLAS library that is loaded, whoever multiplies.
    package var blas: BLAS
    /// The machine.
    package var machine: Machine
    /// What the memory is used for.
    package var memory: PlannedMemory
    /// The run's directory.
    package var runDirectory: String

    /// The first line of a run.
    package init(
        parameters: Int, workers: Int, placement: [Int?], route: String, groups: Int, products: String,
        numerics: String, instructionSet: String, ceilingGflops: Double, ceilingIsCached: Bool, blas: BLAS,
        machine: Machine, memory: PlannedMemory, runDirectory: String
    ) {
        self.parameters = parameters
        self.workers = workers
        self.placement = placement
        self.route = route
        self.groups = groups
        self.products = products
        self.numerics = numerics
        self.instructionSet = instructionSet
        self.ceilingGflops = ceilingGflops
        self.ceilingIsCached = ceilingIsCached
        self.blas = blas
        self.machine = machine
        self.memory = memory
        self.runDirectory = runDirectory
    }

    enum CodingKeys: String, CodingKey {
        case event, parameters, workers, placement, route, groups, products, numerics, blas, machine, memory
        case instructionSet = "instruction_set"
        case ceilingGflops = "ceiling_gflops"
        case ceilingIsCached = "ceiling_cached"
        case runDirectory = "run_directory"
    }
}

/// The line of a finished epoch. A value that the task does not have is null.
public struct EpochEvent: Codable, Sendable, Equatable {
    /// "epoch".
    public private(set) var event = "epoch"
    /// The epoch, counted from 1.
    public var epoch: Int
    /// The steps done since the training began.
    public var step: Int
    /// The mean loss of the epoch's steps as configured, penalty included.
    public var loss: Double
    /// The accuracy over the epoch's training samples, 0…1.
    public var accuracy: Double?
    /// The loss on the validation data.
    public var validationLoss: Double?
    /// The accuracy on the validation data, 0…1.
    public var validationAccuracy: Double?
    /// Training samples per second of training steps: no validation, no checkpoint.
    public var samplesPerSecond: Double
    /// The time of the epoch's steps, validation and checkpoints excluded.
    public var seconds: Double
    /// The matrix products' speed as a share of the arithmetic peak as it is known by then, 0…1.
    public var ceilingFraction: Double?
    /// What took most of the steps' time beside matrix products; nil where no step was measured.
    public var largestOverhead: TimeShare?

    /// The line of a finished epoch.
    public init(
        epoch: Int, step: Int, loss: Double, accuracy: Double?, validationLoss: Double?,
        validationAccuracy: Double?, samplesPerSecond: Double, seconds: Double, ceilingFraction: Double? = nil,
        largestOverhead: TimeShare? = nil
    ) {
        self.epoch = epoch
        self.step = step
        self.loss = loss
        self.accuracy = accuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.samplesPerSecond = samplesPerSecond
        self.seconds = seconds
        self.ceilingFraction = ceilingFraction
        self.largestOverhead = largestOverhead
    }

    /// The line of `result`; nothing says how fast the machine could be.
    package init(_ result: EpochResult) {
        let training = result.training
        // Its steps may have been done before an interruption.
        let samplesPerSecond = training.seconds > 0 ? Double(training.samples) / training.seconds : 0
        self.init(
            epoch: result.epoch + 1, step: result.step, loss: training.loss, accuracy: training.accuracy,
            validationLoss: result.validation?.loss, validationAccuracy: result.validation?.accuracy,
            samplesPerSecond: samplesPerSecond, seconds: training.seconds,
            largestOverhead: TimeShare(largestOf: training.activities))
    }

    enum CodingKeys: String, CodingKey {
        case event, epoch, step, loss, accuracy, seconds
        case validationLoss = "validation_loss"
        case validationAccuracy = "validation_accuracy"
        case samplesPerSecond = "samples_per_second"
        case ceilingFraction = "ceiling_fraction"
        case largestOverhead = "largest_overhead"
    }

    /// Writes every key; absent values are null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(event, forKey: .event)
        try container.encode(epoch, forKey: .epoch)
        try container.encode(step, forKey: .step)
        try container.encode(loss, forKey: .loss)
        try container.encode(accuracy, forKey: .accuracy)
        try container.encode(validationLoss, forKey: .validationLoss)
        try container.encode(validationAccuracy, forKey: .validationAccuracy)
        try container.encode(samplesPerSecond, forKey: .samplesPerSecond)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(ceilingFraction, forKey: .ceilingFraction)
        try container.encode(largestOverhead, forKey: .largestOverhead)
    }
}

/// The line of a training that diverged and went back.
package struct RollbackEvent: Codable, Sendable, Equatable {
    /// "rollback".
    package private(set) var event = "rollback"
    /// The step, counted from 0, whose loss was not finite.
    package var divergedStep: Int
    /// Where such a number was first.
    package var origin: String
    /// The steps done from which it goes on.
    package var step: Int
    /// What the configured learning rate is multiplied by from then on.
    package var learningRateFactor: Double

    /// The line of `rollback`.
    package init(_ rollback: Rollback) {
        divergedStep = rollback.divergedStep
        origin = rollback.origin
        step = rollback.step
        learningRateFactor = rollback.learningRateFactor
    }

    enum CodingKeys: String, CodingKey {
        case event, origin, step
        case divergedStep = "diverged_step"
        case learningRateFactor = "learning_rate_factor"
    }
}

/// The last line of a run.
package struct DoneEvent: Codable, Sendable, Equatable {
    /// "done".
    package private(set) var event = "done"
    /// The steps done since the training began.
    package var steps: Int
    /// The mean loss of the last epoch's steps as configured, penalty included.
    package var loss: Double
    /// Training samples per second of training steps, after warm-up.
    package var samplesPerSecond: Double
    /// The matrix products' 2·M·N·K per second, all workers together, in GFLOP/s.
    package var gflops: Double
    /// The arithmetic peak, as in the run's first line, or higher where the run was faster than that.
    package var ceilingGflops: Double
    /// `gflops` as a share of `ceilingGflops`, 0…1.
    package var ceilingFraction: Double
    /// The part of the time of the workers' cores that others had meanwhile, 0…1: other programs, the system itself, other
    /// machines of a hypervisor. Null where the system does not tell.
    package var otherWorkFraction: Double?
    /// Where the time of the whole training went.
    package var time: TrainingTime
    /// What the workers' time in training steps was spent on: fractions by `StepActivity`; null where no step was measured.
    package var stepFractions: [String: Double]?
    /// What took most of the whole time beside the matrix products of training steps.
    package var largestOverhead: TimeShare?
    /// SHA-256 over the parameters' bytes in layout order, in hexadecimal digits.
    package var parameterHash: String
    /// The most memory that the process has had at a time, in bytes; null where the system does not tell.
    package var peakResidentBytes: Int?
    /// The run's directory.
    package var runDirectory: String

    /// The last line of a run.
    package init(
        steps: Int, loss: Double, samplesPerSecond: Double, gflops: Double, ceilingGflops: Double,
        ceilingFraction: Double, otherWorkFraction: Double?, time: TrainingTime, stepFractions: [String: Double]?,
        largestOverhead: TimeShare?, parameterHash: String, peakResidentBytes: Int?, runDirectory: String
    ) {
        self.steps = steps
        self.loss = loss
        self.samplesPerSecond = samplesPerSecond
        self.gflops = gflops
        self.ceilingGflops = ceilingGflops
        self.ceilingFraction = ceilingFraction
        self.otherWorkFraction = otherWorkFraction
        self.time = time
        self.stepFractions = stepFractions
        self.largestOverhead = largestOverhead
        self.parameterHash = parameterHash
        self.peakResidentBytes = peakResidentBytes
        self.runDirectory = runDirectory
    }

    enum CodingKeys: String, CodingKey {
        case event, steps, loss, gflops, time
        case stepFractions = "step_fractions"
        case largestOverhead = "largest_overhead"
        case samplesPerSecond = "samples_per_second"
        case ceilingGflops = "ceiling_gflops"
        case ceilingFraction = "ceiling_fraction"
        case otherWorkFraction = "other_work_fraction"
        case parameterHash = "parameter_hash"
        case peakResidentBytes = "peak_resident_bytes"
        case runDirectory = "run_directory"
    }

    /// Writes every key; absent values are null.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(event, forKey: .event)
        try container.encode(steps, forKey: .steps)
        try container.encode(loss, forKey: .loss)
        try container.encode(samplesPerSecond, forKey: .samplesPerSecond)
        try container.encode(gflops, forKey: .gflops)
        try container.encode(ceilingGflops, forKey: .ceilingGflops)
        try container.encode(ceilingFraction, forKey: .ceilingFraction)
        try container.encode(otherWorkFraction, forKey: .otherWorkFraction)
        try container.encode(time, forKey: .time)
        try container.encode(stepFractions, forKey: .stepFractions)
        try container.encode(largestOverhead, forKey: .largestOverhead)
        try container.encode(parameterHash, forKey: .parameterHash)
        try container.encode(peakResidentBytes, forKey: .peakResidentBytes)
        try container.encode(runDirectory, forKey: .runDirectory)
    }
}
