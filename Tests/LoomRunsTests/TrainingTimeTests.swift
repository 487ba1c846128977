import Foundation
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomRuns
@testable import LoomTraining

/// Where the time of a training goes.
@Suite struct TrainingTimeTests {
    /// Steps of several hundred microseconds: of much shorter ones, a clock measures fewer than there are here.
    private static func trainer() throws -> Trainer<Float> {
        try FastProblem.made(layers: [20, 330, 5], output: .softmax, rows: 2000, seed: 7).trainer(
            Float.self, schedule: TrainingSchedule(batchRows: 500, epochs: 6),
            team: TeamPlan(workers: 2, groups: 2))
    }

    private static func activities(_ ticks: [StepActivity: UInt64]) -> ActivitySeconds {
        ActivitySeconds(seconds: 1, ticks: ticks.reduce(into: ActivityTicks()) { $0[$1.key] = $1.value })
    }

    private static let time = TrainingTime(
        seconds: 10, loadingSeconds: 1, trainingSeconds: 5, validationSeconds: 2, checkpointSeconds: 0.5)

    @Test func partsByHand() {
        #expect(Self.time.parts.map(\.name) == ["loading", "training", "validation", "checkpoints", "other"])
        #expect(Self.time.parts.map(\.fraction).prefix(4) == [0.1, 0.5, 0.2, 0.05])
        #expect(abs(Self.time.parts[4].fraction - 0.15) < 1e-12)
    }

    /// Half of the time are steps: 30 % of them are 15 % of all.
    @Test(
        arguments: [
            (30, "validation", 0.2), (41, "waiting", 0.205), (39, "validation", 0.2),
        ] as [(UInt64, String, Double)])
    func theLargestOverheadOfAll(waiting: UInt64, name: String, fraction: Double) throws {
        let largest = try #require(
            Self.time.largestOverhead(Self.activities([.products: 100 - waiting - 1, .waiting: waiting, .update: 1])))
        #expect(largest.name == name && abs(largest.fraction - fraction) < 1e-12)
    }

    @Test func withoutMeasuredStepsTheRestIsKnown() {
        #expect(Self.time.largestOverhead(ActivitySeconds()) == TimeShare(name: "validation", fraction: 0.2))
        #expect(TimeShare(largestOf: ActivitySeconds()) == nil && TimeShare.all(of: ActivitySeconds()).isEmpty)
    }

    @Test func sharesHaveNames() throws {
        let activities = Self.activities([.products: 6, .lossFunction: 3, .gathering: 1])
        let largest = try #require(TimeShare(largestOf: activities))
        #expect(largest.title == "loss function" && abs(largest.fraction - 0.3) < 1e-12)
        #expect(
            TimeShare.all(of: activities).map(\.name) == [
                "products", "waiting", "gathering", "update", "loss_function",
            ])
    }

    /// The clock changes no bit, and validations and checkpoints are timed.
    @Test func theClockChangesNoBit() throws {
        var hashes: [String] = []
        for isMeasured in [true, false] {
            var run = TrainingRun(trainer: try Self.trainer())
            if isMeasured { run.clock = WorkerClockMemory(run.trainer.program) }
            var measured = StepReport()
            run.regionMeasured = { measured.add($0) }
            run.validate = {
                usleep(3000)
                return Evaluation(loss: 1, accuracy: nil, samples: 1)
            }
            run.checkpoint = { _ in usleep(5000) }
            var epochsWithTime = 0
            var ofEpochs = 0.0
            run.report = { event in
                guard case .epochEnded(let epoch) = event else { return }
                ofEpochs += epoch.training.seconds
                if epoch.training.activities.total > 0 { epochsWithTime += 1 }
            }
            let result = try run.run()
            hashes.append(run.trainer.parameters.hash)
            #expect(result.validationSeconds >= 6 * 0.003 && result.checkpointSeconds >= 0.005)
            #expect(result.validationSeconds < 6 && result.checkpointSeconds < 5)
            #expect(result.trainingSeconds == ofEpochs && ofEpochs > 0)
            // The first regions tell how often to measure; a region of the others has steps that are not measured.
            #expect(isMeasured ? epochsWithTime > 0 : epochsWithTime == 0)
            #expect((result.activities.total > 0) == isMeasured)
            #expect(result.activities.total < result.trainingSeconds)
            #expect(isMeasured == (measured.steps > 0))
            #expect(abs(measured.activities.total - result.activities.total) < 1e-9)
        }
        #expect(hashes[0] == hashes[1])
    }

    /// The first region is short and cold: how long a step takes is known after the second.
    @Test func speedsOfRegions() throws {
        let loss = try Loss<Double>(LossDescription(kind: .squaredSum), output: .identity)
        func region(steps: Int, seconds: Double) -> StepReport {
            var sums = StepSums()
            (sums.losses.steps, sums.losses.samples) = (steps, 10 * steps)
            return StepReport(
                sums, seconds: seconds, loss: loss, reduction: .mean, decisionsPerSample: 0,
                region: RegionReport(mode: .alone, stepsDone: steps, checkInRefused: false, refusedBindings: 0))
        }
        var meter = SpeedMeter()
        meter.add(region(steps: 1, seconds: 0.05))
        #expect(meter.fastestStepSeconds == nil && meter.steps(inSeconds: 0.1) == 2)
        meter.add(region(steps: 10, seconds: 0.1))
        #expect(meter.fastestStepSeconds == 0.01)
        meter.add(region(steps: 10, seconds: 0.2))
        #expect(meter.fastestStepSeconds == 0.01 && meter.steps(inSeconds: 0.1) == 5)
        #expect(meter.samplesPerSecond == 500)
    }
}
