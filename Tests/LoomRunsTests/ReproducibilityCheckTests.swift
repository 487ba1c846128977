import LoomConfiguration
import LoomKernels
import TestSupport
import Testing

@testable import LoomRuns

/// `gradloom check --reproducible` on real configurations, in processes of their own: it selects instructions, and those of a
/// process are those of all its tests.
@Suite struct ReproducibilityCheckTests {
    private static func check(
        _ path: String, overrides: [String] = [], steps: Int? = 6, corrupted: String? = nil
    ) throws -> ReproducibilityCheck {
        var options = ReproducibilityCheck.Options()
        options.steps = steps
        options.workers = 3
        options.corrupted = corrupted
        return try ReproducibilityCheck(SeedConfiguration.load(path: path, overrides: overrides), options: options)
    }

    private static let quickstart = ["data.synthetic.samples=1500", "data.validation=0"]

    @Test func allWaysHaveTheSameBits() async {
        await #expect(processExitsWith: .success) { try Self.allWays() }
    }

    private static func allWays() throws {
        let check = try Self.check("configs/quickstart.yaml", overrides: Self.quickstart + ["training.batch=256"])
        #expect(check.passed && check.steps == 6 && check.batch == 256)
        let done = check.rows.compactMap(\.done)
        #expect(check.rows.allSatisfy { $0.isSame == ($0.done == nil ? nil : true) })
        #expect(Set(done.map(\.parameterHash)).count == 1 && Set(done.map(\.lossBits)).count == 1)
        // Not the same thing again and again.
        #expect(Set(done.map(\.workers)) == [1, 2, 3])
        #expect(Set(done.map(\.route)).count == 4)
        #expect(Set(done.map(\.team)).isSuperset(of: ["alone", "fork_join"]))
        #expect(
            Set(done.map(\.instructionSet))
                == Set(InstructionSet.allCases.filter(\.isSupported).map(\.rawValue)))
        #expect(check.rows.contains { $0.way == "interrupted after step 3" && $0.done != nil })
        #expect(check.rows.contains { $0.way == "profiled" && $0.done != nil })
        // The instructions are what they were.
        #expect(InstructionSet.active.rawValue == done[0].instructionSet)
    }

    /// One weight of a layer is the next number, in all trainings but the first.
    @Test func anotherBitIsFound() async {
        await #expect(processExitsWith: .success) { try Self.anotherBit() }
    }

    private static func anotherBit() throws {
        let check = try Self.check("configs/digits.yaml", steps: 2, corrupted: "layer1")
        #expect(!check.passed && check.rows[0].isSame == true)
        #expect(check.rows.dropFirst().allSatisfy { $0.isSame != true })
        #expect(throws: (any Error).self) { try Self.check("configs/digits.yaml", steps: 1, corrupted: "layer7") }
    }

    /// Steps that were not done are not said to be compared.
    @Test func aTrainingThatDivergesIsComparedUntilThen() async {
        await #expect(processExitsWith: .success) { try Self.divergence() }
    }

    private static func divergence() throws {
        let check = try Self.check("configs/digits.yaml", overrides: ["optimizer.learning_rate=1e30"], steps: 50)
        let step = try #require(check.divergedStep)
        #expect(check.passed && step > 0 && check.steps == step && step < 50)
        #expect(throws: (any Error).self) {
            try Self.check("configs/xor.yaml", overrides: ["loss.l2=1e308", "training.precision=float64"], steps: 5)
        }
    }

    /// Trainings of another number of workers are not compared where they may differ.
    @Test func whatMayDifferIsNotCompared() async {
        await #expect(processExitsWith: .success) { try Self.whatMayDiffer() }
    }

    private static func whatMayDiffer() throws {
        let check = try Self.check(
            "configs/digits.yaml", overrides: ["parallel.reproducible=fixed_workers", "parallel.workers=2"], steps: 3)
        #expect(check.passed)
        #expect(check.rows.compactMap(\.done).allSatisfy { $0.workers == 2 })
        let blas = try Self.check("configs/digits.yaml", overrides: ["parallel.gemm=openblas"], steps: 3)
        #expect(blas.passed && blas.numerics == "openblas")
        #expect(!blas.rows.contains { $0.way.hasPrefix("route") })
    }

    /// No more steps than the training has, and one step is enough.
    @Test func asManyStepsAsThereAre() async {
        await #expect(processExitsWith: .success) { for steps in [1, 1000] { try Self.manySteps(steps) } }
    }

    private static func manySteps(_ steps: Int) throws {
        let check = try Self.check("configs/xor.yaml", overrides: ["training.epochs=7"], steps: steps)
        #expect(check.passed && check.steps == min(7, steps) && check.totalSteps == 7)
    }
}
