import CHardware
import LoomKernels
import LoomPlan
import LoomTraining

/// What repeated measurements of one thing came to.
public struct PeakFigure: Sendable, Equatable {
    /// The middle one: what disturbs a few rounds does not move it.
    public let median: Double
    /// The smallest.
    public let lowest: Double
    /// The largest.
    public let highest: Double

    /// The figure of at least one sample.
    public init(samples: [Double]) {
        guard let sorted = SortedSamples(samples) else { preconditionFailure("a figure needs at least one sample") }
        median = sorted.median
        lowest = sorted.values[0]
        highest = sorted.values[sorted.values.count - 1]
    }
}

/// Something that can be done again and again and timed.
struct Probe {
    /// The seconds that so many repetitions take.
    let seconds: (_ repetitions: Int) -> Double
    /// The figure that the seconds of one repetition stand for.
    let figure: (_ secondsPerRepetition: Double) -> Double

    /// Measures all `probes` in turn, `rounds` times, so that a machine that gets slower is slower for all of them.
    ///
    /// Before the rounds each probe runs until it knows how often it fits into `seconds`, which also warms caches and
    /// clocks up.
    static func measure(_ probes: [Probe], rounds: Int, seconds: Double) -> [PeakFigure] {
        let repetitions = probes.map { $0.repetitions(inSeconds: seconds) }
        var samples = probes.map { _ in [Double]() }
        for _ in 0..<rounds {
            for (index, probe) in probes.enumerated() {
                let count = repetitions[index]
                samples[index].append(probe.figure(probe.seconds(count) / Double(count)))
            }
        }
        return samples.map { PeakFigure(samples: $0) }
    }

    func repetitions(inSeconds wanted: Double) -> Int {
        var count = 1
        var elapsed = seconds(count)
        while elapsed < wanted / 2 {
            count *= elapsed < wanted / 64 ? 16 : 2
            elapsed = seconds(count)
        }
        return max(1, Int((wanted / elapsed * Double(count)).rounded()))
    }
}

/// One timed call for each worker, all at the same time: a first phase without work brings them together.
private struct TimedOnce: PhasedWork {
    let body: @Sendable (_ worker: Int) -> Void
    /// The clock at each worker's start and end, each worker's on a cache line of its own.
    let moments: AlignedBuffer<UInt64>
    static let momentsPerWorker = 8
    var phaseCount: Int { 2 }

    func perform(phase: Int, step: Int, worker: Int) {
        guard phase == 1 else { return }
        let own = moments.pointer + worker * Self.momentsPerWorker
        own[0] = loom_monotonic_nanoseconds()
        body(worker)
        own[1] = loom_monotonic_nanoseconds()
    }

    func endFirstPhase(step: Int) -> Bool { false }
}

/// Steps without work: only the cost of their ends remains.
struct EmptySteps: PhasedWork {
    var phaseCount: Int { 1 }
    func perform(phase: Int, step: Int, worker: Int) {}
    func endFirstPhase(step: Int) -> Bool { true }
}

/// Keeps a processor busy for a while.
func spin(nanoseconds: UInt64) {
    let start = loom_monotonic_nanoseconds()
    while loom_monotonic_nanoseconds() - start < nanoseconds { loom_spin_pause() }
}

/// Steps in which every worker is busy for a given time. Without work, the thread that forks has done everybody's part
/// before another one wakes up, and a fork looks fifty times as cheap as it is.
struct BusySteps: PhasedWork {
    let nanoseconds: UInt64
    var phaseCount: Int { 1 }

    func perform(phase: Int, step: Int, worker: Int) { spin(nanoseconds: nanoseconds) }

    func endFirstPhase(step: Int) -> Bool { true }
}

