import LoomHardware
import LoomTraining

/// What the rules of `gradloom doctor` look at. A fact that is nil could not be found out.
package struct DoctorFacts: Sendable, Equatable {
    /// The workers, and the CPU of each; nil: not bound.
    package var workerCPUs: [Int?]
    /// The step that latencies and bytes are held against.
    package var step = StepModel.reference
    /// How long its products take, all workers at work: the least time of the step.
    package var stepSeconds: Double
    /// OpenBLAS's kernels for several types of core, as measured in turn, the first as it is used now; nil where it does
    /// not multiply, empty where it could not be measured.
    package var openBLASKernels: [BLASCoreType]?
    /// The arithmetic of the workers' cores.
    package var arithmetic: Arithmetic
    /// Instructions for bfloat16; nil: none that are faster than float32's.
    package var bfloat16: BFloat16?
    /// Whether the system refuses the use of the processor's tiles.
    package var refusesTiles = false
    /// The cores that there are and that may be used.
    package var cores: Cores
    /// What a control group allows; nil: no limit.
    package var quota: Quota?
    /// Workers that share cores; nil: each has its own, or none is bound.
    package var sharing: CoreSharing?
    /// Where memory is on a machine with several NUMA nodes; nil on others, or where the system does not tell.
    package var numa: NUMAMemory?
    /// Clocks that the system chooses; nil where it does not.
    package var governor: Governor?
    /// Pages of large memory.
    package var pages: Pages?
    /// Numbers below the normal range.
    package var subnormals: Subnormals
    /// Counters of the processor.
    package var counters: Counters
    /// The system's clock.
    package var clock: Clock
    /// What others had of the workers' cores.
    package var others = Others()
    /// Identical work, again and again.
    package var noise: Noise
    /// Barriers of every two workers; empty with one worker, or where two did not run at the same time.
    package var barriers: [PairBarrier] = []
    /// The threads that can run at the same time: the CPUs that the process was started on.
    package var threads: Int
    /// What was planned for a configuration; nil without one.
    package var plan: PlannedTraining?

    /// The number of workers.
    package var workers: Int { workerCPUs.count }

    /// The part of a step's time that `seconds` more are.
    func cost(ofSeconds seconds: Double) -> Double { seconds > 0 ? seconds / (stepSeconds + seconds) : 0 }
}

/// A training step in numbers.
package struct StepModel: Sendable, Equatable {
    /// What it is called in texts.
    package var name: String
    /// Bytes of samples that workers gather.
    package var gatheredBytes: Double
    /// Bytes of the parameters.
    package var parameterBytes: Double
    /// How often workers meet.
    package var barriers: Double

    /// Where there is no configuration: a network for MNIST, 784-128-10, in batches of 128, which many begin with.
    /// 128 · 784 inputs and 101,770 parameters of 4 bytes.
    package static let reference = StepModel(
        name: "a step of 784-128-10 in batches of 128", gatheredBytes: 401_408, parameterBytes: 407_080, barriers: 2)
}

/// Instructions that multiply bfloat16 faster than others multiply float32.
package struct BFloat16: Sendable, Equatable {
    /// What they are called: "AMX tiles".
    package var instructions: String
    /// In registers, all workers at the same time.
    package var gflops: Double
    /// Whether the training uses them.
    package var isInUse: Bool
    /// Whether it could: in float64, or with OpenBLAS, it was decided otherwise.
    package var isPossible = true
    /// Whether the training forms the bits of other instructions for bfloat16, slowly.
    package var isReplaced = false
    /// Why they make the training no faster; nil: they do.
    package var reasonAgainst: String?
}

/// How fast the workers multiply in registers, all at the same time.
package struct Arithmetic: Sendable, Equatable {
    /// The instructions in use, as people know them: "AVX2".
    package var inUse: String
    /// Those of the processor's widest vectors.
    package var widest: String
    /// All workers together, with the instructions in use and with the widest.
    package var inUseGflops, widestGflops: Double
    /// Each worker, with those in use.
    package var workerGflops: [Double]
    /// The kind of core of each worker, higher for faster ones; nil: not bound.
    package var performanceClasses: [Int?]
}

/// Numbers of cores.
package struct Cores: Sendable, Equatable {
    /// Who started this process with a mask of its own.
    package enum Launcher: String, Sendable, CaseIterable {
        /// Open MPI, or what sets its variables.
        case openMPI
        /// MPICH, Intel MPI and others with Hydra.
        case hydra
        /// Slurm.
        case slurm
    }

    /// Cores that the cpuset has CPUs of.
    package var inCpuset: Int
    /// Of them, those that the affinity mask at start has CPUs of.
    package var inMask: Int
    /// The CPUs of the cpuset.
    package var cpusetCPUs: [Int]
    /// Processes of the same job on this machine, this one included.
    package var localProcesses = 1
    /// Who started the job; nil: nobody known.
    package var launcher: Launcher?
}

