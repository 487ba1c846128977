import LoomRuns

// Rules about memory, the operating system, others on the machine, and waiting.
extension DoctorRule {
    static func numaMemory(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let numa = facts.numa else { return .unchecked("one NUMA node") }
        guard numa.awayFraction >= DoctorThresholds.pagesAwayFraction else { return .clear }
        let away =
            "\(percent(numa.awayFraction)) of the memory that workers touch first lies on another one of the "
            + "\(numa.nodes) NUMA nodes than they do."
        let remedy = "numactl --localalloc gradloom …, and no numactl --membind or --interleave around it"
        guard let local = numa.localGigabytesPerSecond else {
            return .found(
                0, away + " Memory on their own nodes could not be had, so that the cost was not measured.",
                remedy: remedy, evidence: ["away_fraction": numa.awayFraction])
        }
        // A step reads its samples and writes them, and reads parameters and gradients and writes parameters.
        let bytes = 2 * facts.step.gatheredBytes + 3 * facts.step.parameterBytes
        let cost = facts.cost(ofSeconds: bytes * 1e-9 * (1 / numa.gigabytesPerSecond - 1 / local))
        return .found(
            cost,
            away + " Copies run at \(NumberFormat.gigaflops(numa.gigabytesPerSecond)) GB/s, and at "
                + "\(NumberFormat.gigaflops(local)) GB/s in their own. The cost is that of the samples and parameters of "
                + "\(facts.step.name).",
            remedy: remedy,
            evidence: [
                "away_fraction": numa.awayFraction, "gigabytes_per_second": numa.gigabytesPerSecond,
                "possible_gigabytes_per_second": local,
            ])
    }

    static func hugePages(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let pages = facts.pages else { return .unchecked("the system does not tell of its pages") }
        guard pages.hugeFraction < DoctorThresholds.hugePageFraction else { return .clear }
        let (reason, remedy) =
            if !pages.processMayHaveThem {
                (
                    "whoever started this process has forbidden it huge pages (PR_SET_THP_DISABLE)",
                    "start gradloom without the program around it that forbids them"
                )
            } else if pages.mode == "never" {
                (
                    "the system gives none (transparent_hugepage is never)",
                    "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
                )
            } else {
                (
                    "the system had no more of them (transparent_hugepage is \(pages.mode))",
                    "echo 1 | sudo tee /proc/sys/vm/compact_memory"
                )
            }
        let text = "Only \(percent(pages.hugeFraction)) of large memory is in huge pages: \(reason)."
        guard let huge = pages.hugeRowNanoseconds else {
            return .found(
                0, text + " None could be had to measure what that costs.", remedy: remedy,
                evidence: ["row_nanoseconds": pages.rowNanoseconds])
        }
        let rows = facts.step.gatheredBytes / Pages.rowBytes
        return .found(
            facts.cost(ofSeconds: rows / Double(facts.workers) * (pages.rowNanoseconds - huge) * 1e-9),
            text + " A row of 1 KiB is gathered in \(nanoseconds(pages.rowNanoseconds)), from huge pages in "
                + "\(nanoseconds(huge)). The cost is that of the samples of \(facts.step.name).",
            remedy: remedy,
            evidence: ["row_nanoseconds": pages.rowNanoseconds, "possible_row_nanoseconds": huge])
    }

    static func subnormals(_ facts: DoctorFacts) -> DoctorVerdict {
        let subnormals = facts.subnormals
        let lazy = facts.workers - subnormals.flushingWorkers
        guard lazy > 0 || subnormals.ratio > DoctorThresholds.subnormalRatio else { return .clear }
        let ratio = lazy > 0 ? max(subnormals.ratio, subnormals.unflushedRatio) : subnormals.ratio
        return .found(
            1 - 1 / ratio,
            "\(lazy) of \(NumberFormat.counted(facts.workers, "worker")) do\(lazy == 1 ? "es" : "") not flush subnormal numbers to zero. "
                + "A product of them takes \(decimal(ratio)) times as long as one of normal numbers. Gradients that fade "
                + "away are full of them.",
            remedy: "keep weights and gradients in the normal range: a larger optimizer.learning_rate, or another "
                + "initialization; on this processor Gradloom cannot flush",
            evidence: ["ratio": ratio, "flushing_workers": Double(subnormals.flushingWorkers)])
    }

    static func counters(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let refusal = facts.counters.refusal else { return .clear }
        let lack = "A profile then has times, but no cycles, instructions and cache misses. It costs nothing by itself."
        switch refusal {
        case .forbidden:
            let setting = facts.counters.paranoia.map { " (kernel.perf_event_paranoid is \($0))" } ?? ""
            return .found(
                0, "The processor's counters are forbidden\(setting). " + lack,
                remedy: "sudo sysctl kernel.perf_event_paranoid=2; in a container, also --cap-add PERFMON")
        case .missing:
            return .found(
                0, "The processor has no counters here, as in many virtual machines. " + lack,
                remedy: "give the virtual machine a PMU (QEMU: -cpu host,pmu=on), or profile on the host")
        case .failed(let code):
            return .found(
                0, "The processor's counters cannot be opened (errno \(code)). " + lack,
                remedy: "perf stat true says what is missing")
        }
    }

