import CHardware
import LoomKernels
import LoomTraining

/// The same work on all workers, round after round, with a barrier after each: how long everybody took.
private struct TimedRounds: PhasedWork {
    let body: @Sendable (_ worker: Int, _ round: Int) -> Void
    /// Nanoseconds of every round, by worker.
    let times: [AlignedBuffer<UInt64>]
    var phaseCount: Int { 1 }

    func perform(phase: Int, step: Int, worker: Int) {
        let start = loom_monotonic_nanoseconds()
        body(worker, step)
        times[worker].pointer[step] = loom_monotonic_nanoseconds() - start
    }

    func endFirstPhase(step: Int) -> Bool { true }
}

extension WorkerTeam {
    /// Nanoseconds that each worker takes for each round of `body`: a list of rounds for each worker.
    func nanoseconds(rounds: Int, _ body: @escaping @Sendable (_ worker: Int, _ round: Int) -> Void) -> [[Double]] {
        let times = (0..<workers).map { _ in AlignedBuffer<UInt64>(count: rounds, repeating: 0) }
        _ = run(TimedRounds(body: body, times: times), steps: 0..<rounds)
        return times.map { $0.elements.map { Double(max(1, $0)) } }
    }
}

/// A loop in registers of about a millisecond.
struct RegisterLoop: Sendable {
    private let loop: loom_arithmetic_loop
    private let passes: UInt64
    /// Floating-point operations of one call.
    var operations: Double { Double(passes) * Double(loop.operations) }

    /// The loop of `instructions`; nil where there is none.
    init?(_ instructions: ArithmeticInstructions, _ precision: Precision) {
        guard let loop = instructions.loop(precision), let run = loop.run else { return nil }
        self.loop = loop
        let trial: UInt64 = 1000
        // The first calls bring the clock up; the fastest one is undisturbed.
        let nanoseconds = (0..<50).map { _ in
            let start = loom_monotonic_nanoseconds()
            run(trial)
            return loom_monotonic_nanoseconds() - start
        }.min()!
        passes = max(1, 1_000_000 * trial / max(1, nanoseconds))
    }

    func run() { loop.run?(passes) }
}

extension Noise {
    /// What rounds of identical work say: `nanoseconds` of every round, by worker.
    ///
    /// Each worker's rounds are held against its own median, so that a core that is always slower is no noise.
    init(nanoseconds: [[Double]]) {
        let medians = nanoseconds.map { PeakFigure(samples: $0).median }
        rounds = nanoseconds[0].count
        let slowest = (0..<rounds).map { round in
            zip(nanoseconds, medians).map { $0[round] / $1 }.max()!
        }
        guard let quantiles = Quantiles(slowest) else { preconditionFailure("noise needs at least one round") }
        milliseconds = PeakFigure(samples: medians).median * 1e-6
        p50 = quantiles.p50
        p99 = quantiles.p99
        mean = slowest.reduce(0, +) / Double(rounds)
    }
}