/// A limit on CPU time.
package struct Quota: Sendable, Equatable {
    /// The limit.
    package var limit: CPUQuota
    /// The part of the measured time in which the workers were stopped, 0…1; nil where the system does not tell.
    package var throttledFraction: Double?
}

/// Workers on hardware threads of one core.
package struct CoreSharing: Sendable, Equatable {
    /// The cores in use.
    package var cores: Int
    /// All workers together, each as fast as the slowest.
    package var gflops: Double
    /// What was measured beside it: one worker a core, on these CPUs.
    package var otherCPUs: [Int]
    /// All of those together, each as fast as the slowest.
    package var otherGflops: Double
}

/// Memory that workers touched first.
package struct NUMAMemory: Sendable, Equatable {
    /// The nodes of the machine.
    package var nodes: Int
    /// The part of the pages that is on another node than the worker that touched them.
    package var awayFraction: Double
    /// The bandwidth of all workers in their memory, in 10⁹ bytes a second.
    package var gigabytesPerSecond: Double
    /// The same in memory that is on the workers' nodes; nil where it could not be had.
    package var localGigabytesPerSecond: Double?
}

/// How the system chooses clocks.
package struct Governor: Sendable, Equatable {
    /// The governors of the workers' CPUs, each once.
    package var names: [String]
    /// The lowest clock of them at work, in GHz; nil where the system does not tell.
    package var gigahertz: Double?
    /// The lowest of the clocks that they keep up, in GHz; nil where the system does not tell.
    package var sustainedGigahertz: Double?
}

/// Large memory, from which rows of 1 KiB are gathered in random order.
package struct Pages: Sendable, Equatable {
    /// Who gets huge pages: `always`, `madvise` or `never`.
    package var mode: String
    /// Whether this process may have them at all.
    package var processMayHaveThem: Bool
    /// The part of memory, reserved as a training reserves it, that lies in huge pages, 0…1.
    package var hugeFraction: Double
    /// Nanoseconds to gather a row from it.
    package var rowNanoseconds: Double
    /// Nanoseconds to gather a row from small pages.
    package var smallRowNanoseconds: Double
    /// Nanoseconds to gather a row from huge pages; nil where they could not be had.
    package var hugeRowNanoseconds: Double?

    /// Bytes of a row.
    static let rowBytes = 1024.0
}

/// Products of numbers below the normal range.
package struct Subnormals: Sendable, Equatable {
    /// Workers whose threads flush them to zero.
    package var flushingWorkers: Int
    /// How many times as long they take as products of normal numbers, on a worker.
    package var ratio: Double
    /// The same on a thread that does not flush.
    package var unflushedRatio: Double
}

/// Counters of the processor.
package struct Counters: Sendable, Equatable {
    /// Why there are none.
    package enum Refusal: Sendable, Equatable {
        /// The kernel's setting forbids them.
        case forbidden
        /// The processor has none, as a virtual machine sees it.
        case missing
        /// Something else, by its `errno`.
        case failed(Int32)
    }

    /// Why a worker's cycles cannot be counted; nil: they can.
    package var refusal: Refusal?
    /// The setting `kernel.perf_event_paranoid`; nil where there is none.
    package var paranoia: Int?
}

/// The system's clock.
package struct Clock: Sendable, Equatable {
    /// What it is read from; nil where the system does not tell.
    package var source: String?
    /// What it could be read from.
    package var available: [String]
    /// Of one reading.
    package var nanoseconds: Double
}

/// Who else works on the workers' cores.
package struct Others: Sendable, Equatable {
    /// The part of the time that others had, 0…1; nil where the system does not tell.
    package var fraction: Double?
    /// Of it, what the hypervisor gave to other machines; nil where the system does not tell.
    package var stolenFraction: Double?
    /// This process's nice value.
    package var niceness = 0
}

/// Rounds of identical work on all workers at the same time.
package struct Noise: Sendable, Equatable {
    /// The number of rounds.
    package var rounds: Int
    /// The median of a round, in milliseconds.
    package var milliseconds: Double
    /// The time of the slowest worker of a round, over its own median: two `Quantiles` of all rounds, and the mean, which is
    /// what a training with barriers pays.
    package var p50, p99, mean: Double
}

/// A barrier of two workers.
package struct PairBarrier: Sendable, Equatable {
    /// Their CPUs.
    package var cpus: [Int]
    /// The lowest of several measurements of many barriers.
    package var nanoseconds: Double
}

/// A configuration, as its training would run here.
package struct PlannedTraining: Sendable, Equatable {
    /// Samples of a batch that each worker takes through the network.
    package var workerRows: [Int]
    /// Samples of a shard.
    package var shardRows: Int
    /// What shards have a multiple of.
    package var shardMultiple = 1
    /// What the training needs.
    package var memory: MemoryPlan
    /// What there is; nil where the system does not tell.
    package var available: MachineMemory?
}
