import Testing

@testable import LoomHardware

@Suite struct CPUContentionTests {
    private static let statistics = """
        cpu  30000000 3 3000 4000000 40000 1 500 6000 0 0
        cpu0 1000 20 300 4000 50000 6 70 800 90 100
        cpu1 2000 0 0 1 2 0 0 0 0 0
        cpu10 1 1 1 1 1 1 1 1
        cpu2 5 5 5
        intr 12 0 0

        """

    /// CPUs, their busy ticks, those of low priority and the stolen ones; nil where the text lacks one, or columns of one.
    private static let readings: [(cpus: [Int], busy: Int?, niced: Int?, stolen: Int?)] = [
        ([0], 2196, 20, 800), ([1], 2000, 0, 0), ([0, 1], 4196, 20, 800), ([1, 10], 2006, 1, 1), ([3], nil, nil, nil),
        ([1, 3], nil, nil, nil), ([2], nil, nil, nil), ([], nil, nil, nil),
    ]

    @Test(arguments: readings)
    func countsWhatIsNeitherIdleNorCountedTwice(cpus: [Int], busy: Int?, niced: Int?, stolen: Int?) {
        let ticks = ProcessorTime.ticks(of: cpus, in: Self.statistics)
        #expect(ticks?.busy == busy)
        #expect(ticks?.niced == niced)
        #expect(ticks?.stolen == stolen)
    }

    @Test func stolenTimeIsThatOfTheCPUs() {
        let statistics = """
            cpu  1 1 1 1 1 1 1 900 0 0
            cpu0 1 1 1 1 1 1 1 200 9 9
            cpu1 1 1 1 1 1 1 1 100 9 9
            cpu10 1 1 1 1 1 1 1 500 9 9

            """
        #expect(ProcessorTime.ticks(of: [0, 1], in: statistics)?.stolen == 300)
        #expect(ProcessorTime.ticks(of: [1, 2], in: statistics) == nil)
        #expect(ProcessorTime.ticks(of: [], in: statistics) == nil)
    }

    /// A reading `seconds` after the one that all fixtures begin with, with what happened in between.
    private func reading(
        after seconds: Double, busy: Double = 0, niced: Double = 0, own: Double = 0, stolen: Double = 0,
        waited: [Int: Double]? = nil,
        processors: Bool = true
    ) -> Reading {
        Reading(
            seconds: 1000 + seconds,
            processors: processors
                ? ProcessorTime(
                    count: 2, busySeconds: 50 + busy, nicedSeconds: 5 + niced, ownSeconds: 7 + own,
                    stolenSeconds: 3 + stolen) : nil,
            waitedSeconds: waited)
    }

    @Test(arguments: [
        (3.0, 3.0, 0.0), (3, 1, 0.5), (0.5, 0, 0.125), (3, 3.5, 0), (9, 1, 1),
    ])
    func whatThisProcessDidIsNotOthers(busy: Double, own: Double, fraction: Double) {
        let now = reading(after: 2, busy: busy, own: own)
        #expect(now.othersFraction(since: reading(after: 0), waitingThreads: 2) == fraction)
    }

    /// Half a second of one worker, and a second of two: only the scheduler's count holds for so short a time.
    @Test func aMomentIsMeasuredByWhatThreadsWaitedFor() throws {
        let start = reading(after: 0, waited: [11: 1, 12: 2])
        let short = reading(after: 0.25, busy: 0.5, waited: [11: 1.05, 12: 2.1])
        let fraction = try #require(short.othersFraction(since: start, waitingThreads: 2))
        #expect(abs(fraction - 0.15 / 0.5) < 1e-9)
        // A thread that began meanwhile has waited from 0 on, and one that ended is not known.
        let later = reading(after: 0.25, waited: [12: 2, 13: 0.05])
        #expect(abs(try #require(later.othersFraction(since: start, waitingThreads: 2)) - 0.1) < 1e-9)
        #expect(reading(after: 0.25, busy: 0.5).othersFraction(since: reading(after: 0), waitingThreads: 2) == nil)
    }

    @Test func theSourceThatSawMoreCounts() throws {
        let start = reading(after: 0, waited: [11: 0])
        let stolen = reading(after: 2, busy: 3, own: 1, waited: [11: 0.4])
        #expect(try #require(stolen.othersFraction(since: start, waitingThreads: 2)) == 0.5)
        let waiting = reading(after: 2, busy: 1, own: 1, waited: [11: 3])
        #expect(try #require(waiting.othersFraction(since: start, waitingThreads: 2)) == 0.75)
        let elsewhere = reading(after: 2, waited: [11: 1], processors: false)
        #expect(try #require(elsewhere.othersFraction(since: start, waitingThreads: 1)) == 0.5)
        #expect(try #require(reading(after: 2, waited: [11: 9]).othersFraction(since: start, waitingThreads: 2)) == 1)
    }

    @Test func lowPriorityOfOthersIsNotOurs() {
        let start = reading(after: 0)
        #expect(reading(after: 2, niced: 1).nicedFraction(since: start, isNiced: false) == 0.25)
        #expect(reading(after: 2, niced: 3, own: 2).nicedFraction(since: start, isNiced: true) == 0.25)
        #expect(reading(after: 2, niced: 1, own: 2).nicedFraction(since: start, isNiced: true) == 0)
        #expect(reading(after: 0.25, niced: 0.2).nicedFraction(since: start, isNiced: false) == nil)
    }

    @Test func whatAHypervisorTookIsCounted() {
        let start = reading(after: 0)
        #expect(reading(after: 2, stolen: 1).stolenFraction(since: start) == 0.25)
        #expect(reading(after: 2, stolen: -1).stolenFraction(since: start) == 0)
        #expect(reading(after: 0.25, stolen: 0.2).stolenFraction(since: start) == nil)
    }

    @Test func readsTheSchedulersFile() {
        #expect(Reading.waitedSeconds(in: "123 2500000000 7\n") == 2.5)
        #expect(Reading.waitedSeconds(in: "123 2500000000\n") == nil)
        #expect(Reading.waitedSeconds(in: "a b c") == nil)
    }

    @Test func nothingIsKnownWithoutCPUsAndThreads() {
        #expect(CPUContention(on: [], waitingThreads: 0).fraction() == nil)
        #expect(CPUContention(on: [], waitingThreads: 0).nicedFraction() == nil)
    }

    @Test func aLowPriorityIsNamed() {
        #expect(CPUContention.nicenessNote(0) == nil && CPUContention.nicenessNote(-5) == nil)
        #expect(
            CPUContention.nicenessNote(7)
                == "this process has a low priority (nice 7): other programs on its CPUs come before it")
    }
}
