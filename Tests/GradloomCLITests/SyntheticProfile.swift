import Foundation
import LoomHardware

@testable import GradloomCLI
@testable import LoomMeasurement

/// The profile of a machine that is not here: two packages with 32 cores each, of which 64 workers have one each. A step takes
/// what Amdahl's law says, its barriers grow, and the last worker has a little more to do.
struct SyntheticProfile {
    let topology: Topology
    let allowance: CPUAllowance
    let placement: Placement
    /// A name that has what HTML has.
    static let layer = "hidden <1> & \"2\""

    init() throws {
        topology = try Topology(
            synthetic: "pack:2 [numa(memory=137438953472)] l3:4(size=33554432) l2:8(size=1048576) core:1 pu:2")
        allowance = CPUAllowance(topology: topology)
        placement = try Placement.plan(topology: topology, allowance: allowance, workers: 64, policy: .spread)
    }

    var page: ProfilePage {
        get throws {
            let profile = ProfileMeasurement(
                scaling: .strong, counts: [1, 2, 4, 8, 16, 32, 64].map(Self.count), otherWorkFraction: 0.004,
                throttledSeconds: 0, operationsPerSample: 1e6, ceilingGflops: 64 * 90,
                roofs: Roofs(
                    arithmeticGflops: 90, l2GigabytesPerSecond: 61, l3GigabytesPerSecond: 24,
                    memoryGigabytesPerSecond: 5.5, l2Bytes: 1 << 20, l3Bytes: 4 << 20))
            var facts = ProfileFacts()
            facts.workers = 64
            facts.shares = ["wait": 0.31, "gather": 0.14]
            facts.stepSeconds = 40e-6
            (facts.batchRows, facts.configuredBatchRows) = (8192, 8192)
            facts.shardCount = 64
            facts.shardRows = 128
            return ProfilePage(
                ProfileReport(
                    profile: profile, scaling: ProfileScaling(profile), kinds: ProfileKinds(profile),
                    verdict: ProfileVerdict(facts), provenance: try Self.provenance(placement)),
                topology: topology, allowance: allowance, placement: placement)
        }
    }

    private static func provenance(_ placement: Placement) throws -> ProfileProvenance {
        let fields: [String: Any] = [
            "gradloom": "0.1.0", "date": "2026-01-02T03:04:05Z", "processor": "A processor <of none>",
            "processor_model": "None 1-2-3", "kernel": "Linux 6.1", "blas": "OpenBLAS 0.3.21, Zen", "gemm": "builtin",
            "instruction_set": "avx2", "allowed_cpus": Array(0..<128),
            "placement": (0..<64).map { worker in placement.assignments[worker].cpu },
            "command": ["gradloom", "profile", "it's.yaml", "--set", "training.batch=8192"],
            "configuration": "it's.yaml", "network": "512-256-10", "loss": "cross_entropy",
            "optimizer": "momentum", "batch": 8192, "precision": "float32",
        ]
        return try JSONDecoder().decode(
            ProfileProvenance.self, from: JSONSerialization.data(withJSONObject: fields))
    }

    /// Of 2.4 ms of one worker 40 µs are not shared; each doubling of the workers adds 3 µs of waiting.
    private static func count(_ workers: Int) -> ProfileMeasurement.Count {
        let entries = (0..<workers).flatMap { Self.entries(worker: $0, of: workers) }
        let seconds = entries.filter { $0.worker == 0 }.reduce(0) { $0 + $1.secondsPerStep }
        let speeds = (-7...7).map { 8192 / seconds * (1 + Double($0) / 400) }
        // A tail, without chance.
        let steps = (0..<4000).map { index -> Double in
            let jitter = 0.03 * Double(index % 17) / 17
            let delay = index % 331 == 0 ? Double(1 + index % 7) : 0
            return seconds * (1 + jitter + delay)
        }
        let profile = StepProfile(
            workers: workers, route: "reduce_scatter_all_gather", entries: entries, stepSeconds: steps,
            stepNumbers: Array(0..<4000), measuredSteps: 4000)
        let slow = steps.enumerated().map { step, seconds -> SlowSteps.Step in
            let isSlow = step % 331 == 0
            let events = SlowStep.Events(
                voluntarySwitches: 0, involuntarySwitches: isSlow ? 1 + step % 3 : 0, faults: 0, migrations: 0,
                notRunningSeconds: isSlow ? seconds * 0.8 : 0)
            return SlowSteps.Step(step: step, seconds: seconds, events: events, stolenSeconds: 0.02)
        }
        return ProfileMeasurement.Count(
            workers: workers, samplesPerSecond: speeds, stepSeconds: speeds.map { 8192 / $0 },
            speed: MedianEstimate(speeds)!, profile: profile, slowSteps: SlowSteps(slow), accountedFraction: 0.993,
            overheadFraction: 0.004, measuredEvery: 4, counters: Array(repeating: nil, count: workers),
            shardCount: 64, shardRows: 128, batchRows: 8192, teamMode: workers == 1 ? .alone : .gang,
            laps: laps(entries, workers: workers))
    }

