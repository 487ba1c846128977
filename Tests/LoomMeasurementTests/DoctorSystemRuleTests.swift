import LoomHardware
import Testing

@testable import LoomMeasurement

/// Rules about memory, the system and others on the machine.
@Suite struct DoctorSystemRuleTests {
    private let healthy = DoctorFacts.healthy

    /// The part of a step that so many microseconds more are.
    private func cost(ofMicroseconds more: Double) -> Double { more / (500 + more) }

    private func expectCost(_ answer: DoctorAnswer?, _ cost: Double) throws {
        #expect(abs(try #require(answer).cost - cost) < 1e-12)
    }

    @Test func memoryOfAnotherNode() throws {
        let numa = NUMAMemory(nodes: 2, awayFraction: 0.5, gigabytesPerSecond: 10, localGigabytesPerSecond: 20)
        let answer = healthy.with { $0.numa = numa }.answer("numa_memory")
        // 2 · 401,408 + 3 · 407,080 bytes at 10 and at 20 GB/s.
        try expectCost(answer, cost(ofMicroseconds: 2_024_056 / 20_000))
        #expect(
            answer?.text
                == "50.0 % of the memory that workers touch first lies on another one of the 2 NUMA nodes than they do. "
                + "Copies run at 10.0 GB/s, and at 20.0 GB/s in their own. The cost is that of the samples and parameters of "
                + "a step of 784-128-10 in batches of 128.")
        #expect(answer?.remedy == "numactl --localalloc gradloom …, and no numactl --membind or --interleave around it")
        let unknown = NUMAMemory(nodes: 2, awayFraction: 1, gigabytesPerSecond: 10)
        let silent = healthy.with { $0.numa = unknown }.answer("numa_memory")
        #expect(silent?.cost == 0 && silent?.text.hasSuffix("so that the cost was not measured.") == true)
        let local = NUMAMemory(nodes: 2, awayFraction: 0.001, gigabytesPerSecond: 10)
        #expect(healthy.with { $0.numa = local }.verdict("numa_memory") == .clear)
        #expect(healthy.verdict("numa_memory") == .unchecked("one NUMA node"))
    }

    @Test func smallPages() throws {
        let facts = healthy.with {
            $0.pages = Pages(
                mode: "never", processMayHaveThem: true, hugeFraction: 0, rowNanoseconds: 350, smallRowNanoseconds: 350,
                hugeRowNanoseconds: 150)
        }
        let answer = facts.answer("huge_pages")
        // 392 rows of 1 KiB, shared by two workers, 200 ns each.
        try expectCost(answer, cost(ofMicroseconds: 39.2))
        #expect(
            answer?.text
                == "Only 0.0 % of large memory is in huge pages: the system gives none (transparent_hugepage is never). A row "
                + "of 1 KiB is gathered in 350 ns, from huge pages in 150 ns. The cost is that of the samples of a step of "
                + "784-128-10 in batches of 128.")
        #expect(answer?.remedy == "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled")
        #expect(answer?.evidence == ["row_nanoseconds": 350, "possible_row_nanoseconds": 150])
        let forbidden = facts.with { $0.pages?.processMayHaveThem = false }.answer("huge_pages")
        #expect(forbidden?.text.contains("has forbidden it huge pages (PR_SET_THP_DISABLE)") == true)
        let fragmented = facts.with { $0.pages?.mode = "always" }.answer("huge_pages")
        #expect(fragmented?.remedy == "echo 1 | sudo tee /proc/sys/vm/compact_memory")
        let unknown = facts.with { $0.pages?.hugeRowNanoseconds = nil }.answer("huge_pages")
        #expect(unknown?.cost == 0 && unknown?.text.hasSuffix("None could be had to measure what that costs.") == true)
        #expect(facts.with { $0.pages?.hugeFraction = 0.9 }.verdict("huge_pages") == .clear)
        #expect(
            healthy.with { $0.pages = nil }.verdict("huge_pages") == .unchecked("the system does not tell of its pages")
        )
    }

    @Test func numbersThatAreNotFlushed() {
        let facts = healthy.with { $0.subnormals = Subnormals(flushingWorkers: 1, ratio: 1, unflushedRatio: 20) }
        #expect(facts.answer("subnormals")?.cost == 0.95)
        #expect(
            facts.answer("subnormals")?.text
                == "1 of 2 workers does not flush subnormal numbers to zero. A product of them takes 20 times as long as one "
                + "of normal numbers. Gradients that fade away are full of them.")
        let slow = healthy.with { $0.subnormals.ratio = 2 }
        #expect(slow.answer("subnormals")?.cost == 0.5)
        #expect(healthy.with { $0.subnormals.ratio = 1.1 }.verdict("subnormals") == .clear)
    }

    @Test func countersThatAreRefused() {
        func answer(_ refusal: Counters.Refusal?) -> DoctorAnswer? {
            healthy.with { $0.counters = Counters(refusal: refusal, paranoia: 3) }.answer("counters")
        }
        #expect(
            answer(.forbidden)
                == DoctorAnswer(
                    cost: 0,
                    text:
                        "The processor's counters are forbidden (kernel.perf_event_paranoid is 3). A profile then has times, "
                        + "but no cycles, instructions and cache misses. It costs nothing by itself.",
                    remedy: "sudo sysctl kernel.perf_event_paranoid=2; in a container, also --cap-add PERFMON",
                    evidence: [:]))
        #expect(answer(.missing)?.text.hasPrefix("The processor has no counters here") == true)
        #expect(answer(.failed(22))?.text.hasPrefix("The processor's counters cannot be opened (errno 22).") == true)
        #expect(healthy.verdict("counters") == .clear)
    }

    @Test func aClockThatIsASystemCall() throws {
        let facts = healthy.with { $0.clock = Clock(source: "hpet", available: ["hpet", "tsc"], nanoseconds: 1500) }
        // Two barriers with two readings each.
        try expectCost(facts.answer("time_source"), cost(ofMicroseconds: 6))
        #expect(
            facts.answer("time_source")?.text
                == "A reading of the clock takes 1.50 µs: it is a system call (time source hpet). A step of 784-128-10 in "
                + "batches of 128 reads it 4 times, and a profile more often.")
        #expect(
            facts.answer("time_source")?.remedy
                == "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource")
        let none = facts.with { $0.clock.available = ["hpet"] }
        #expect(none.answer("time_source")?.remedy.hasPrefix("boot with tsc=reliable") == true)
        #expect(facts.with { $0.clock.nanoseconds = 99 }.verdict("time_source") == .clear)
    }

    @Test func others() {
        let facts = healthy.with { $0.others = Others(fraction: 0.25, stolenFraction: 0.05) }
        #expect(
            facts.answer("busy_neighbour")
                == DoctorAnswer(
                    cost: 0.25,
                    text: "Others had 25.0 % of the time of the workers' cores: other programs, or the system.",
                    remedy: "top -H shows who they are: end them, or leave them cores with --workers",
                    evidence: ["others_fraction": 0.25, "stolen_fraction": 0.05]))
        let stolen = facts.with { $0.others.stolenFraction = 0.2 }.answer("busy_neighbour")
        #expect(stolen?.text.hasSuffix("most of it other virtual machines on the same host (steal 20.0 %).") == true)
        #expect(stolen?.remedy == "move this virtual machine, or ask for cores of its own")
        #expect(facts.with { $0.others.fraction = 0.05 }.verdict("busy_neighbour") == .clear)
        #expect(
            facts.with { $0.others.fraction = nil }.verdict("busy_neighbour") == .unchecked("the system does not tell"))
    }

    @Test func aLowPriority() {
        let answer = healthy.with { $0.others.niceness = 5 }.answer("low_priority")
        #expect(answer?.cost == 0 && answer?.text.hasPrefix("This process has a low priority (nice 5):") == true)
        #expect(healthy.with { $0.others.niceness = -5 }.verdict("low_priority") == .clear)
    }

    @Test func roundsThatAreNotAlike() throws {
        let facts = healthy.with { $0.noise = Noise(rounds: 1000, milliseconds: 1.25, p50: 1.02, p99: 3, mean: 1.25) }
        #expect(
            facts.answer("noise")?.text
                == "Of 1,000 rounds of the same work, 1.25 ms in registers, the middle one took 2.0 % longer than the workers' "
                + "medians (p50), and one in a hundred 200.0 % (p99). Everybody waits for the slowest worker of a round at "
                + "the next barrier.")
        try expectCost(facts.answer("noise"), 0.2)
        #expect(facts.answer("noise")?.evidence == ["p50": 1.02, "p99": 3, "mean": 1.25, "rounds": 1000])
        #expect(healthy.with { $0.noise.mean = 1.02 }.verdict("noise") == .clear)
    }

    @Test func coresThatAreFarFromEachOther() throws {
        let pairs = [
            PairBarrier(cpus: [0, 1], nanoseconds: 100), PairBarrier(cpus: [0, 2], nanoseconds: 900),
            PairBarrier(cpus: [1, 2], nanoseconds: 800),
        ]
        let facts = healthy.with(workers: 3).with { $0.barriers = pairs }
        try expectCost(facts.answer("far_cores"), cost(ofMicroseconds: 1.6))
        #expect(
            facts.answer("far_cores")?.text
                == "A barrier of the workers on CPUs 0 and 2 takes 900 ns. Those of CPUs 0 and 1 take 100 ns. Those two are far "
                + "from each other: other sockets, other caches, or a hypervisor that moves them. The cost is that of the "
                + "2 barriers of a step of 784-128-10 in batches of 128.")
        #expect(facts.answer("far_cores")?.evidence == ["nanoseconds": 900, "near_nanoseconds": 100])
        let alike = facts.with { $0.barriers = pairs.map { PairBarrier(cpus: $0.cpus, nanoseconds: 900) } }
        #expect(alike.verdict("far_cores") == .clear)
        // Only two cores: held against those of one processor.
        let two = healthy.with { $0.barriers = [PairBarrier(cpus: [0, 1], nanoseconds: 1250)] }
        try expectCost(two.answer("far_cores"), cost(ofMicroseconds: 2))
        #expect(two.answer("far_cores")?.text.contains("Cores of one processor take 250 ns.") == true)
        #expect(two.with { $0.barriers[0].nanoseconds = 500 }.verdict("far_cores") == .clear)
        #expect(two.with { $0.barriers = [] }.verdict("far_cores") == .unchecked("workers that are not pinned"))
    }
}
