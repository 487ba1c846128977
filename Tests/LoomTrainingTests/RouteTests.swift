import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomPlan
import TestSupport
import Testing

@testable import LoomTraining

/// Routes where workers have parameters of their own: what others change between two regions, what a gradient leaves behind,
/// and how a step ends.
@Suite struct RouteTests {
    /// A route with a number of workers and of groups.
    struct Way: Sendable {
        let route: GradientRoute
        var workers = 2
        var groups: Int?
    }

    static let ways = [
        Way(route: .allReduce), Way(route: .allReduce, workers: 3, groups: 8), Way(route: .reduceScatterAllGather),
        Way(route: .reduceScatterAllGather, workers: 4, groups: 4), Way(route: .reduceScatter, workers: 3, groups: 4),
        Way(route: .allReduce, workers: 5, groups: 2),
    ]

    private static func problem(rows: Int) -> FastProblem {
        FastProblem.made(layers: [20, 33, 19, 5], output: .softmax, rows: rows, seed: 7)
    }

    private static func pair(
        _ way: Way, _ optimizer: OptimizerDescription, samples: Int, batchRows: Int = 64, shuffles: Bool = true,
        request: TeamRequest = .auto
    ) -> TrainerPair {
        TrainerPair(
            problem: problem(rows: samples), optimizer: optimizer,
            schedule: TrainingSchedule(batchRows: batchRows, epochs: 3, shuffles: shuffles), request: request,
            workers: way.workers, route: way.route, groups: way.groups)
    }

    /// Last batches of several groups, of one, and of a single sample.
    @Test(arguments: ways, OptimizerDescription.Kind.allCases)
    func sameBitsAsOneWorker(way: Way, kind: OptimizerDescription.Kind) throws {
        let optimizer = OptimizerDescription(kind: kind, learningRate: 0.02)
        for (samples, shuffles, request) in [
            (192, true, TeamRequest.auto), (198, false, .auto), (129, true, .forkJoin), (150, false, .forkJoin),
        ] {
            let pair = Self.pair(way, optimizer, samples: samples, shuffles: shuffles, request: request)
            // AdamW decays weights only, which no worker does for all parameters as one row.
            let expected = way.route == .allReduce && kind == .adamw ? .reduceScatter : way.route
            try pair.check(Float.self) { $0.route == expected }
            if shuffles { try pair.check(Double.self) { $0.route == expected } }
        }
    }

    /// Penalties and norms of all parameters, which each worker adds up for its slices.
    @Test(arguments: [(0.03, nil), (0, 0.05), (0.03, 0.05)] as [(Double, Double?)], ways)
    func penaltiesAndNorms(l2AndClipNorm: (Double, Double?), way: Way) throws {
        for kind in [OptimizerDescription.Kind.sgd, .adamw] {
            let optimizer = OptimizerDescription(
                kind: kind, learningRate: 0.02, weightDecay: 0.1, clipNorm: l2AndClipNorm.1)
            for request in [TeamRequest.auto, .forkJoin] {
                var pair = Self.pair(way, optimizer, samples: 150, request: request)
                pair.problem.loss.l2 = l2AndClipNorm.0
                try pair.check(Float.self) { $0.route != .partition }
            }
        }
    }

    /// After a loss that is not finite, everything is as before the step; also where a worker had written a gradient over
    /// its copy of parameters.
    @Test(arguments: ways, [TeamRequest.auto, .forkJoin]) func divergence(way: Way, request: TeamRequest) throws {
        for clipNorm in [nil, 0.05] {
            for sample in [200, 250] {
                try Self.problem(rows: 320).checkDivergence(
                    at: sample, optimizer: OptimizerDescription(kind: .momentum, clipNorm: clipNorm),
                    team: TeamPlan(workers: way.workers, request: request, groups: way.groups, route: way.route)
                ) { $0.route != .partition }
            }
        }
    }

