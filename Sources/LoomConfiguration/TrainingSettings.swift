import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomTraining

/// How long, in which steps and in which precision a network is trained.
public struct TrainingSettings: Sendable, Equatable {
    /// Samples of a minibatch. A last batch that is not full counts its own samples, unless `dropLast`.
    public var batch = 256 { didSet { fitsBatch = false } }
    /// Whether a minibatch has all samples where there are fewer than `batch`; false as soon as `batch` is set.
    public private(set) var fitsBatch = true
    /// Passes over the training data.
    public var epochs = 1
    /// The largest number of steps; nil: as many as the epochs have.
    public var steps: Int?
    /// The seed of the order of the samples.
    public var seed: UInt64 = 1
    /// The number formats of parameters and of the factors of products.
    public var precision = TrainingPrecision.float32
    /// Which definition of the bits mixed precision has.
    public var numerics = Numerics.automatic
    /// Whether mixed precision is used where it is slower than float32, too.
    public var forcePrecision = false
    /// When training ends before its last epoch.
    public var earlyStopping: EarlyStopping?
    /// What happens when the loss of a step is not a finite number.
    public var onNaN = OnNaN.stop
    /// Whether samples that do not fill a last batch are left out.
    public var dropLast = false

    /// The definition of the bits of products of bfloat16.
    public enum Numerics: String, Sendable, CaseIterable, Codable {
        /// that of the fastest instructions of the processor
        case automatic = "auto"
        /// that of tiles (AMX)
        case tiles = "bf16-amx-1"
        /// that of AVX-512-BF16
        case dot = "bf16-dot-1"
    }

    /// What happens when the loss of a step is not a finite number.
    public enum OnNaN: String, Sendable, CaseIterable, Codable {
        /// training ends
        case stop
        /// training goes back to its last good checkpoint, and on at half of the learning rate
        case rollback
    }

    /// Settings, of which all that are not given have their defaults.
    /// - Parameter batch: Samples of a minibatch; nil: 256, or all where there are fewer.
    public init(
        epochs: Int = 1, batch: Int? = nil, precision: TrainingPrecision = .float32,
        earlyStopping: EarlyStopping? = nil
    ) {
        (self.epochs, self.precision, self.earlyStopping) = (epochs, precision, earlyStopping)
        if let batch {
            self.batch = batch
            fitsBatch = false
        }
    }

    /// The batch that was asked for; nil: what suits the data.
    private var chosenBatch: Int? {
        get { fitsBatch ? nil : batch }
        set {
            batch = newValue ?? TrainingSettings().batch
            fitsBatch = newValue == nil
        }
    }

    static var section: SettingsSection<TrainingSettings> {
        var section = SettingsSection(initial: TrainingSettings())
        section.key(
            "batch", \.chosenBatch, .word("auto", or: .whole(1)),
            "samples of a minibatch, all workers together; auto: 256, or all where there are fewer")
        section.key("epochs", \.epochs, .whole(1), "passes over the training data")
        section.optionalKey(
            "steps", \.steps, .whole(1), default: "no limit", "training ends after so many steps")
        section.key("seed", \.seed, .whole(0), "decides the order of the samples")
        section.key("precision", \.precision, .choice(), "the number formats of training")
        let isMixed = SettingsCondition<TrainingSettings>.when("precision", \.precision, is: .mixedBFloat16)
            .unlessDefault
        section.key(
            "numerics", \.numerics, .choice(), when: isMixed,
            "the definition of the bits of mixed precision; auto: that of the processor's fastest instructions")
        section.key(
            "force_precision", \.forcePrecision, .flag, when: isMixed,
            "whether mixed precision is used where it is slower than float32, too")
        section.key(
            "drop_last", \.dropLast, .flag,
            "whether samples that do not fill a last batch are left out; otherwise its mean is over its own samples"
        )
        section.key(
            "on_nan", \.onNaN, .choice(),
            "when a loss is no finite number: stop, or go back to the last good checkpoint and on at half of the learning rate"
        )
        section.optionalKey(
            "early_stopping", \.earlyStopping, EarlyStopping.section.type(), default: "never",
            "ends training when the validation loss no longer improves")
        return section
    }
}

extension EarlyStopping {
    fileprivate static var section: SettingsSection<EarlyStopping> {
        var section = SettingsSection(initial: EarlyStopping(patience: 1))
        section.requiredKey(
            "patience", \.patience, .whole(1), "epochs without improvement after which training ends")
        section.key(
            "minimum_improvement", \.minimumImprovement, .number(.notNegative),
            "by how much a loss must be below the best one to count")
        return section
    }
}

