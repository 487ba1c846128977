import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import TestSupport
import Testing

@testable import LoomTraining

/// Epochs, their events, early stopping and checkpoints.
@Suite struct TrainingRunTests {
    /// 20 samples in batches of 8: epochs of three steps, the last with four samples.
    private func trainer(epochs: Int, maximumSteps: Int? = nil) throws -> Trainer<Double> {
        try FastProblem.made(layers: [3, 5, 2], output: .softmax, rows: 20, seed: 1).trainer(
            Double.self,
            schedule: TrainingSchedule(batchRows: 8, epochs: epochs, maximumSteps: maximumSteps))
    }

    @Test func reportsEveryEpoch() throws {
        let trainer = try trainer(epochs: 4)
        var run = TrainingRun(trainer: trainer)
        var ended: [EpochResult] = []
        var stepsOfProgress: [[Int]] = [[]]
        var validations = 0
        run.validate = {
            validations += 1
            #expect(trainer.step == 3 * validations)
            return Evaluation(loss: Double(validations), accuracy: 0.5, samples: 7)
        }
        run.report = { event in
            switch event {
            case .progress(let epoch, let soFar, let samplesPerSecond):
                #expect(epoch == ended.count && soFar.steps >= 1 && soFar.steps <= 3)
                #expect(samplesPerSecond > 0)
                stepsOfProgress[stepsOfProgress.count - 1].append(soFar.steps)
            case .epochEnded(let result):
                ended.append(result)
                stepsOfProgress.append([])
            case .rolledBack: Issue.record("\(event)")
            }
        }
        let result = try run.run()
        #expect(result.end == .completed)
        #expect(ended.map(\.epoch) == [0, 1, 2, 3] && ended.map(\.step) == [3, 6, 9, 12])
        #expect(ended.map { $0.validation?.loss } == [1, 2, 3, 4])
        #expect(ended.allSatisfy { $0.training.steps == 3 && $0.training.samples == 20 })
        #expect(result.lastEpoch?.epoch == 3 && result.unfinishedEpoch.steps == 0)
        #expect(stepsOfProgress.dropLast().allSatisfy { $0.last == 3 && $0 == $0.sorted() })
        #expect(result.samplesPerSecond > 0)
        // The losses fall: the epochs' reports are about training.
        #expect(ended[3].training.loss < ended[0].training.loss)
    }

