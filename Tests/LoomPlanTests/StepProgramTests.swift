import Foundation
import LoomKernels
import LoomModel
import Testing

@testable import LoomPlan

/// Programs of all routes, for few and for many workers: every sample and every parameter once, the same sum, and no two
/// workers at one place at a time.
@Suite struct StepProgramTests {
    struct Case: Sendable, CustomStringConvertible {
        let layers: [Int]
        let batchRows: Int
        var lastRows = 1
        var shardRows: Int?
        var groups: Int?
        var description: String {
            "\(layers), \(batchRows) and \(lastRows) samples, \(groups.map(String.init) ?? "auto") groups"
        }
    }

    static let cases = [
        Case(layers: [1, 1], batchRows: 1),
        Case(layers: [4, 9, 3], batchRows: 64, lastRows: 50, shardRows: 4),
        Case(layers: [7, 20, 5], batchRows: 96, lastRows: 40, shardRows: 3, groups: 8),
        Case(layers: [7, 20, 5], batchRows: 1100, lastRows: 600, shardRows: 40, groups: 2),
        Case(layers: [3, 17, 1], batchRows: 64, lastRows: 22, shardRows: 2, groups: 16),
        Case(layers: [20, 3], batchRows: 130, lastRows: 129, shardRows: 1, groups: 1),
        Case(layers: [4, 9, 3], batchRows: 5000, lastRows: 700, groups: 4),
    ]
    private static let isSoak = ProcessInfo.processInfo.environment["GRADLOOM_SOAK"] == "1"
    static let workerCounts =
        isSoak
        ? Array(1...20) + [64, 128] : [1, 2, 3, 4, 7, 9, 16, 128]
    static let traits = [
        UpdateTraits(isUniform: true, fitsProduct: true, hasPenalty: false, clips: false),
        UpdateTraits(isUniform: true, fitsProduct: false, hasPenalty: false, clips: false),
        UpdateTraits(isUniform: false, fitsProduct: false, hasPenalty: true, clips: false),
        UpdateTraits(isUniform: false, fitsProduct: false, hasPenalty: true, clips: true),
    ]

    static func shapes(_ layers: [Int]) throws -> StepShapes {
        let description = NetworkDescription(
            inputs: layers[0],
            layers: layers.dropFirst().enumerated().map { LayerDescription(name: "layer\($0)", units: $1) },
            output: .identity)
        return StepShapes(try Network<Float>(description))
    }

    @Test(arguments: cases, GradientRoute.allCases) func programs(planned: Case, route: GradientRoute) throws {
        let shapes = try Self.shapes(planned.layers)
        for workers in Self.workerCounts where Self.isTried(workers, with: planned) {
            // One update is enough for most numbers of workers.
            for update in workers < 4 ? Self.traits : [Self.traits[workers % 4]] {
                var planner = StepPlanner(
                    shapes: shapes, update: update, fullBatchRows: planned.batchRows,
                    request: StepRequest(
                        workers: workers, shardRows: planned.shardRows, groups: planned.groups, route: route,
                        gemmBackend: .builtin))
                let full = planner.program(batchRows: planned.batchRows)
                let last = planner.program(batchRows: planned.lastRows)
                for program in [full, last, planner.gradientProgram(batchRows: planned.batchRows)] {
                    check(program, shapes)
                }
                checkNextSteps([full, last, full, full], shapes)
            }
        }
    }

    /// The checks of large teams take as long as there are pairs of workers.
    private static func isTried(_ workers: Int, with planned: Case) -> Bool {
        if workers < 10 { return true }
        return planned.batchRows < 200 && (isSoak || planned.batchRows == 64)
    }

    /// Where products must not be cut, one worker takes the same routes as several.
    @Test(arguments: GradientRoute.allCases, [1, 2, 3]) func routesWithoutCuts(route: GradientRoute, workers: Int)
        throws
    {
        let shapes = try Self.shapes([3, 17, 1])
        for update in Self.traits {
            var planner = StepPlanner(
                shapes: shapes, update: update, fullBatchRows: 64,
                request: StepRequest(
                    workers: workers, shardRows: 2, groups: 2, route: route, sameBitsForAnyWorkers: false,
                    gemmBackend: .openBLAS))
            let program = planner.program(batchRows: 64)
            check(program, shapes)
            check(planner.gradientProgram(batchRows: 33), shapes)
            #expect(program.route == (route == .allReduce && update.isUniform ? .allReduce : .reduceScatter))
        }
    }