    static func timeSource(_ facts: DoctorFacts) -> DoctorVerdict {
        let clock = facts.clock
        guard clock.nanoseconds > DoctorThresholds.clockNanoseconds else { return .clear }
        let readings = facts.step.barriers * DoctorThresholds.clockReadingsPerBarrier
        let hasTSC = clock.available.contains("tsc")
        return .found(
            facts.cost(ofSeconds: readings * clock.nanoseconds * 1e-9),
            "A reading of the clock takes \(nanoseconds(clock.nanoseconds)): it is a system call (time source "
                + "\(clock.source ?? "unknown")). \(facts.step.name.capitalizedFirst) reads it \(decimal(readings)) times, and "
                + "a profile more often.",
            remedy: hasTSC && clock.source != "tsc"
                ? "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
                : "boot with tsc=reliable clocksource=tsc; in a virtual machine, let the host expose an invariant TSC",
            evidence: ["nanoseconds": clock.nanoseconds])
    }

    static func busyNeighbour(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let fraction = facts.others.fraction else { return .unchecked("the system does not tell") }
        guard fraction > DoctorThresholds.othersFraction else { return .clear }
        let stolen = facts.others.stolenFraction ?? 0
        let mostlyStolen = stolen > fraction / 2
        return .found(
            fraction,
            "Others had \(percent(fraction)) of the time of the workers' cores"
                + (mostlyStolen
                    ? ", most of it other virtual machines on the same host (steal \(percent(stolen)))."
                    : ": other programs, or the system."),
            remedy: mostlyStolen
                ? "move this virtual machine, or ask for cores of its own"
                : "top -H shows who they are: end them, or leave them cores with --workers",
            evidence: ["others_fraction": fraction, "stolen_fraction": stolen])
    }

    static func lowPriority(_ facts: DoctorFacts) -> DoctorVerdict {
        guard facts.others.niceness > 0 else { return .clear }
        return .found(
            0,
            "This process has a low priority (nice \(facts.others.niceness)): other programs on its CPUs come before it. "
                + "It costs nothing as long as there are none.",
            remedy: "start gradloom without nice", evidence: ["niceness": Double(facts.others.niceness)])
    }

    static func noise(_ facts: DoctorFacts) -> DoctorVerdict {
        let noise = facts.noise
        let cost = 1 - 1 / noise.mean
        guard cost >= DoctorThresholds.noiseCost else { return .clear }
        return .found(
            cost,
            "Of \(NumberFormat.grouped(noise.rounds)) rounds of the same work, \(decimal(noise.milliseconds)) ms in registers, "
                + "the middle one took \(percent(max(0, noise.p50 - 1))) longer than the workers' medians (p50), and one in a "
                + "hundred \(percent(max(0, noise.p99 - 1))) (p99). Everybody waits for the slowest worker of a round at the "
                + "next barrier.",
            remedy:
                "end other programs (top -H), leave one core to the system with --workers, or train on a machine whose "
                + "cores are not shared; for measurements, repeat and take turns",
            evidence: ["p50": noise.p50, "p99": noise.p99, "mean": noise.mean, "rounds": Double(noise.rounds)])
    }

    static func farCores(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let far = facts.barriers.max(by: { $0.nanoseconds < $1.nanoseconds }),
            let near = facts.barriers.min(by: { $0.nanoseconds < $1.nanoseconds })
        else { return .unchecked(facts.workers > 1 ? "workers that are not pinned" : "one worker") }
        let isOnly = facts.barriers.count == 1
        let reference = isOnly ? DoctorThresholds.nearBarrierNanoseconds : near.nanoseconds
        guard far.nanoseconds > DoctorThresholds.farBarrierRatio * reference else { return .clear }
        let beside =
            isOnly
            ? "Cores of one processor take \(nanoseconds(reference))."
            : "Those of CPUs \(CPUPair(near)) take \(nanoseconds(near.nanoseconds))."
        return .found(
            facts.cost(ofSeconds: facts.step.barriers * (far.nanoseconds - reference) * 1e-9),
            "A barrier of the workers on CPUs \(CPUPair(far)) takes \(nanoseconds(far.nanoseconds)). \(beside) Those two are "
                + "far from each other: other sockets, other caches, or a hypervisor that moves them. The cost is that of "
                + "the \(decimal(facts.step.barriers)) barriers of \(facts.step.name).",
            remedy: isOnly
                ? "--workers 1 for small networks, or ask for cores that share a cache"
                : "--set parallel.placement=LIST of CPUs that are near each other (gradloom topology), or fewer --workers",
            evidence: ["nanoseconds": far.nanoseconds, "near_nanoseconds": reference])
    }
}

/// Two CPUs in words: "0 and 3".
private struct CPUPair: CustomStringConvertible {
    let description: String

    init(_ barrier: PairBarrier) { description = barrier.cpus.map(String.init).joined(separator: " and ") }
}
