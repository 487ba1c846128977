import LoomHardware
import LoomRuns

// Rules about cores: which may be used, and how fast they are.
extension DoctorRule {
    static func blasKernels(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let kernels = facts.openBLASKernels else { return .unchecked("OpenBLAS does not multiply here") }
        guard let current = kernels.first else { return .unchecked("no other kernels to try") }
        guard let best = BLASCoreType.better(than: current, among: Array(kernels.dropFirst())) else { return .clear }
        return .found(
            1 - current.gflops / best.gflops,
            "OpenBLAS multiplies with its \(current.core) kernels: \(gflops(current.gflops)) on one worker. With its "
                + "\(best.core) kernels it has \(gflops(best.gflops)).",
            remedy: (best.variable.map { "export OPENBLAS_CORETYPE=\($0)" } ?? "unset OPENBLAS_CORETYPE")
                + ", or let the built-in kernels multiply: --set parallel.gemm=builtin",
            evidence: ["gflops": current.gflops, "possible_gflops": best.gflops])
    }

    static func instructionSet(_ facts: DoctorFacts) -> DoctorVerdict {
        let arithmetic = facts.arithmetic
        let cost = 1 - arithmetic.inUseGflops / arithmetic.widestGflops
        guard arithmetic.inUse != arithmetic.widest, cost >= DoctorThresholds.measuredCost else { return .clear }
        return .found(
            cost,
            "The kernels use \(arithmetic.inUse): \(gflops(arithmetic.inUseGflops)) in registers on "
                + "\(NumberFormat.counted(facts.workers, "worker")). With \(arithmetic.widest) this processor has "
                + "\(gflops(arithmetic.widestGflops)). The bits of results are the same.",
            remedy: "--set parallel.instruction_set=auto",
            evidence: ["gflops": arithmetic.inUseGflops, "possible_gflops": arithmetic.widestGflops])
    }

    /// What mixed precision would gain is no loss: a choice that changes the bits of results.
    static func bfloat16(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let bfloat16 = facts.bfloat16 else {
            return .unchecked("this processor multiplies bfloat16 no faster than float32")
        }
        guard bfloat16.isPossible else {
            return .unchecked("only the built-in products of float32 have a mixed precision")
        }
        if bfloat16.isReplaced {
            return .found(
                0,
                "The training forms the bits of other instructions for bfloat16 from float32's multiply-adds, and this processor has "
                    + "\(bfloat16.instructions), at \(gflops(bfloat16.gflops)) in registers.",
                remedy: "leave training.numerics and parallel.instruction_set out",
                evidence: ["bfloat16_gflops": bfloat16.gflops])
        }
        if let reason = bfloat16.reasonAgainst {
            return .unchecked("mixed precision is probably no faster for this training: \(reason)")
        }
        guard !bfloat16.isInUse else { return .clear }
        let ratio = NumberFormat.number(bfloat16.gflops / facts.arithmetic.inUseGflops, significantDigits: 2)
        return .found(
            0,
            "With \(bfloat16.instructions) this processor multiplies bfloat16 at \(gflops(bfloat16.gflops)) in registers on "
                + "\(NumberFormat.counted(facts.workers, "worker")), \(ratio) times as fast as \(facts.arithmetic.inUse) float32. "
                + "Mixed precision rounds the factors of products to 8 bits; its results have other bits, and classify nearly "
                + "as well. Float32 loses nothing by itself.",
            remedy: "--set training.precision=mixed_bfloat16",
            evidence: ["gflops": facts.arithmetic.inUseGflops, "bfloat16_gflops": bfloat16.gflops])
    }

    static func tiles(_ facts: DoctorFacts) -> DoctorVerdict {
        guard facts.refusesTiles else { return .clear }
        return .found(
            0,
            "The processor has tiles (AMX), several times as fast as its vectors in mixed precision, and the system refuses their "
                + "use (arch_prctl). It costs trainings in float32 nothing.",
            remedy: "use Linux 5.16 or later, and a container or virtual machine whose policy allows the system call")
    }

    static func cpuQuota(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let quota = facts.quota else { return .clear }
        let limit = quota.limit
        let cores = facts.cores.inMask
        let cost = 1 - limit.cpus / Double(cores)
        guard cost > 0 else { return .clear }
        let stopped = quota.throttledFraction.map {
            " The workers were stopped \(percent($0)) of the time while this was measured."
        }
        let file = limit.version == 2 ? "cpu.max" : "cpu.cfs_quota_us"
        let fewer =
            Double(facts.workers) > limit.cpus && facts.workers > 1
            ? ". Until then: --workers \(max(1, Int(limit.cpus)))" : ""
        return .found(
            cost,
            "The control group \(limit.path) may use the time of \(decimal(limit.cpus)) CPUs (\(file)), and this process "
                + "could use \(NumberFormat.counted(cores, "core"))." + (stopped ?? ""),
            remedy: "docker run --cpus \(cores), in Kubernetes resources.limits.cpu: \(cores), or "
                + (limit.version == 2
                    ? "echo max | sudo tee /sys/fs/cgroup\(limit.path == "/" ? "" : limit.path)/cpu.max"
                    : "echo -1 | sudo tee /sys/fs/cgroup/cpu\(limit.path == "/" ? "" : limit.path)/cpu.cfs_quota_us")
                + fewer,
            evidence: ["quota_cpus": limit.cpus, "cores": Double(cores)].merging(
                quota.throttledFraction.map { ["throttled_fraction": $0] } ?? [:]
            ) { $1 })
    }

