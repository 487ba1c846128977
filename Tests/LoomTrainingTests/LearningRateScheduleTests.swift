import LoomModel
import LoomTraining
import Testing

@Suite struct LearningRateScheduleTests {
    private func multipliers(
        _ schedule: LearningRateSchedule, steps: [Int], totalSteps: Int = 100, stepsPerEpoch: Int = 10
    ) -> [Double] {
        steps.map { schedule.multiplier(step: $0, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch) }
    }

    private func expect(
        _ got: [Double], _ want: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let near = got.count == want.count && zip(got, want).allSatisfy { abs($0 - $1) <= 1e-14 }
        #expect(near, "got \(got), want \(want)", sourceLocation: sourceLocation)
    }

    @Test func constantIsOne() {
        expect(multipliers(.init(), steps: [0, 1, 50, 99, 200]), [1, 1, 1, 1, 1])
    }

    @Test func warmupIsARampThatEndsAtOne() {
        expect(multipliers(.init(warmupSteps: 4), steps: [0, 1, 2, 3, 4, 5]), [0.25, 0.5, 0.75, 1, 1, 1])
    }

    @Test func stepFallsEverySoManyEpochs() {
        // Three steps an epoch, halved every second epoch: at steps 6, 12, 18.
        let schedule = LearningRateSchedule(kind: .step, factor: 0.5, everyEpochs: 2)
        expect(
            multipliers(schedule, steps: [0, 5, 6, 11, 12, 18], stepsPerEpoch: 3),
            [1, 1, 0.5, 0.5, 0.25, 0.125])
    }

    @Test func exponentialReachesItsFactorAfterAnEpoch() {
        // Two steps an epoch: ¼ after both, √¼ = ½ after one.
        let schedule = LearningRateSchedule(kind: .exponential, factor: 0.25)
        expect(multipliers(schedule, steps: [0, 1, 2, 4], stepsPerEpoch: 2), [1, 0.5, 0.25, 0.0625])
    }

    @Test func cosineFallsFromOneToItsFloor() {
        // Five steps are at 0, ¼, ½, ¾ and 1 of the way: 0.2 + 0.8 (1 + cos πp) / 2, cos π/4 = √½.
        let schedule = LearningRateSchedule(kind: .cosine, floor: 0.2)
        let root = 0.5.squareRoot()
        expect(
            multipliers(schedule, steps: [0, 1, 2, 3, 4], totalSteps: 5),
            [1, 0.2 + 0.4 * (1 + root), 0.6, 0.2 + 0.4 * (1 - root), 0.2])
    }

    @Test func oneCycleRisesToItsPeakAndFalls() {
        // Eleven steps, peak at 0.4 of the way: step 4. Halfway up (step 2) the mean of 0.1 and 1, halfway down
        // (step 7) the mean of 1 and 0.02.
        let schedule = LearningRateSchedule(
            kind: .oneCycle, floor: 0.02, initialFactor: 0.1, peakFraction: 0.4)
        expect(multipliers(schedule, steps: [0, 2, 4, 7, 10], totalSteps: 11), [0.1, 0.55, 1, 0.51, 0.02])
    }

    @Test func curvesBeginWhenTheWarmupEnds() {
        let root = 0.5.squareRoot()
        expect(
            multipliers(
                .init(kind: .cosine, warmupSteps: 2, floor: 0), steps: [0, 1, 2, 3, 4, 6], totalSteps: 7),
            [0.5, 1, 1, 0.5 * (1 + root), 0.5, 0])
        expect(
            multipliers(
                .init(kind: .step, warmupSteps: 2, factor: 0.5), steps: [1, 2, 4, 5], stepsPerEpoch: 3),
            [1, 1, 1, 0.5])
        // The ramp leads to the curve's first value.
        expect(
            multipliers(.init(kind: .oneCycle, warmupSteps: 2, initialFactor: 0.1), steps: [0, 1, 2]),
            [0.05, 0.1, 0.1])
    }

    @Test(arguments: LearningRateSchedule.Kind.allCases, [0, 1, 7, 40])
    func multipliersStayBetweenZeroAndOne(kind: LearningRateSchedule.Kind, warmupSteps: Int) {
        let schedule = LearningRateSchedule(kind: kind, warmupSteps: warmupSteps, floor: 0.01)
        for totalSteps in [1, 2, 3, 40, 41] {
            // Beyond the last step too: a resumed training may be longer than its schedule.
            let values = multipliers(
                schedule, steps: Array(0..<totalSteps + 5), totalSteps: totalSteps, stepsPerEpoch: 4)
            #expect(values.allSatisfy { $0 > 0 && $0 <= 1 }, "\(totalSteps) steps: \(values)")
        }
    }

    @Test(arguments: [LearningRateSchedule.Kind.cosine, .oneCycle])
    func afterTheLastStepTheFloorStays(kind: LearningRateSchedule.Kind) {
        let schedule = LearningRateSchedule(kind: kind, floor: 0.25)
        expect(multipliers(schedule, steps: [99, 100, 1000]), [0.25, 0.25, 0.25])
    }
}
