import Testing

@testable import LoomMeasurement

@Suite struct EfficiencyTreeTests {
    /// Two workers compute for 3 and 4 of 8 seconds; the slower of each phase for 3 + 2.
    private static let run = ParallelRun(
        runtimeSeconds: 8, phases: [[1, 3], [2, 1]], work: 100, instructions: 14e9, cycles: 10e9)
    private static let reference = ParallelRun(
        runtimeSeconds: 6.5, usefulSeconds: [6], work: 100, instructions: 12e9, cycles: 6e9)

    @Test func phasesAreAddedUp() {
        #expect(Self.run.usefulSeconds == [3, 4] && Self.run.idealRuntimeSeconds == 5)
        // A worker without a part in a phase.
        let uneven = ParallelRun(runtimeSeconds: 8, phases: [[1], [2, 1]], work: 1)
        #expect(uneven.usefulSeconds == [3, 1] && uneven.idealRuntimeSeconds == 3)
    }

    @Test func theTreeByHand() throws {
        let tree = try #require(EfficiencyTree(Self.run, reference: Self.reference))
        #expect(tree.loadBalance == 3.5 / 4)
        #expect(tree.serialisation == 4.0 / 5 && tree.transfer == 5.0 / 8 && isClose(tree.communication, 0.5))
        #expect(isClose(tree.parallel, 3.5 / 8))
        #expect(isClose(tree.instructionScaling, 12.0 / 14))
        // 1.4 and 2 instructions a cycle; 10 cycles in 7 and 6 in 6 seconds.
        #expect(isClose(tree.ipcScaling, 0.7) && isClose(tree.frequencyScaling, 10.0 / 7))
        #expect(isClose(tree.computation, 6.0 / 7) && isClose(tree.global, 3.5 / 8 * 6 / 7))
    }

    @Test func everyNodeIsTheProductOfItsFactors() throws {
        var noise = SyntheticNoise(seed: 4)
        for _ in 0..<100 {
            let phases = (0..<5).map { _ in (0..<3).map { _ in noise.uniform() } }
            let run = ParallelRun(
                runtimeSeconds: 6 + noise.uniform(), phases: phases, work: noise.uniform(),
                instructions: noise.uniform(),
                cycles: noise.uniform())
            let tree = try #require(EfficiencyTree(run, reference: Self.reference))
            #expect(tree.communication == tree.serialisation! * tree.transfer!)
            #expect(tree.parallel == tree.loadBalance * tree.communication)
            #expect(tree.computation == tree.instructionScaling! * tree.ipcScaling! * tree.frequencyScaling!)
            #expect(tree.global == tree.parallel * tree.computation!)
            #expect((0...1).contains(tree.serialisation!) && (0...1).contains(tree.loadBalance))
        }
    }

    @Test func whatIsNotKnownIsLeftOut() throws {
        var run = Self.run
        run.idealRuntimeSeconds = nil
        run.cycles = nil
        let tree = try #require(EfficiencyTree(run, reference: Self.reference))
        #expect(tree.serialisation == nil && tree.transfer == nil && tree.communication == 0.5)
        #expect(tree.instructionScaling == nil && tree.ipcScaling == nil && tree.frequencyScaling == nil)
        #expect(tree.computation == 6.0 / 7)
        let alone = try #require(EfficiencyTree(run))
        #expect(alone.computation == nil && alone.global == nil && isClose(alone.parallel, 3.5 / 8))
    }

    @Test func moreWorkMayTakeMoreTime() throws {
        let weak = ParallelRun(
            runtimeSeconds: 8, usefulSeconds: [6, 6], work: 200, instructions: 24e9, cycles: 12e9)
        let tree = try #require(EfficiencyTree(weak, reference: Self.reference))
        #expect(tree.computation == 1 && tree.instructionScaling == 1 && tree.global == 0.75)
    }

    @Test func aPerfectRunIsOne() throws {
        let tree = try #require(EfficiencyTree(.init(runtimeSeconds: 3, phases: [[1, 1], [2, 2]], work: 1)))
        #expect(tree.parallel == 1 && tree.loadBalance == 1 && tree.serialisation == 1 && tree.transfer == 1)
    }

    @Test func runsThatAreNoneHaveNoTree() {
        func tree(_ change: (inout ParallelRun) -> Void) -> EfficiencyTree? {
            var run = Self.run
            change(&run)
            #expect(EfficiencyTree(Self.run, reference: run) == nil)
            return EfficiencyTree(run)
        }
        #expect(tree { $0.usefulSeconds = [] } == nil)
        #expect(tree { $0.usefulSeconds = [0, 0] } == nil)
        #expect(tree { $0.usefulSeconds = [2, -1] } == nil)
        #expect(tree { $0.runtimeSeconds = 0 } == nil)
        #expect(tree { $0.idealRuntimeSeconds = 0 } == nil)
        #expect(tree { $0.work = .nan } == nil)
        #expect(tree { $0.instructions = 0 } == nil)
        #expect(tree { $0.cycles = .infinity } == nil)
    }
}
