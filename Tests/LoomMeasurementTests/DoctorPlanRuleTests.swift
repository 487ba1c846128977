import LoomHardware
import LoomRuns
import Testing

@testable import LoomMeasurement

/// Rules about configurations, and what becomes of all findings.
@Suite struct DoctorPlanRuleTests {
    private let healthy = DoctorFacts.healthy

    @Test func moreWorkersThanThreads() {
        let facts = healthy.with(workers: 4).with { $0.threads = 1 }
        #expect(
            facts.answer("not_together")
                == DoctorAnswer(
                    cost: 0.75,
                    text:
                        "4 workers cannot run at the same time: this process was started on 1 CPU. They take turns, with a "
                        + "fork in every phase.",
                    remedy: "--workers 1, or start gradloom on more CPUs", evidence: ["workers": 4, "threads": 1]))
        #expect(healthy.verdict("not_together") == .clear)
        #expect(healthy.with(workers: 1).verdict("not_together") == .unchecked("one worker"))
    }

    @Test func aBatchThatDoesNotFeedAll() {
        let facts = healthy.with(workerRows: [16, 16, 0, 0], shardRows: 16)
        #expect(
            facts.answer("idle_workers")
                == DoctorAnswer(
                    cost: 0.5, text: "A batch of 32 in shards of 16 feeds only 2 of 4 workers.",
                    remedy: "--set parallel.shard_rows=8, or --set training.batch=64",
                    evidence: ["workers": 4, "fed_workers": 2, "most_samples": 16]))
        // Three shards on two workers.
        let uneven = healthy.with(workerRows: [32, 16], shardRows: 16).answer("idle_workers")
        #expect(uneven?.cost == 0.25)
        #expect(
            uneven?.text
                == "A batch of 48 in shards of 16 gives one worker 32 samples and another one 16, and all wait for the first."
        )
        #expect(uneven?.remedy == "--set parallel.shard_rows=24, or --set training.batch=64")
        // One sample for each of three workers at most: only a larger batch helps.
        let few = healthy.with(workerRows: [1, 1, 0], shardRows: 1).answer("idle_workers")
        #expect(few?.remedy == "--set training.batch=3")
        #expect(healthy.with(workerRows: [100, 99], shardRows: 1).verdict("idle_workers") == .clear)
        #expect(healthy.with(workerRows: [64], shardRows: 64).verdict("idle_workers") == .clear)
        #expect(healthy.verdict("idle_workers") == .unchecked("no configuration"))
    }

    @Test func dataThatDoNotFit() {
        let half = MachineMemory(bytes: 100 << 20, limit: .controlGroup(path: "/pod"))
        let facts = healthy.with(workerRows: [1, 1], shardRows: 1, needed: 200 << 20, available: half)
        #expect(
            facts.answer("memory")
                == DoctorAnswer(
                    cost: 1,
                    text:
                        "The training needs 200 MiB, but only 100 MiB are left by the memory limit of the control group "
                        + "/pod. The system may end it.",
                    remedy: "fewer samples, a smaller --set training.batch or a smaller network",
                    evidence: ["needed_bytes": Double(200 << 20), "available_bytes": Double(100 << 20)]))
        let fits = healthy.with(workerRows: [1, 1], shardRows: 1, needed: 100 << 20, available: half)
        #expect(fits.verdict("memory") == .clear)
        #expect(healthy.verdict("memory") == .unchecked("no configuration"))
    }

    // MARK: All rules

    @Test func aHealthyMachineHasNoFindings() {
        let diagnosis = Diagnosis(.healthy)
        #expect(diagnosis.findings == [] && !diagnosis.isSerious)
        #expect(diagnosis.clear.count + diagnosis.unchecked.count == DoctorRule.all.count)
        #expect(Set(DoctorRule.all.map(\.name)).count == DoctorRule.all.count)
    }

    @Test(arguments: [(0.05, false), (0.0501, true)])
    func whatCostsMoreThanFivePercentIsSerious(cost: Double, isSerious: Bool) {
        let rule = DoctorRule("a", "b") { _ in .found(cost, "", remedy: "") }
        #expect(Diagnosis(healthy, rules: [rule]).isSerious == isSerious)
    }

    private static let rules = [
        DoctorRule("low", "x") { _ in .found(0.01, "Few words.", remedy: "nothing") },
        DoctorRule("fine", "fine things") { _ in .clear },
        DoctorRule("lost", "lost things") { _ in .unchecked("not here") },
        DoctorRule("high", "y") { _ in
            .found(
                1.5, Array(repeating: "Many words.", count: 8).joined(separator: " "), remedy: "a command",
                evidence: ["n": 2])
        },
        DoctorRule("also low", "z") { _ in .found(0.01, "More.", remedy: "nothing") },
        DoctorRule("gain", "w") { _ in .found(-1, "A gain.", remedy: "nothing") },
        DoctorRule("calm", "calm things") { _ in .clear },
    ]

    @Test func theWorstComesFirst() {
        let diagnosis = Diagnosis(healthy, rules: Self.rules)
        #expect(diagnosis.findings.map(\.rule) == ["high", "low", "also low", "gain"])
        #expect(diagnosis.findings.map(\.cost) == [1, 0.01, 0.01, 0])
    }

    @Test func theTextIsForPeople() {
        #expect(
            Diagnosis(healthy, rules: Self.rules.dropLast(3)).text(processor: "CPU model", placement: [2, 3, 5]) == """
                CPU model, 3 workers on CPUs 2-3,5

                100.0 %  high
                         Many words. Many words. Many words. Many words. Many words. Many words.
                         Many words. Many words.
                         → a command

                  1.0 %  low
                         Few words.
                         → nothing

                Not checked: lost things (not here).
                Nothing found: fine things.

                """)
        let quiet = Diagnosis(healthy, rules: [Self.rules[0], Self.rules[1], Self.rules[6]])
        #expect(quiet.text(processor: "CPU", placement: [nil]).hasPrefix("CPU, 1 worker not pinned\n\n  1.0 %  low\n"))
        #expect(
            quiet.text(processor: "CPU", placement: [4]).hasSuffix("\n\nNothing found: fine things, calm things.\n"))
        #expect(quiet.text(processor: "CPU", placement: [4]).hasPrefix("CPU, 1 worker on CPU 4\n"))
        let none = Diagnosis(healthy, rules: [Self.rules[0]]).text(processor: "CPU", placement: [0])
        #expect(none.hasSuffix("\n\nNothing found: –.\n"))
    }

    @Test func aFindingIsALineForMachines() throws {
        let finding = Finding(rule: "a", cost: 0.25, text: "What.", remedy: "How.", evidence: ["seconds": 1.5])
        #expect(
            try JSONLines.line(finding)
                == #"{"cost_fraction":0.25,"event":"finding","evidence":{"seconds":1.5},"remedy":"How.","rule":"a","text":"What."}"#
                + "\n")
    }
}
