import Foundation
import LoomData
import Testing

@testable import LoomMeasurement

/// Profiles with known noise.
@Suite struct ProfileComparisonTests {
    private typealias Key = (kind: String, layer: String?)
    private static let forward: Key = ("forward", "hidden")

    /// A profile of 1 and 2 workers, whose samples scatter by 1 %.
    /// - Parameters:
    ///   - factor: How many times as long everything takes.
    ///   - slower: One operation takes so many times as long, and nothing else does.
    private static func profile(
        seed: UInt64, times factor: Double = 1, slower: (key: Key, times: Double)? = nil, regions: Int = 15,
        batch: Int = 128, optimizer: String = "sgd", workers: [Int] = [1, 2]
    ) throws -> ProfileRecord {
        var noise = SyntheticNoise(seed: seed)
        func samples(_ center: Double) -> [Double] { (0..<regions).map { _ in center * exp(0.01 * noise.normal()) } }
        let keys: [(key: Key, seconds: Double)] = [
            (("gather", nil), 1e-5), (forward, 4e-5), (("gradient", "hidden"), 4e-5), (("wait", "samples"), 3e-6),
        ]
        let operations: [[String: Any]] = workers.indices.flatMap { worker in
            keys.map { key, seconds in
                let isSlower = slower.map { $0.key.kind == key.kind && $0.key.layer == key.layer } ?? false
                return [
                    "kind": key.kind, "layer": key.layer ?? NSNull(), "worker": worker,
                    "seconds": samples(seconds * factor * (isSlower ? slower!.times : 1)),
                ]
            }
        }
        let object: [String: Any] = [
            "event": "profile", "workers": workers.last!, "route": "partition", "scaling_kind": "strong",
            "scaling": workers.map {
                ["workers": $0, "samples_per_second_samples": samples(1e6 * Double($0) / factor)] as [String: Any]
            },
            "samples": ["step_seconds": samples(1e-4 * factor), "operations": operations] as [String: Any],
            "provenance": [
                "processor": "a processor", "processor_model": "Maker 1-2-3", "instruction_set": "avx512",
                "network": "48-5", "loss": "cross_entropy", "optimizer": optimizer, "gemm": "builtin", "batch": batch,
                "precision": "float32",
            ] as [String: Any],
        ]
        let text = String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
        return try ProfileRecord(json: text, source: "a.json")
    }

    private static func profiles(_ seeds: Range<UInt64>, times factor: Double = 1) throws -> [ProfileRecord] {
        try seeds.map { try profile(seed: $0, times: factor) }
    }

    @Test func aFifthMoreTimeIsWorse() throws {
        let (before, after) = (try Self.profiles(1..<5), try Self.profiles(5..<9, times: 1.2))
        let comparison = ProfileComparison(before: before, after: after)
        #expect(comparison.outcome == .worse)
        #expect(comparison.speeds.map(\.workers) == [1, 2])
        for change in comparison.speeds.map(\.change) + [comparison.step!.change]
            + comparison.operations.map(\.time.change)
        {
            #expect(change.verdict == .worse)
            #expect(isClose(change.ratio?.median, 1.2, within: 0.02))
        }
        // Speeds fall where times grow.
        #expect(isClose(comparison.speeds[1].before, 2e6, within: 0.01))
        #expect(isClose(comparison.speeds[1].after, 2e6 / 1.2, within: 0.01))
        let back = ProfileComparison(before: after, after: before)
        #expect(back.outcome == .noWorse && back.speeds.allSatisfy { $0.change.verdict == .better })
        #expect(comparison.differences.isEmpty && comparison.smallestVisibleChange == nil)
    }

    @Test func theSameTwiceIsNotWorse() throws {
        let runs = try Self.profiles(1..<5)
        #expect(ProfileComparison(before: runs, after: runs).outcome == .noWorse)
        // One run of each leaves the noise between runs.
        let once = ProfileComparison(before: [runs[0]], after: [runs[0]])
        #expect(once.outcome == .cannotTell)
        let sure = ProfileComparison(before: [runs[0]], after: [runs[0]], rule: ChangeRule(runNoise: 0))
        #expect(sure.outcome == .noWorse)
    }

    @Test func fewSamplesTellNothing() throws {
        let (before, after) = (try Self.profile(seed: 1, regions: 3), try Self.profile(seed: 2, times: 2, regions: 3))
        let comparison = ProfileComparison(before: [before], after: [after], rule: ChangeRule(runNoise: 0))
        #expect(comparison.outcome == .cannotTell)
        let none = try Self.profile(seed: 1, regions: 0)
        let empty = ProfileComparison(before: [none], after: [none])
        #expect(empty.outcome == .cannotTell && empty.speeds[0].before == nil && empty.operations[0].time.before == nil)
    }

