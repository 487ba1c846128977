import LoomKernels
import LoomPlan
import LoomTraining

/// The speed of large matrix products with all workers of a team at once: what no training step can exceed.
public struct GemmCeiling: Sendable, Equatable {
    /// All workers together, in GFLOP/s.
    public let gflops: Double
    /// Whether the figure was measured earlier, and kept in a `CeilingCache`.
    public let isCached: Bool

    /// Products of 512 × 512 matrices: 2²⁷ multiplications a call, beyond any kernel for small matrices.
    static let shape = ProductShape(kind: .forward, rows: 512, columns: 512, inner: 512)

    init(gflops: Double, isCached: Bool) {
        self.gflops = gflops
        self.isCached = isCached
    }

    /// Measures OpenBLAS's products of 512 × 512 matrices on every worker of `team` at the same time, and keeps the best of five
    /// rounds of about 20 ms: what disturbs a round only makes it slower.
    public init<Scalar: LoomScalar>(_: Scalar.Type, team: WorkerTeam) {
        let probe = Probe.product(Self.shape, Scalar.self, provider: .openBLAS, team: team)
        self.init(gflops: Probe.measure([probe], rounds: 5, seconds: 0.02)[0].highest, isCached: false)
    }
}
