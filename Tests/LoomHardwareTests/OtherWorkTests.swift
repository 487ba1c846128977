import Testing

@testable import LoomHardware

@Suite struct OtherWorkTests {
    private static let statistics = """
        cpu  30000000 3 3000 4000000 40000 1 500 6000 0 0
        cpu0 1000 20 300 4000 50000 6 70 800 90 100
        cpu1 2000 0 0 1 2 0 0 0 0 0
        cpu10 1 1 1 1 1 1 1 1
        cpu2 5 5 5
        intr 12 0 0

        """

    /// CPUs and their busy ticks; nil where the text lacks one, or columns of one.
    private static let readings: [([Int], Int?)] = [
        ([0], 2196), ([1], 2000), ([0, 1], 4196), ([1, 10], 2006), ([3], nil), ([1, 3], nil), ([2], nil), ([], nil),
    ]

    @Test(arguments: readings)
    func countsWhatIsNeitherIdleNorCountedTwice(cpus: [Int], ticks: Int?) {
        #expect(ProcessorTime.busyTicks(of: cpus, in: Self.statistics) == ticks)
    }

    @Test(arguments: [
        (3.0, 3.0, 0.0), (3, 1, 0.5), (0.5, 0, 0.125), (3, 3.5, 0), (9, 1, 1),
    ])
    func whatThisProcessDidIsNotOthers(busy: Double, own: Double, fraction: Double) {
        let earlier = ProcessorTime(passedSeconds: 100, busySeconds: 50, ownSeconds: 7)
        let now = ProcessorTime(passedSeconds: 104, busySeconds: 50 + busy, ownSeconds: 7 + own)
        #expect(now.otherWorkFraction(since: earlier) == fraction)
    }

    @Test func aMomentSaysNothing() {
        let earlier = ProcessorTime(passedSeconds: 100, busySeconds: 50, ownSeconds: 7)
        let now = ProcessorTime(passedSeconds: 100.99, busySeconds: 50.5, ownSeconds: 7)
        #expect(now.otherWorkFraction(since: earlier) == nil)
        #expect(OtherWork(on: []).fraction() == nil)
    }
}