    /// A request to stop is honoured after the step in progress, which counts; the next trainer knows nothing of it.
    @Test(arguments: ways, [TeamRequest.auto, .forkJoin]) func stopRequests(way: Way, request: TeamRequest) throws {
        func trainer(workers: Int) throws -> Trainer<Float> {
            try Self.problem(rows: 320).trainer(
                Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 1),
                team: TeamPlan(
                    workers: workers, request: request, groups: way.groups, route: workers == 1 ? nil : way.route))
        }
        let (alone, team) = (try trainer(workers: 1), try trainer(workers: way.workers))
        team.stop.raise()
        let report = team.run(steps: 5)
        #expect(report.interrupted && report.steps == 1 && alone.run(steps: 1).steps == 1)
        #expect(team.parameters.hash == alone.parameters.hash)
        team.stop.reset()
        #expect(team.run(steps: 2).steps == 2 && alone.run(steps: 2).steps == 2)
        #expect(team.parameters.hash == alone.parameters.hash)
    }

    /// A signal reaches the request that asked for signals last, and no other training of the process, in a process of its
    /// own.
    @Test func signals() async {
        await #expect(processExitsWith: .success) {
            func trainer() throws -> Trainer<Float> {
                try RouteTests.problem(rows: 320).trainer(
                    Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 1), team: TeamPlan(workers: 2))
            }
            let (first, second) = (try trainer(), try trainer())
            first.stop.raiseOnSignals()
            interruptThisProcess(noting: first.stop)
            #expect(first.run(steps: 5).interrupted && first.stop.signal != nil)
            let report = second.run(steps: 5)
            #expect(!report.interrupted && report.steps == 5)
        }
    }

    /// A batch system's SIGTERM behind its SIGUSR1 ends nothing that the first one has not; asking twice does.
    @Test func theSameSignalAgainEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGINT)) {
            let stop = StopRequest()
            stop.raiseOnSignals()
            for number in [SIGUSR1, SIGTERM, SIGINT, SIGINT] {
                kill(getpid(), number)
                for _ in 0..<5000 where stop.signal != number { usleep(1000) }
            }
            sleep(5)
        }
    }

    /// When the request is gone, nobody waits for its end.
    @Test func aForgottenRequestNotesNothing() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            StopRequest().raiseOnSignals()
            kill(getpid(), SIGTERM)
            sleep(5)
        }
    }

    /// What the workers' time is spent on, by the operations of the program.
    @Test(arguments: [1, 4]) func clocks(every: Int) throws {
        var team = TeamPlan(workers: 2, groups: 2, route: .reduceScatterAllGather)
        team.separatesLayers = true
        let trainer = try Self.problem(rows: 320).trainer(
            Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 16), team: team)
        let clock = WorkerClockMemory(trainer.program, every: every)
        let report = trainer.run(steps: 50, clock: clock)
        #expect(report.steps == 50)
        var slot = 0
        for phase in trainer.program.phases {
            for (worker, operations) in phase.operations.enumerated() {
                for operation in operations {
                    #expect(clock.ticks(slot: slot, worker: worker) > 0, "\(operation)")
                    #expect(clock.ticks(slot: slot, worker: 1 - worker) == 0)
                    slot += 1
                }
            }
        }
        #expect(clock.waitSlots.lowerBound == slot + trainer.program.recovery.joined().count)
        for worker in 0..<2 {
            let marks = clock.marks(worker: worker)
            #expect(marks.map(\.step) == Array(stride(from: 0, to: 50, by: every)))
            #expect(clock.measuredSteps(worker: worker) == marks.count)
            // Laps follow each other without a gap.
            let slots = (0..<clock.waitSlots.upperBound).reduce(0) { $0 + clock.ticks(slot: $1, worker: worker) }
            #expect(slots == marks.reduce(0) { $0 + ($1.end - $1.begin) })
            let laps = clock.laps(worker: worker)
            #expect(laps.first?.slot == ClockEvent.beginSlot && laps.last?.tick == marks.last?.end)
            #expect(zip(laps, laps.dropFirst()).allSatisfy { $0.tick <= $1.tick })
            #expect(Double(slots) * clock.nanosecondsPerTick() <= report.seconds * 1e9)
        }
        // What a region adds is the time of its own steps.
        let before = clock.totals()
        #expect(trainer.run(steps: 30, clock: clock).steps == 30)
        let added = clock.totals().since(before)
        for worker in 0..<2 {
            let marks = clock.marks(worker: worker).filter { $0.step >= 50 }
            #expect(added.steps[worker] == marks.count && marks.count >= 30 / every)
            #expect(added.ticks[worker].reduce(0, +) == marks.reduce(0) { $0 + ($1.end - $1.begin) })
        }
        // The clock has no influence.
        let other = try Self.problem(rows: 320).trainer(
            Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 16), team: TeamPlan(workers: 1, groups: 2))
        #expect(other.run(steps: 80).steps == 80 && other.parameters.hash == trainer.parameters.hash)
    }

    /// What happens to the thread is counted for every step but the last one, behind which nobody is left to ask.
    @Test func clocksCountWhatHappensToThreads() throws {
        let trainer = try Self.problem(rows: 320).trainer(
            Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 10), team: TeamPlan(workers: 1))
        let clock = WorkerClockMemory(trainer.program)
        #expect(trainer.run(steps: 20, clock: clock).region?.mode == .alone)
        let marks = clock.marks(worker: 0)
        #expect(marks.count == 20 && marks.dropLast().allSatisfy { $0.events != nil } && marks[19].events == nil)
        let nanosecondsPerTick = clock.nanosecondsPerTick()
        for mark in marks.dropLast() {
            let ran = Double(try #require(mark.events).processorNanoseconds)
            // The two clocks are read one after the other.
            #expect(ran > 0 && ran <= Double(mark.end - mark.begin) * nanosecondsPerTick * 1.1 + 100_000)
        }
    }
}