    private func check(_ program: StepProgram, _ shapes: StepShapes) {
        let simulator = ProgramSimulator(shapes: shapes, program: program, inOddStep: false)
        for phase in program.phases.indices {
            simulator.checkReads(phase: phase, against: simulator.writers(phase: phase))
        }
        simulator.checkResults()
        #expect(program.phases.allSatisfy { $0.operations.count == program.workers })
        #expect(program.recovery.count == program.workers)
        // Copies that hold gradients are made parameters again, all of them.
        if program.route == .reduceScatterAllGather {
            let copied = program.recovery.joined().flatMap { operation -> [Int] in
                guard case .copy(let part, let others) = operation else { return [] }
                #expect(others.count == program.workers - 1)
                return simulator.lines(part)
            }
            #expect(Set(copied).count == simulator.parameterCount && copied.count == simulator.parameterCount)
        }
    }

    /// Where the last phase has no barrier, others are in the first phase of the next step.
    private func checkNextSteps(_ steps: [StepProgram], _ shapes: StepShapes) {
        for (number, (step, next)) in zip(steps, steps.dropFirst()).enumerated() {
            guard let last = step.phases.last, !last.endsWithBarrier else { continue }
            let now = ProgramSimulator(shapes: shapes, program: step, inOddStep: !number.isMultiple(of: 2))
            let then = ProgramSimulator(shapes: shapes, program: next, inOddStep: number.isMultiple(of: 2))
            then.checkReads(phase: 0, against: now.writers(phase: step.phases.count - 1), alsoWrites: true)
            now.checkReads(phase: step.phases.count - 1, against: then.writers(phase: 0), alsoWrites: true)
        }
    }

    /// What decides about bits is the same for every number of workers, route and tuning.
    // The last case has two groups only because its gradients are not small beside its activations.
    @Test(arguments: cases + [Case(layers: [64, 64, 10], batchRows: 256)])
    func bitsFollowFromShapes(planned: Case) throws {
        let shapes = try Self.shapes(planned.layers)
        var tuning = StepTuning()
        (tuning.productOperationsPerNanosecond, tuning.secondLevelCacheBytes) = (1, 1000)
        (tuning.idleFraction, tuning.sharedGradientRatio, tuning.copiedParameterBytes) = (1, 100, 0)
        var facts = Set<String>()
        for workers in Self.workerCounts {
            for tuning in [tuning, StepTuning()] {
                for route in [nil] + GradientRoute.allCases.map({ $0 }) {
                    var planner = StepPlanner(
                        shapes: shapes, update: Self.traits[0], fullBatchRows: planned.batchRows,
                        request: StepRequest(
                            workers: workers, shardRows: planned.shardRows, groups: planned.groups, route: route,
                            gemmBackend: .builtin, tuning: tuning))
                    let program = planner.program(batchRows: planned.batchRows)
                    let fuses = program.phases[1].operations.joined().contains { $0.kind == .fusedUpdate }
                    facts.insert("\(program.sum) \(program.sliceCount) \(fuses)")
                }
            }
        }
        #expect(facts.count == 1, "\(facts)")
    }

    @Test func aProgramIsAValue() throws {
        var planner = StepPlanner(
            shapes: try Self.shapes([7, 20, 5]), update: Self.traits[3], fullBatchRows: 96,
            request: StepRequest(workers: 3, shardRows: 3, groups: 8, route: .reduceScatter, gemmBackend: .builtin))
        let program = planner.program(batchRows: 96)
        let decoded = try JSONDecoder().decode(StepProgram.self, from: JSONEncoder().encode(program))
        #expect(decoded == program)
        #expect(program != planner.program(batchRows: 95))
    }

    /// Of 8 workers, 6 of whom have samples: the first two and the last one of those at work.
    @Test func manyWorkersAreShownInPart() throws {
        let shapes = try Self.shapes([20, 3])
        var planner = StepPlanner(
            shapes: shapes, update: Self.traits[0], fullBatchRows: 12,
            request: StepRequest(workers: 8, shardRows: 2, route: .partition, gemmBackend: .builtin))
        let program = planner.program(batchRows: 12)
        func workers(_ text: String) -> [Substring] {
            text.split(separator: "parameters")[0].matches(of: /(?m)^  (worker \d|… \d more)/).map(\.1)
        }
        let all = (0..<6).map { Substring("worker \($0)") }
        #expect(workers(program.text(shapes)) == all && workers(program.text(shapes, mostWorkers: 6)) == all)
        #expect(
            workers(program.text(shapes, mostWorkers: 3)) == ["worker 0", "worker 1", "… 3 more", "worker 5"])
    }

    /// A deep network on many workers is planned in under a millisecond in a release build; a debug build has twenty times
    /// that.
    @Test func planningIsFast() throws {
        let shapes = try Self.shapes([1024, 2048, 2048, 2048, 256])
        let fastest = (0..<5).map { _ in
            ContinuousClock().measure {
                var planner = StepPlanner(
                    shapes: shapes, update: Self.traits[0], fullBatchRows: 512,
                    request: StepRequest(workers: 2, gemmBackend: .builtin))
                _ = planner.program(batchRows: 512)
            }
        }.min()!
        #expect(fastest < .milliseconds(20))
    }
}
