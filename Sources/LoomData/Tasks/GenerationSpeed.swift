import Dispatch
import Foundation
import LoomKernels

/// How fast the samples of a task are made, by all threads at once, and kept nowhere.
package struct GenerationSpeed: Sendable {
    /// Threads that made samples.
    package let threads: Int
    /// Seconds that it took.
    package let seconds: Double
    /// Samples made in a second.
    package let rowsPerSecond: Double

    /// Samples made at once: few enough to stay in a core's cache.
    private static let pieceRows = 128

    /// Makes all samples of `source` once.
    package init(_ source: SyntheticSource) {
        let threads = max(1, ProcessInfo.processInfo.activeProcessorCount)
        self.threads = threads
        let start = ContinuousClock.now
        let count = source.count
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            let indices = AlignedBuffer<UInt64>(uninitializedCount: Self.pieceRows)
            let memory = AlignedBuffer<Float>(
                uninitializedCount: Self.pieceRows * source.memoryColumns(includesInputs: true))
            defer { withExtendedLifetime((indices, memory)) {} }
            let (first, end) = (
                count / threads * thread, thread == threads - 1 ? count : count / threads * (thread + 1)
            )
            for start in stride(from: first, to: end, by: Self.pieceRows) {
                let rows = start..<min(start + Self.pieceRows, end)
                for (place, row) in rows.enumerated() { indices.pointer[place] = UInt64(row) }
                _ = source.make(indices.pointer, count: rows.count, memory: memory.pointer)
            }
        }
        seconds = max(1e-9, (ContinuousClock.now - start) / .seconds(1))
        rowsPerSecond = Double(count) / seconds
    }
}
