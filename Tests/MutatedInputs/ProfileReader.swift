import Foundation
import LoomData
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomRuns

/// Profiles to compare, and the ceilings that are kept of a machine.
struct ProfileReader: InputReader {
    static let name = "profile"
    private static let (profile, ceilings) = ("p.json", "ceilings.json")
    private let directory: String
    private let good: Input
    private let key: CeilingCache.Key

    init(directory: String) throws {
        self.directory = directory
        key = CeilingCache.Key(
            try MachineSetup(workers: 1, policy: .none), instructions: .avx512, precision: .float32)
        let cache = CeilingCache(path: directory + "/made.json")
        cache.keep(CeilingCache.Figure(gflops: 100, otherWorkFraction: 0.01), for: key)
        good = Input([
            Self.profile: [UInt8](Self.text.utf8),
            Self.ceilings: [UInt8](try Data(contentsOf: URL(fileURLWithPath: cache.path))),
        ])
    }

    private static let text = """
        {"event":"profile","workers":2,"route":"partition","scaling_kind":"strong","scaling":[{"workers":1,\
        "samples_per_second_samples":[100,101,99,100]},{"workers":2,"samples_per_second_samples":[190,191,189,190]}],\
        "samples":{"step_seconds":[0.1,0.11,0.1,0.1],"operations":[{"kind":"forward","layer":"a","worker":0,\
        "seconds":[0.04,0.05,0.04]},{"kind":"wait","layer":null,"worker":1,"seconds":[0.01,0.01,0.02]}]},\
        "provenance":{"processor":"p","processor_model":"m","instruction_set":"avx2","network":"n","loss":"l",\
        "optimizer":"o","gemm":"builtin","batch":16,"precision":"float32"}}
        """

    var corpus: [CorpusEntry] {
        func entry(_ name: String, _ old: String, _ new: String, error: String?) -> CorpusEntry {
            var input = good
            input[Self.profile] = [UInt8](Self.text.replacing(old, with: new).utf8)
            return CorpusEntry(name, input, error: error)
        }
        return [
            CorpusEntry("good", good), entry("no workers", "\"workers\":2", "\"workers\":0", error: "below 1"),
            entry(
                "workers beyond 64 bits", "\"workers\":2", "\"workers\":9223372036854775808",
                error: "is missing or not what"),
            entry("a speed of 0", "[190,191,189,190]", "[0,0,0,0]", error: nil),
            entry("no speeds", "[190,191,189,190]", "[]", error: nil),
            entry("a speed that is no number", "190,", "\"NaN\",", error: nil),
            entry("lists in lists", "[0.1,", String(repeating: "[", count: 100_000), error: "cut off"),
            entry("another event", "\"profile\"", "\"epoch\"", error: "no profile"),
        ]
    }

    private static let tokens =
        [
            "\"", "{", "}", "[", "]", ",", ":", "null", "true", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "[]", "{}",
            "\"workers\":",
            "\"seconds\":", "\"format\":", "\"entries\":", "\\u0000", "\\ud800", "\u{0}",
        ] + Mutations.numbers

    func mutant(_ random: inout Random) -> Input {
        var input = good
        let name = random.once(in: 3) ? Self.ceilings : Self.profile
        for _ in 0...random.below(4) {
            var bytes = input[name]
            if random.once(in: 2) {
                Mutations.replaceNumber(&bytes, &random)
            } else {
                Mutations.change(&bytes, &random, tokens: Self.tokens, other: good[Self.profile])
            }
            input[name] = bytes
        }
        return input
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.profile
        let cache = CeilingCache(path: directory + "/" + Self.ceilings)
        if let figure = cache.figure(for: key) {
            try require(figure.gflops.isFinite && figure.gflops > 0, "a ceiling of \(figure.gflops)")
        }
        _ = cache.bandwidths(for: key)
        return try outcome(of: [path], types: [DataError.self]) {
            let record = try ProfileRecord(path: path)
            let comparison = ProfileComparison(before: [record, record], after: [record])
            for difference in comparison.differences { try require(!difference.text.isEmpty, "an empty sentence") }
            _ = comparison.outcome
        }
    }
}
