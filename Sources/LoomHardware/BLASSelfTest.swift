import COpenBLAS
import Dispatch
import Foundation
import LoomKernels

/// Runs the same matrix products on several threads at a time and compares every bit with one thread's
/// result.
///
/// A serial OpenBLAS without locks shares its packing buffers between threads and returns wrong numbers
/// silently.
enum BLASSelfTest {
    /// C = A·B, row-major, A of rows × inner, B of inner × columns.
    typealias Multiply =
        @Sendable (
            _ shape: Shape, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
            _ c: UnsafeMutablePointer<Float>
        ) -> Void

    struct Shape: Sendable {
        var rows: Int
        var columns: Int
        var inner: Int
    }

    // One product on each side of OpenBLAS's small-matrix path (M·N·K ≤ 100³), which needs no shared buffer.
    private static let shapes = [
        Shape(rows: 48, columns: 64, inner: 40), Shape(rows: 96, columns: 160, inner: 144),
    ]
    private static let rounds = 8

    /// Whether `workers` concurrent callers all get the bits that one gets. OpenBLAS must be limited to one
    /// thread a call: products that it splits over threads of its own may differ in their last bits.
    static func passes(workers: Int, multiply: Multiply = multiplyWithBLAS) -> Bool {
        shapes.allSatisfy { passes($0, workers: workers, multiply: multiply) }
    }

    private static func passes(_ shape: Shape, workers: Int, multiply: Multiply) -> Bool {
        let a = AlignedBuffer((0..<shape.rows * shape.inner).map { pseudoRandom($0) })
        let b = AlignedBuffer((0..<shape.inner * shape.columns).map { pseudoRandom($0 + 1_000_003) })
        let expected = AlignedBuffer<Float>(count: shape.rows * shape.columns, repeating: 0)
        multiply(shape, a.pointer, b.pointer, expected.pointer)
        let results = (0..<workers).map { _ in AlignedBuffer<Float>(count: expected.count, repeating: .nan) }
        let mismatches = AlignedBuffer<Int>(count: workers, repeating: 0)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            for _ in 0..<rounds {
                let result = results[worker]
                multiply(shape, a.pointer, b.pointer, result.pointer)
                let bytes = expected.count * MemoryLayout<Float>.stride
                if memcmp(result.pointer, expected.pointer, bytes) != 0 { mismatches.pointer[worker] += 1 }
            }
        }
        return mismatches.elements.allSatisfy { $0 == 0 }
    }

    private static let multiplyWithBLAS: Multiply = { shape, a, b, c in
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(shape.rows), blasint(shape.columns),
            blasint(shape.inner), 1, a, blasint(shape.inner), b, blasint(shape.columns), 0, c,
            blasint(shape.columns))
    }

    /// Values in −1 … 1 from the bits of a multiplicative hash: no two rows are alike.
    private static func pseudoRandom(_ index: Int) -> Float {
        let hash = UInt32(truncatingIfNeeded: index) &* 2_654_435_761
        return Float(hash >> 8) / Float(1 << 23) - 1
    }
}