/// Who works, where, and on which parts.
public struct ParallelSettings: Sendable, Equatable {
    /// How the gradient travels from samples to parameters.
    public enum Route: String, Sendable, CaseIterable, Codable {
        /// chosen from shapes and the number of workers
        case automatic = "auto"
        /// each worker forms its slices over all samples
        case partition
        /// each worker forms the gradient of its samples, and owners of slices add them up
        case reduceScatter = "reduce_scatter"
        /// the same, with a copy of the parameters for each worker
        case reduceScatterAllGather = "reduce_scatter_all_gather"
        /// each worker adds up everything, and updates its own copy of the parameters
        case allReduce = "all_reduce"
    }
    /// Who multiplies matrices.
    public enum Gemm: String, Sendable, CaseIterable, Codable {
        /// the built-in kernels where the processor has AVX2 or AVX-512, otherwise OpenBLAS
        case automatic = "auto"
        /// kernels of this package
        case builtin
        /// OpenBLAS
        case openBLAS = "openblas"
    }
    /// The vector instructions of the kernels.
    public enum Instructions: String, Sendable, CaseIterable, Codable {
        /// the best ones of the processor
        case automatic = "auto"
        /// AVX-512
        case avx512
        /// AVX2 and FMA
        case avx2
        /// what every processor of the architecture has
        case baseline
    }
    /// Under which conditions results have the same bits.
    public enum Reproducibility: String, Sendable, CaseIterable, Codable {
        /// for every number of workers
        case anyWorkers = "any_workers"
        /// for the same number of workers
        case fixedWorkers = "fixed_workers"
    }
    /// The number of workers; nil: one per allowed physical core.
    public var workers: Int?
    /// Where workers run.
    public var placement = PlacementPolicy.auto
    /// How the gradient travels.
    public var route = Route.automatic
    /// Groups of samples whose gradients are added as a tree; nil: chosen from shapes.
    public var groups: Int?
    /// Who multiplies matrices.
    public var gemm = Gemm.automatic
    /// The vector instructions of the kernels.
    public var instructions = Instructions.automatic
    /// Samples of a shard; nil: chosen from the batch.
    public var shardRows: Int?
    /// Under which conditions results have the same bits.
    public var reproducible = Reproducibility.anyWorkers
    /// How workers are kept together.
    public var team = TeamRequest.auto

    /// The defaults.
    public init() {}

    /// How the gradient travels; nil: chosen.
    public var gradientRoute: GradientRoute? { GradientRoute(rawValue: route.rawValue) }

    /// Who multiplies matrices.
    public var gemmBackend: GemmBackend {
        switch gemm {
        case .automatic: .preferred
        case .builtin: .builtin
        case .openBLAS: .openBLAS
        }
    }

    /// The vector instructions that are asked for; nil: the best ones.
    public var instructionSet: InstructionSet? {
        switch instructions {
        case .automatic: nil
        case .avx512: .avx512
        case .avx2: .avx2
        case .baseline: .baseline
        }
    }

    static var section: SettingsSection<ParallelSettings> {
        var section = SettingsSection(initial: ParallelSettings())
        section.key(
            "workers", \.workers, .word("auto", or: .whole(1)),
            "the number of workers; auto: one per allowed core")
        section.key(
            "placement", \.placement, placements, "where workers run; a list names the CPU of every worker")
        section.key(
            "route", \.route, .choice(),
            "how gradients of samples reach the parameters: by slices, added up by their owners, or by all; never changes results; the next best one where it cannot be"
        )
        section.key(
            "groups", \.groups, .word("auto", or: .powerOfTwo),
            "groups of samples whose gradients are added as a tree: part of the results; auto: chosen from shapes; as many as the batch has shards at most"
        )
        section.key(
            "gemm", \.gemm, .choice(),
            "who multiplies matrices; auto: builtin with AVX2 or AVX-512, otherwise openblas")
        section.key(
            "instruction_set", \.instructions, .choice(),
            "the vector instructions of the kernels; auto: the best ones; the bits are the same with each")
        section.key(
            "shard_rows", \.shardRows, .word("auto", or: .whole(1)),
            "samples of a shard, the unit that workers share out; in mixed precision a multiple of 32")
        section.key(
            "reproducible", \.reproducible, .choice(),
            "the same bits for any number of workers, or, perhaps faster, for a fixed one")
        section.key(
            "team", \.team, .choice(), "whether workers stay together over many steps (gang) or fork in each")
        return section
    }

    private static var placements: SettingsType<PlacementPolicy> {
        SettingsType<PlacementPolicy>(
            expectation: "auto, compact, spread, per-l3, none or a list of CPUs such as \"0,2,4-7\"",
            read: { value in
                let words = ["auto", "compact", "spread", "per-l3", "none"]
                if let text = value.node.text, let policy = try? PlacementPolicy(parsing: text) {
                    return policy
                }
                let nearest = value.node.text.flatMap { NearestName.find($0, in: words) }
                value.mismatch(
                    words.joined(separator: ", ") + " or a list of CPUs such as \"0,2,4-7\"",
                    note: nearest.map { "did you mean '\($0)'?" })
                return nil
            },
            write: { policy in
                if case .cpus = policy { .quoted(policy.description) } else { .plain(policy.description) }
            })
    }
}

extension SettingsType<Int> {
    /// 1, 2, 4 and so on.
    fileprivate static var powerOfTwo: SettingsType {
        let whole = whole(1)
        // As many matrices as a sum along a tree may have.
        let largest = 1 << 15
        let expectation = "a power of two from 1 to \(largest)"
        return SettingsType(
            expectation: expectation,
            read: { value in
                guard let number = whole.read(value) else { return nil }
                if number.nonzeroBitCount == 1, number <= largest { return number }
                value.mismatch(expectation)
                return nil
            },
            write: whole.write)
    }
}