extension WorkerTeam {
    /// The seconds from the start of the first worker to the end of the last: what it takes to begin and to end a region
    /// does not count.
    func seconds(_ body: @escaping @Sendable (_ worker: Int) -> Void) -> Double {
        let stride = TimedOnce.momentsPerWorker
        let moments = AlignedBuffer<UInt64>(count: workers * stride, repeating: 0)
        _ = run(TimedOnce(body: body, moments: moments), steps: 0..<1)
        let starts = (0..<workers).map { moments.pointer[$0 * stride] }
        let ends = (0..<workers).map { moments.pointer[$0 * stride + 1] }
        return Double(max(1, ends.max()! - starts.min()!)) * 1e-9
    }

    func seconds(of work: some PhasedWork, steps: Int) -> Double {
        let start = ContinuousClock.now
        _ = run(work, steps: 0..<steps)
        return (ContinuousClock.now - start) / .seconds(1)
    }
}

// MARK: Products

extension Probe {
    /// The speed of one product, called by every worker at the same time on matrices of its own: GFLOP/s of all workers
    /// together.
    ///
    /// All elements are `value`. 0.5: no product overflows or becomes subnormal, and the speed does not depend on values.
    /// Each worker has `floatingPointMode` meanwhile, unless it is nil.
    static func product<Scalar: LoomScalar>(
        _ shape: GemmShape, _: Scalar.Type, provider: GemmBackend, team: WorkerTeam, filledWith value: Scalar = 0.5,
        floatingPointMode mode: UInt64? = nil
    ) -> Probe {
        let prepared = AlignedBuffer<PreparedGemm<Scalar>>([provider.prepare(shape)])
        let memory = GemmMemory<Scalar>(backend: provider, workers: team.workers)
        let operands = (0..<team.workers).map { _ in ProductOperands<Scalar>(shape) }
        // By the worker that will use them: their pages then lie on its NUMA node.
        _ = team.seconds { operands[$0].fill(value) }
        return Probe(
            seconds: { repetitions in
                withExtendedLifetime((memory, prepared)) {
                    team.seconds {
                        let before = loom_floating_point_mode()
                        if let mode { loom_set_floating_point_mode(mode) }
                        operands[$0].multiply(
                            UnsafePointer(prepared.pointer), scratch: memory.gemms[$0].scratch, times: repetitions)
                        if mode != nil { loom_set_floating_point_mode(before) }
                    }
                }
            },
            figure: { [workers = team.workers] in Double(workers) * shape.operations / $0 / 1e9 })
    }
}

/// The matrices of one product.
private final class ProductOperands<Scalar: LoomScalar>: Sendable {
    private let buffers: [AlignedBuffer<Scalar>]
    private let left: MatrixView<Scalar>
    private let right: MatrixView<Scalar>
    private let result: MatrixView<Scalar>

    init(_ shape: GemmShape) {
        func matrix(_ rows: Int, _ columns: Int, stride: Int) -> (AlignedBuffer<Scalar>, MatrixView<Scalar>) {
            // A block of columns of a wider matrix ends before the stride does: whole rows are the simplest.
            let buffer = AlignedBuffer<Scalar>(uninitializedCount: rows * stride)
            return (buffer, MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride))
        }
        let (rows, columns, inner) = (shape.rows, shape.columns, shape.inner)
        let ofLeft = shape.left.isTransposed ? (inner, rows) : (rows, inner)
        let ofRight = shape.right.isTransposed ? (columns, inner) : (inner, columns)
        let (leftBuffer, left) = matrix(ofLeft.0, ofLeft.1, stride: shape.left.stride)
        let (rightBuffer, right) = matrix(ofRight.0, ofRight.1, stride: shape.right.stride)
        let (resultBuffer, result) = matrix(rows, columns, stride: shape.resultStride)
        self.left = left
        self.right = right
        self.result = result
        buffers = [leftBuffer, rightBuffer, resultBuffer]
    }

    func fill(_ value: Scalar) {
        for buffer in buffers { buffer.elements.initialize(repeating: value) }
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func multiply(_ product: UnsafePointer<PreparedGemm<Scalar>>, scratch: UnsafeMutableRawPointer?, times: Int) {
        for _ in 0..<times { product.run(left, right, into: result, scratch: scratch) }
    }
}
