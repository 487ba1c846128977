import LoomHardware
import LoomTraining

@testable import LoomMeasurement

extension DoctorFacts {
    /// Two workers on a machine on which nothing is to be found. A step takes 500 µs.
    static let healthy = DoctorFacts(
        workerCPUs: [0, 1], stepSeconds: 500e-6,
        arithmetic: Arithmetic(
            inUse: "AVX-512", widest: "AVX-512", inUseGflops: 100, widestGflops: 100, workerGflops: [50, 50],
            performanceClasses: [0, 0]),
        cores: Cores(inCpuset: 2, inMask: 2, cpusetCPUs: [0, 1]),
        pages: Pages(
            mode: "madvise", processMayHaveThem: true, hugeFraction: 1, rowNanoseconds: 100, smallRowNanoseconds: 200),
        subnormals: Subnormals(flushingWorkers: 2, ratio: 1, unflushedRatio: 20), counters: Counters(paranoia: 2),
        clock: Clock(source: "tsc", available: ["tsc", "hpet"], nanoseconds: 25),
        others: Others(fraction: 0.01, stolenFraction: 0),
        noise: Noise(rounds: 1000, milliseconds: 1, p50: 1, p99: 1.01, mean: 1.001),
        barriers: [PairBarrier(cpus: [0, 1], nanoseconds: 250)], threads: 2)

    /// These facts with some of them changed.
    func with(_ change: (inout DoctorFacts) -> Void) -> DoctorFacts {
        var facts = self
        change(&facts)
        return facts
    }

    /// A machine of `workers` workers on as many cores.
    func with(workers: Int) -> DoctorFacts {
        with {
            $0.workerCPUs = Array(0..<workers)
            $0.threads = workers
            $0.cores = Cores(inCpuset: workers, inMask: workers, cpusetCPUs: Array(0..<workers))
            $0.arithmetic.workerGflops = Array(repeating: 50, count: workers)
            $0.arithmetic.performanceClasses = Array(repeating: 0, count: workers)
            $0.subnormals.flushingWorkers = workers
        }
    }

    /// With a plan in which workers take so many samples through the network.
    func with(workerRows: [Int], shardRows: Int, needed: Int = 0, available: MachineMemory? = nil) -> DoctorFacts {
        var memory = MemoryPlan()
        memory.dataBytes = needed
        return with(workers: workerRows.count).with {
            $0.plan = PlannedTraining(
                workerRows: workerRows, shardRows: shardRows, memory: memory,
                available: available ?? MachineMemory(bytes: 1 << 40, limit: .machine))
        }
    }

    /// What the rule `name` says.
    func verdict(_ name: String) -> DoctorVerdict {
        DoctorRule.all.first { $0.name == name }!.verdict(self)
    }

    /// What the rule `name` finds; nil: nothing.
    func answer(_ name: String) -> DoctorAnswer? {
        if case .finding(let answer) = verdict(name) { answer } else { nil }
    }
}