    /// One of two runs of each: 7 % · √(1/2 + 1/2) · 1.9623 on either side, beyond the 3 % that matter.
    @Test func theSmallestVisibleChangeIsThatOfTheRule() throws {
        let runs = try Self.profiles(1..<5)
        let two = ProfileComparison(before: Array(runs[..<2]), after: Array(runs[2...]))
        #expect(isClose(two.smallestVisibleChange, 1.03 * exp(0.07 * 1.9623) - 1, within: 1e-5))
        // What is slower by a little less is not worse, and by a little more it is.
        for (factor, outcome) in [(1.16, ProfileComparison.Outcome.cannotTell), (1.21, .worse)] {
            let slower = try Self.profiles(1..<3, times: factor)
            #expect(ProfileComparison(before: Array(runs[..<2]), after: slower).outcome == outcome)
        }
    }

    @Test func onlyTheSlowerOperationIsNamed() throws {
        let before = try Self.profiles(1..<5)
        let after = try (5..<9).map { try Self.profile(seed: $0, slower: (Self.forward, 1.3)) }
        let comparison = ProfileComparison(before: before, after: after)
        let named = comparison.operations.filter { $0.time.change.verdict != .unchanged }
        #expect(named.map(\.kind) == ["forward"] && named.map(\.layer) == ["hidden"])
        #expect(named.first?.time.change.verdict == .worse)
        #expect(isClose(named.first?.time.after, 5.2e-5, within: 0.01))
    }

    /// 1 and 3 µs on two workers, and 2 µs on one of them alone: 2 and 1 µs of each on average.
    @Test func operationsAreTheMeanOfAllWorkers() throws {
        let text = """
            {"event": "profile", "workers": 2, "route": "r", "scaling_kind": "strong", "scaling": [], "provenance":
            {"processor": "", "processor_model": "", "instruction_set": "", "network": "", "loss": "",
            "optimizer": "", "gemm": "", "batch": 1, "precision": ""},
            "samples": {"step_seconds": [], "operations": [
            {"kind": "sum", "layer": "a", "worker": 0, "seconds": [1e-6, 1e-6]},
            {"kind": "sum", "layer": "a", "worker": 1, "seconds": [3e-6, 3e-6, 9]},
            {"kind": "copy", "layer": null, "worker": 1, "seconds": [2e-6]}]}}
            """
        let record = try ProfileRecord(json: text, source: "a.json")
        let operations = ProfileComparison(before: [record], after: [record]).operations
        #expect(operations.map(\.kind) == ["sum", "copy"])
        #expect(isClose(operations[0].time.before, 2e-6) && isClose(operations[1].time.after, 1e-6))
    }

    @Test func differencesAreNamedWithBothValues() throws {
        let before = try Self.profile(seed: 1)
        let after = try [
            Self.profile(seed: 2, batch: 64), Self.profile(seed: 3, batch: 256, optimizer: "adam", workers: [1, 2, 4]),
        ]
        let comparison = ProfileComparison(before: [before], after: after)
        #expect(
            comparison.differences.map(\.text) == [
                "the profiles differ in optimizer: sgd before, sgd and adam after",
                "the profiles differ in batch: 128 before, 64 and 256 after",
                "the profiles differ in worker counts: 1, 2 before, 1, 2 and 1, 2, 4 after",
            ])
        // What all have is compared; a step of two workers and one of four are not.
        #expect(comparison.speeds.map(\.workers) == [1, 2])
        #expect(comparison.step == nil && comparison.operations.isEmpty)
        let other = try Self.profile(seed: 2, workers: [4])
        #expect(ProfileComparison(before: [before], after: [other]).outcome == .cannotTell)
    }

    private static let refusals: [(String, String)] = [
        ("", "is no JSON object"), ("[1, 2]", "is no JSON object"),
        ("{\"event\": \"profile\"", "is no whole JSON object: it may have been cut off"),
        (String(repeating: "[", count: 100_000), "is no JSON object"), ("{}", "holds no profile"),
        ("{\"event\": 7}", "holds no profile"),
        ("{\"event\": \"tuned\"}", "holds the event 'tuned', which is no profile"),
        ("{\"event\": \"profile\"}", "holds a profile without samples, which an earlier version wrote"),
        (
            "{\"event\": \"profile\", \"samples\": {}}",
            "the profile's workers is missing or not what a profile has there"
        ),
        (
            """
            {"event": "profile", "workers": 1, "route": "r", "scaling_kind": "strong", "scaling": [{"workers": 1,
            "samples_per_second_samples": [1, "x"]}], "samples": {}}
            """,
            "the profile's scaling.0.samples_per_second_samples.1 is missing or not what a profile has there"
        ),
        (
            """
            {"event": "profile", "workers": 0, "route": "r", "scaling_kind": "strong", "scaling": [], "provenance":
            {"processor": "", "processor_model": "", "instruction_set": "", "network": "", "loss": "",
            "optimizer": "", "gemm": "", "batch": 1, "precision": ""},
            "samples": {"step_seconds": [], "operations": []}}
            """,
            "the profile's number of workers is below 1"
        ),
    ]

    @Test(arguments: refusals) func otherFilesAreRefused(text: String, problem: String) throws {
        let error = try #require(throws: DataError.self) { try ProfileRecord(json: text, source: "b.json") }
        #expect(
            error.description
                == "b.json: \(problem); expected a file with the output of 'gradloom profile CONFIG --json'")
        #expect(error.category == .badData)
    }
}
