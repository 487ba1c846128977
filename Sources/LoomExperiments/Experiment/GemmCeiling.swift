import LoomKernels
import LoomTraining

/// The speed of large matrix products with all workers of a team at once: what no training step can exceed.
public struct GemmCeiling: Sendable, Equatable {
    /// All workers together, in GFLOP/s.
    public let gflops: Double

    /// Measures products of 512 × 512 matrices, 2¹⁸ multiplications a call and larger than any small-matrix
    /// kernel, on every worker of `team` at the same time, and keeps the best of five rounds of about 20 ms.
    public init<Scalar: LoomScalar>(_: Scalar.Type, team: WorkerTeam) {
        let size = 512
        let operations = Gemm<Scalar>.operations(rows: size, columns: size, inner: size)
        let work = CeilingWork<Scalar>(workers: team.workers, size: size)
        var best = 0.0
        var products = 4
        for _ in 0..<5 {
            work.products = products
            let start = ContinuousClock.now
            _ = team.run(work, steps: 0..<1)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            best = max(best, Double(products * team.workers) * operations / seconds / 1e9)
            products = max(1, Int(0.02 / seconds * Double(products)))
        }
        gflops = best
    }
}

/// The same product again and again, on matrices of each worker's own.
private final class CeilingWork<Scalar: LoomScalar>: PhasedWork, @unchecked Sendable {
    // Sendable: `products` changes between regions only; every worker has matrices of its own.
    private let matrices: [AlignedBuffer<Scalar>]
    private let size: Int
    var products = 1
    let phaseCount = 1

    init(workers: Int, size: Int) {
        self.size = size
        // 0.5 throughout: no product overflows or becomes subnormal, and the speed does not depend on values.
        matrices = (0..<workers).map { _ in AlignedBuffer(count: 3 * size * size, repeating: 0.5) }
    }

    func perform(phase: Int, step: Int, worker: Int) {
        func matrix(_ index: Int) -> MatrixView<Scalar> {
            MatrixView(
                pointer: matrices[worker].pointer + index * size * size, rows: size, columns: size,
                stride: size)
        }
        for _ in 0..<products {
            Gemm.openBLAS.forward(matrix(0), weights: matrix(1), into: matrix(2))
        }
    }

    func continues(after step: Int) -> Bool { false }
}