    @Test(arguments: [(1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (100, [3, 3, 3, 3])])
    func maximumSteps(maximum: Int, stepsOfEpochs: [Int]) throws {
        let trainer = try trainer(epochs: 4, maximumSteps: maximum)
        var run = TrainingRun(trainer: trainer)
        var ended: [Int] = []
        run.report = { if case .epochEnded(let epoch) = $0 { ended.append(epoch.training.steps) } }
        let result = try run.run()
        #expect(result.end == .completed)
        #expect(trainer.step == min(12, maximum) && trainer.totalSteps == min(12, maximum))
        #expect(ended == stepsOfEpochs)
        // More steps than there are: nothing happens.
        #expect(trainer.run(steps: 5).steps == 0)
    }

    // MARK: Early stopping

    /// The validation losses of the epochs, and when training ends.
    struct Stopping: Sendable, CustomStringConvertible {
        let losses: [Double]
        let patience: Int
        var minimumImprovement = 0.0
        let end: TrainingEnd
        let epochs: Int
        var description: String { "\(losses) patience \(patience) minimum \(minimumImprovement)" }
    }

    @Test(arguments: [
        Stopping(losses: [5, 4, 3, 2, 1], patience: 1, end: .completed, epochs: 5),
        Stopping(losses: [5, 4, 6, 2, 1], patience: 1, end: .stoppedEarly(bestEpoch: 1), epochs: 3),
        Stopping(losses: [5, 4, 6, 2, 1], patience: 2, end: .completed, epochs: 5),
        Stopping(losses: [5, 6, 6, 5, 1], patience: 3, end: .stoppedEarly(bestEpoch: 0), epochs: 4),
        Stopping(losses: [5, 6, 4, 6, 6], patience: 2, end: .stoppedEarly(bestEpoch: 2), epochs: 5),
        // An equal loss is no improvement.
        Stopping(losses: [5, 5, 5, 5, 5], patience: 2, end: .stoppedEarly(bestEpoch: 0), epochs: 3),
        // Small improvements do not count, not even together with the next one: 4.6 is compared with 5.
        Stopping(
            losses: [5, 4.6, 4.4, 4.3, 4.2], patience: 3, minimumImprovement: 0.5, end: .completed, epochs: 5),
        Stopping(
            losses: [5, 4.6, 4.5, 4.2, 4.1], patience: 2, minimumImprovement: 0.5,
            end: .stoppedEarly(bestEpoch: 0), epochs: 3),
        Stopping(losses: [5, .nan, .nan, 1, 1], patience: 2, end: .stoppedEarly(bestEpoch: 0), epochs: 3),
        Stopping(losses: [.nan, 5, 6, 7, 1], patience: 2, end: .stoppedEarly(bestEpoch: 1), epochs: 4),
        Stopping(losses: [.nan, .nan, .nan, 1, 1], patience: 2, end: .stoppedEarly(bestEpoch: 0), epochs: 3),
        Stopping(losses: [.infinity, 5, 6, 7, 1], patience: 2, end: .stoppedEarly(bestEpoch: 1), epochs: 4),
    ]) func stopsEarly(_ stopping: Stopping) throws {
        let trainer = try trainer(epochs: 5)
        var run = TrainingRun(trainer: trainer)
        run.earlyStopping = EarlyStopping(
            patience: stopping.patience, minimumImprovement: stopping.minimumImprovement)
        var epoch = 0
        run.validate = {
            defer { epoch += 1 }
            return Evaluation(loss: stopping.losses[epoch], accuracy: nil, samples: 1)
        }
        var checkpoints: [Int] = []
        run.checkpoint = { _ in checkpoints.append(trainer.step) }
        let result = try run.run()
        #expect(result.end == stopping.end)
        #expect(epoch == stopping.epochs && trainer.step == 3 * stopping.epochs)
        #expect(checkpoints == [3 * stopping.epochs])
    }

    @Test func withoutValidationNothingStopsEarly() throws {
        var run = TrainingRun(trainer: try trainer(epochs: 3))
        run.earlyStopping = EarlyStopping(patience: 1)
        #expect(try run.run().end == .completed)
    }

    /// Losses from before an interruption count as if there had been none.
    @Test func earlierLossesCount() throws {
        func stoppedEarly(after losses: [Double], thenAlways loss: Double) throws -> (TrainingEnd, Int) {
            var run = TrainingRun(trainer: try trainer(epochs: 5))
            _ = run.trainer.run(steps: 3 * losses.count)
            let rule = EarlyStopping(patience: 2)
            for (epoch, loss) in losses.enumerated() {
                _ = run.history.add(ValidationLoss(epoch: epoch, loss: loss), by: rule)
            }
            run.earlyStopping = rule
            run.validate = { Evaluation(loss: loss, accuracy: nil, samples: 1) }
            var ended = 0
            run.report = { if case .epochEnded = $0 { ended += 1 } }
            return (try run.run().end, ended)
        }
        #expect(try stoppedEarly(after: [4, 3], thenAlways: 3.5) == (.stoppedEarly(bestEpoch: 1), 2))
        #expect(try stoppedEarly(after: [3, 4], thenAlways: 3.5) == (.stoppedEarly(bestEpoch: 0), 1))
        #expect(try stoppedEarly(after: [3, 4], thenAlways: 2) == (.stoppedEarly(bestEpoch: 2), 3))
        #expect(try stoppedEarly(after: [], thenAlways: 2) == (.stoppedEarly(bestEpoch: 0), 3))
    }

    // MARK: Checkpoints

    @Test(
        arguments: [
            (nil, [12]), (1, Array(1...12)), (2, [2, 4, 6, 8, 10, 12]), (3, [3, 6, 9, 12]), (5, [5, 10, 12]),
            (12, [12]), (50, [12]),
        ] as [(Int?, [Int])]) func checkpoints(every steps: Int?, expected: [Int]) throws
    {
        let trainer = try trainer(epochs: 4)
        var run = TrainingRun(trainer: trainer)
        run.stepsPerCheckpoint = steps
        var written: [Int] = []
        run.checkpoint = { _ in written.append(trainer.step) }
        _ = try run.run()
        #expect(written == expected)
    }

    /// A crash between the two would lose the validation: going on would not make up for it.
    @Test func theCheckpointOfAnEpochKnowsItsValidation() throws {
        let trainer = try trainer(epochs: 3)
        var run = TrainingRun(trainer: trainer)
        run.stepsPerCheckpoint = 1
        run.earlyStopping = EarlyStopping(patience: 5)
        var validations = 0
        var ended = 0
        run.validate = {
            validations += 1
            return Evaluation(loss: Double(10 - validations), accuracy: nil, samples: 1)
        }
        run.report = { if case .epochEnded = $0 { ended += 1 } }
        var known: [Int?] = []
        run.checkpoint = { history in
            #expect(ended == trainer.step / 3)
            known.append(history.latest?.epoch)
            #expect(history.best == history.latest)
        }
        _ = try run.run()
        #expect(known == [nil, nil, 0, 0, 0, 1, 1, 1, 2])
    }

    /// The best parameters come back when the training is over, behind the checkpoint of its last state.
    @Test(arguments: [(3, true), (1, false)]) func theBestParametersComeBack(patience: Int, isCompleted: Bool) throws {
        let trainer = try trainer(epochs: 4)
        var run = TrainingRun(trainer: trainer)
        run.earlyStopping = EarlyStopping(patience: patience)
        var losses = [5.0, 4, 6, 7][...]
        run.validate = { Evaluation(loss: losses.removeFirst(), accuracy: nil, samples: 1) }
        var calls: [String] = []
        run.keepBest = { calls.append("keep \(trainer.step)") }
        run.checkpoint = { _ in calls.append("checkpoint \(trainer.step)") }
        run.restoreBest = { calls.append("restore") }
        let result = try run.run()
        let last = isCompleted ? 12 : 9
        #expect(calls == ["keep 3", "keep 6", "checkpoint \(last)", "restore"])
        #expect(result.end == (isCompleted ? .completed : .stoppedEarly(bestEpoch: 1)))
        #expect(result.history.best == ValidationLoss(epoch: 1, loss: 4) && result.isOver)
    }

    /// Without an answer to when it ended, a training that is done is reported again, and goes no step further.
    @Test func aFinishedTrainingIsReportedAgain() throws {
        let trainer = try trainer(epochs: 2)
        var run = TrainingRun(trainer: trainer)
        let first = try run.run()
        run.report = { _ in Issue.record("the epoch was reported before") }
        let again = try run.run()
        #expect(again.end == .completed && again.lastEpoch?.epoch == 1)
        #expect(again.lastEpoch?.training.loss == first.lastEpoch?.training.loss)
        #expect(again.lastEpoch?.training.accuracy == first.lastEpoch?.training.accuracy)
        #expect(trainer.step == 6)
    }

    /// Losses are added up in the order of the steps, wherever regions are cut.
    @Test(arguments: [[6], [1, 5], [2, 2, 2], [1, 1, 1, 1, 1, 1]]) func lossesHaveTheSameBits(regions: [Int]) throws {
        let whole = try trainer(epochs: 2)
        _ = whole.run(steps: 6)
        let trainer = try trainer(epochs: 2)
        for count in regions { _ = trainer.run(steps: count) }
        #expect(trainer.epochSums == whole.epochSums && trainer.epochSums.steps == 3)
        #expect(trainer.epochReport.loss.bitPattern == whole.epochReport.loss.bitPattern)
        // An epoch has 20 samples.
        #expect(trainer.epochSums.samples == 20)
    }

    /// One linear unit with weight 0 on the input 10¹⁰: the loss of the first step is 1, its gradient −2·10¹⁰, and at a
    /// rate of 10³⁸ the weight becomes infinite in float32.
    @Test(arguments: [1, 2]) func infiniteParametersAreNeverACheckpoint(steps: Int) throws {
        var problem = FastProblem.made(layers: [1, 1], output: .identity, rows: 1, seed: 1)
        problem.inputs = [[1e10]]
        problem.targets = [[1]]
        problem.network.layers[0].weights = [[0]]
        problem.network.layers[0].bias = [0]
        let trainer = try problem.trainer(
            Float.self, optimizer: OptimizerDescription(kind: .sgd, learningRate: 1e38),
            schedule: TrainingSchedule(batchRows: 1, epochs: steps, shuffles: false))
        var run = TrainingRun(trainer: trainer)
        var checkpoints = 0
        run.checkpoint = { _ in checkpoints += 1 }
        run.stepsPerCheckpoint = 1
        let result = try run.run()
        #expect(result.end == .diverged(step: 1))
        #expect(checkpoints == 0 && !trainer.hasFiniteParameters)
        #expect(trainer.firstArrayNotFinite.wholeMatch(of: /the parameters '.+\.weights'/) != nil)
    }

    @Test func anErrorOfACheckpointEndsTheRun() throws {
        struct DiskFull: Error {}
        let trainer = try trainer(epochs: 4)
        var run = TrainingRun(trainer: trainer)
        run.stepsPerCheckpoint = 2
        run.checkpoint = { _ in throw DiskFull() }
        #expect(throws: DiskFull.self) { try run.run() }
        #expect(trainer.step == 2)
    }

    // MARK: Interruption

    /// A signal is noted, the step that runs is finished, and the run ends with a checkpoint. In processes of their own:
    /// the note stays.
    @Test func aSignalEndsTheRunAfterAStep() async {
        await #expect(processExitsWith: .success) {
            let (trainer, result, checkpoints) = try Self.interrupted(afterStep: 4)
            // Step 5 runs, sees the signal, and is the last.
            #expect(result.end == .interrupted && trainer.step == 5)
            #expect(checkpoints == [1, 2, 3, 4, 5])
            #expect(result.lastEpoch?.epoch == 0 && result.unfinishedEpoch.steps == 2)
            #expect(result.unfinishedEpoch.interrupted)
        }
        // The last step of an epoch: the epoch is validated, so that going on need not.
        await #expect(processExitsWith: .success) {
            let (trainer, result, checkpoints) = try Self.interrupted(afterStep: 5)
            #expect(result.end == .interrupted && trainer.step == 6)
            #expect(checkpoints == [1, 2, 3, 4, 5, 6])
            #expect(result.lastEpoch?.validation?.loss == 6 && result.unfinishedEpoch.steps == 0)
        }
    }

    /// A caller ends a training by raising its stop request, in a report or from another thread, or by cancelling its task.
    @Test(arguments: [true, false]) func aCallerEndsTheRun(byCancelling: Bool) async throws {
        let result = try await Task {
            let trainer = try trainer(epochs: 1_000_000)
            var run = TrainingRun(trainer: trainer)
            run.report = { event in
                guard case .epochEnded(let epoch) = event, epoch.epoch == 2 else { return }
                if byCancelling {
                    withUnsafeCurrentTask { $0?.cancel() }
                } else {
                    trainer.stop.raise()
                }
            }
            return try run.run().end
        }.value
        #expect(result == .interrupted)
    }

    /// An epoch whose validation was given up is validated and reported when training goes on, the last one too.
    @Test(arguments: [0, 1, 3]) func anInterruptedValidationIsDoneLater(epoch interrupted: Int) throws {
        func run(_ run: TrainingRun<Double>, interruptedAfter epoch: Int?) throws -> (TrainingResult, [EpochResult]) {
            var run = run
            var ended: [EpochResult] = []
            var written: [ValidationHistory] = []
            run.earlyStopping = EarlyStopping(patience: 2)
            run.validate = { [trainer = run.trainer] in
                trainer.lastEpoch == epoch
                    ? nil : Evaluation(loss: 1 / Double(trainer.step), accuracy: nil, samples: 1)
            }
            run.checkpoint = { written.append($0) }
            run.report = { if case .epochEnded(let result) = $0 { ended.append(result) } }
            let result = try run.run()
            #expect(written.map(\.isPending) == [epoch != nil])
            return (result, ended)
        }
        let whole = try run(TrainingRun(trainer: trainer(epochs: 4)), interruptedAfter: nil)
        let trainer = try trainer(epochs: 4)
        let (first, before) = try run(TrainingRun(trainer: trainer), interruptedAfter: interrupted)
        #expect(first.end == .interrupted && !first.isOver && first.history.isPending)
        #expect(trainer.step == 3 * (interrupted + 1) && before.count == interrupted)
        #expect(first.unfinishedEpoch.steps == 3 && first.unfinishedEpoch.samples == 20)
        var rest = TrainingRun(trainer: trainer)
        rest.history = first.history
        let (last, after) = try run(rest, interruptedAfter: nil)
        #expect(last.end == .completed && last.history == whole.0.history && last.unfinishedEpoch.steps == 0)
        for (mine, other) in zip(before + after, whole.1) {
            #expect(mine.epoch == other.epoch && mine.step == other.step && mine.validation == other.validation)
            #expect(mine.training.loss == other.training.loss && mine.training.accuracy == other.training.accuracy)
        }
        #expect(before.count + after.count == 4)
    }

    private static func interrupted(
        afterStep step: Int
    ) throws -> (Trainer<Double>, TrainingResult, checkpoints: [Int]) {
        let trainer = try TrainingRunTests().trainer(epochs: 1000)
        trainer.stop.raiseOnSignals()
        var run = TrainingRun(trainer: trainer)
        run.stepsPerCheckpoint = 1
        run.validate = { Evaluation(loss: Double(trainer.step), accuracy: nil, samples: 1) }
        var checkpoints: [Int] = []
        run.checkpoint = { _ in
            checkpoints.append(trainer.step)
            guard trainer.step == step else { return }
            interruptThisProcess(noting: trainer.stop)
        }
        return (trainer, try run.run(), checkpoints)
    }
}
