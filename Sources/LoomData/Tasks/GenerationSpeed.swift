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
            let memory = Piece(source)
            let (first, end) = (
                count / threads * thread, thread == threads - 1 ? count : count / threads * (thread + 1)
            )
            for start in stride(from: first, to: end, by: Self.pieceRows) {
                memory.make(start..<min(start + Self.pieceRows, end), source)
            }
        }
        seconds = max(1e-9, (ContinuousClock.now - start) / .seconds(1))
        rowsPerSecond = Double(count) / seconds
    }

    /// Where one thread's samples are made.
    private final class Piece {
        private let indices = AlignedBuffer<UInt64>(uninitializedCount: pieceRows)
        private let values: AlignedBuffer<Float>
        private let inputStride: Int

        init(_ source: SyntheticSource) {
            inputStride = Padding.stride(columns: source.featureCount, of: Float.self)
            values = AlignedBuffer(
                uninitializedCount: GenerationSpeed.pieceRows
                    * (source.task.scratchColumns + inputStride + source.targetColumns.count))
        }

        func make(_ range: Range<Int>, _ source: SyntheticSource) {
            for (place, row) in range.enumerated() { indices.pointer[place] = UInt64(row) }
            let inputs = values.pointer + GenerationSpeed.pieceRows * source.task.scratchColumns
            let columns = source.targetColumns.count
            source.task.make(
                TaskRows(
                    indices: indices.pointer,
                    inputs: MatrixView(
                        pointer: inputs, rows: range.count, columns: source.featureCount, stride: inputStride),
                    targets: MatrixView(
                        pointer: inputs + GenerationSpeed.pieceRows * inputStride, rows: range.count, columns: columns,
                        stride: columns), scratch: values.pointer))
        }
    }
}