    private struct Row {
        let kind: String
        let layer: String?
        let seconds, operations, bytes: Double

        init(_ kind: String, _ layer: String?, _ seconds: Double, _ operations: Double, _ bytes: Double) {
            self.kind = kind
            self.layer = layer
            (self.seconds, self.operations, self.bytes) = (seconds, operations, bytes)
        }
    }

    private static func entries(worker: Int, of workers: Int) -> [StepProfile.Entry] {
        let share = 1 / Double(workers)
        let more = worker == workers - 1 && workers > 1 ? 1.06 : 1
        let sum = workers > 1 ? 20e-6 : 0
        let shared: [Row] = [
            Row("gather", nil, 240e-6, 0, 17e6), Row("forward", layer, 700e-6 * more, 40e6, 6e6),
            Row("forward", "output", 120e-6, 4e6, 2e6), Row("loss", "output", 40e-6, 0, 3e5),
            Row("backward", "output", 130e-6, 4e6, 2.5e6), Row("gradient", layer, 760e-6 * more, 40e6, 7e6),
            Row("gradient", "output", 150e-6, 4e6, 2.2e6),
        ]
        var rows = shared.map { Row($0.kind, $0.layer, $0.seconds * share, $0.operations * share, $0.bytes * share) }
        rows.append(Row("sum", nil, sum, 0, 1e6))
        rows.append(Row("update", nil, 180e-6 * share + 20e-6, 0, 2e6 * share))
        let useful = rows.reduce(0) { $0 + $1.seconds }
        let longest = useful + (worker == workers - 1 ? 0 : 1460e-6 * share * 0.06)
        let barrier = 3e-6 * log2(Double(workers)) + 1e-6
        let step = longest + barrier
        rows.append(Row("wait", "samples", step - useful, 0, 0))
        return rows.map { row in
            StepProfile.Entry(
                kind: row.kind, layer: row.layer, worker: worker, secondsPerStep: row.seconds,
                share: row.seconds / step, operationsPerStep: row.operations, bytesPerStep: row.bytes,
                multiplies: row.operations > 0)
        }
    }

    /// Two ordinary steps, and one whose first forward operation takes five times as long on the third worker.
    private static func laps(_ entries: [StepProfile.Entry], workers: Int) -> ProfileLaps {
        ProfileLaps(
            workers: (0..<workers).map { worker in
                var laps: [ProfileLaps.Lap] = []
                for (step, start) in [(100, 0.0), (104, 2e-3), (108, 4e-3)] {
                    var time = start
                    func lap(_ name: String?) {
                        laps.append(.init(step: step, name: name, nanoseconds: UInt64(time * 1e9)))
                    }
                    lap(nil)
                    for entry in entries where entry.worker == worker && entry.secondsPerStep > 0 {
                        let isSlow = step == 108 && (worker == 2 ? entry.kind == "forward" : entry.kind == "wait")
                        time += entry.secondsPerStep * (isSlow ? 5 : 1)
                        lap(
                            [entry.kind, entry.kind == "wait" ? nil : entry.layer].compactMap { $0 }.joined(
                                separator: " "))
                    }
                }
                return laps
            })
    }
}