    static func affinity(_ facts: DoctorFacts) -> DoctorVerdict {
        let cores = facts.cores
        // Processes of one job share the machine.
        let share = max(1, cores.inCpuset / max(1, cores.localProcesses))
        guard cores.inMask < share else { return .clear }
        let all = CPUList.format(cores.cpusetCPUs)
        let remedy =
            switch cores.launcher {
            case .openMPI where cores.localProcesses > 1: "mpirun --map-by slot:PE=\(share) --bind-to core …"
            case .openMPI: "mpirun --bind-to none …"
            case .hydra: "mpiexec -bind-to none …"
            case .slurm: "srun --cpus-per-task=\(share) --cpu-bind=none …"
            case nil: "taskset -c \(all) gradloom …"
            }
        let processes = cores.localProcesses > 1 ? " \(cores.localProcesses) processes share them." : ""
        return .found(
            1 - Double(cores.inMask) / Double(share),
            "This process was started on \(NumberFormat.counted(cores.inMask, "core")) of \(cores.inCpuset) (affinity mask)."
                + processes
                + " A training is at most as fast as its cores are many.",
            remedy: remedy, evidence: ["cores": Double(cores.inMask), "possible_cores": Double(share)])
    }

    static func smtSiblings(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let sharing = facts.sharing else { return .clear }
        let (other, cost) = (sharing.otherCPUs, 1 - sharing.gflops / sharing.otherGflops)
        guard cost >= DoctorThresholds.measuredCost else { return .clear }
        return .found(
            cost,
            "\(facts.workers) workers share \(NumberFormat.counted(sharing.cores, "core")): \(gflops(sharing.gflops)) together. "
                + "\(NumberFormat.counted(other.count, "worker")) with \(other.count == 1 ? "a core of its own has" : "cores of their own have") "
                + "\(gflops(sharing.otherGflops)). A second hardware thread brings no second vector unit.",
            remedy: other.count < facts.workers
                ? "--workers \(other.count)"
                : "--set parallel.placement=\(other.map(String.init).joined(separator: ","))",
            evidence: ["gflops": sharing.gflops, "possible_gflops": sharing.otherGflops])
    }

    static func unevenCores(_ facts: DoctorFacts) -> DoctorVerdict {
        let arithmetic = facts.arithmetic
        // Siblings take from each other, which is a matter of its own.
        guard facts.workers > 1, facts.sharing == nil, let slowest = arithmetic.workerGflops.min() else {
            return facts.workers > 1 ? .clear : .unchecked("one worker")
        }
        let together = Double(facts.workers) * slowest
        let classes = Set(arithmetic.performanceClasses.compactMap { $0 })
        if classes.count > 1 {
            let fast = zip(arithmetic.workerGflops, arithmetic.performanceClasses).filter { $1 == classes.max() }.map(
                \.0)
            let fastTogether = Double(fast.count) * (fast.min() ?? 0)
            let cost = 1 - together / fastTogether
            guard cost >= DoctorThresholds.unevenCost else { return .clear }
            return .found(
                cost,
                "The workers are on cores of different kinds and have equal shares, so that all wait for the slowest: "
                    + "\(gflops(together)). The \(NumberFormat.counted(fast.count, "fastest core")) alone "
                    + "\(fast.count == 1 ? "has" : "have") \(gflops(fastTogether)).",
                remedy: "--workers \(fast.count)",
                evidence: ["gflops": together, "possible_gflops": fastTogether])
        }
        let all = arithmetic.workerGflops.reduce(0, +)
        let cost = 1 - together / all
        guard cost >= DoctorThresholds.unevenCost else { return .clear }
        let worker = arithmetic.workerGflops.firstIndex(of: slowest) ?? 0
        let place = facts.workerCPUs[worker].map { " on CPU \($0)" } ?? ""
        return .found(
            cost,
            "Worker \(worker)\(place) has \(gflops(slowest)), all together \(gflops(all)), in the same loop. The workers "
                + "have equal shares and wait for the slowest. Something else uses that core, which may be another machine "
                + "on the same host.",
            remedy: remedy(forSlowest: worker, facts),
            evidence: ["slowest_gflops": slowest, "mean_gflops": all / Double(facts.workers)])
    }

    private static func remedy(forSlowest worker: Int, _ facts: DoctorFacts) -> String {
        let (speeds, workers) = (facts.arithmetic.workerGflops.sorted(), facts.workers)
        if Double(workers - 1) * speeds[1] > Double(workers) * speeds[0] { return "--workers \(workers - 1)" }
        if facts.cores.inMask > workers, let cpu = facts.workerCPUs[worker] {
            let others = facts.cores.cpusetCPUs.filter { $0 != cpu }
            return "--set parallel.placement=LIST of \(workers) CPUs out of \(CPUList.format(others))"
        }
        return "end what runs there (top -H); in a virtual machine, ask for cores of its own"
    }

    static func governor(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let governor = facts.governor else { return .unchecked("the system does not choose clocks here") }
        guard let clock = governor.gigahertz, let sustained = governor.sustainedGigahertz else {
            return .unchecked("the system does not tell the clock")
        }
        let cost = 1 - clock / sustained
        guard governor.names != ["performance"], cost >= DoctorThresholds.measuredCost else { return .clear }
        return .found(
            cost,
            "The workers' cores ran at \(decimal(clock)) GHz at work, and could keep up \(decimal(sustained)) GHz. The "
                + "governor is \(governor.names.joined(separator: ", ")).",
            remedy: "sudo cpupower frequency-set -g performance",
            evidence: ["gigahertz": clock, "possible_gigahertz": sustained])
    }
}

// MARK: Words

func gflops(_ value: Double) -> String { "\(NumberFormat.gigaflops(value)) GFLOP/s" }
