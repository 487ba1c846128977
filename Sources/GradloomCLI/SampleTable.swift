import Foundation
import LoomData
import LoomKernels
import LoomRuns

/// Samples of a synthetic task as a CSV file.
struct SampleTable {
    private let source: SyntheticSource

    /// Rows whose text is made at once.
    private static let blockRows = 4096

    init(_ source: SyntheticSource) { self.source = source }

    /// The columns' names: x0, x1, … and label, or y0, y1, ….
    static func names(_ source: SyntheticSource) -> [String] {
        let targets =
            source.description.classes != nil ? ["label"] : (0..<source.targetColumns.count).map { "y\($0)" }
        return (0..<source.featureCount).map { "x\($0)" } + targets
    }

    /// Writes all samples; numbers have the fewest digits that read back to the same float32.
    /// - Parameter progress: Told how many rows and bytes are written.
    /// - Returns: The bytes written.
    func write(to file: OutputFile, progress: (_ rows: Int, _ bytes: Int) -> Void) throws -> Int {
        var bytes = 0
        try file.write { output in
            let header = Self.names(source).joined(separator: ",") + "\n"
            try output.append(header)
            bytes += header.utf8.count
            // As many blocks at a time as there are processors: their texts are made side by side.
            let together = ProcessInfo.processInfo.activeProcessorCount
            let step = Self.blockRows * together
            for start in stride(from: 0, to: source.count, by: step) {
                let end = min(start + step, source.count)
                for text in try Self.texts(source, start..<end, blocks: together) {
                    try output.append(text)
                    bytes += text.utf8.count
                }
                progress(end, bytes)
            }
        }
        return bytes
    }

    private static func texts(_ source: SyntheticSource, _ range: Range<Int>, blocks: Int) throws -> [String] {
        let texts = BlockTexts(count: blocks)
        DispatchQueue.concurrentPerform(iterations: blocks) { block in
            let first = min(range.lowerBound + block * blockRows, range.upperBound)
            let rows = first..<min(first + blockRows, range.upperBound)
            if !rows.isEmpty { texts.set(block, Result { try text(source, rows) }) }
        }
        return try texts.inOrder()
    }

    private static func text(_ source: SyntheticSource, _ rows: Range<Int>) throws -> String {
        let (features, columns) = (source.featureCount, source.targetColumns.count)
        let values = AlignedBuffer<Double>(uninitializedCount: rows.count * (features + columns))
        let inputs = MatrixView(pointer: values.pointer, rows: rows.count, columns: features, stride: features)
        let targets = MatrixView(
            pointer: values.pointer + rows.count * features, rows: rows.count, columns: columns, stride: columns)
        try source.fill(rows: rows.map { UInt64($0) }[...], inputs: inputs, targets: targets)
        var text = ""
        for row in 0..<rows.count {
            for column in 0..<features { text += "\(Float(inputs[row, column]))," }
            for column in 0..<columns {
                let value = Float(targets[row, column])
                text += source.description.classes == nil ? "\(value)" : "\(Int(value))"
                text += column == columns - 1 ? "\n" : ","
            }
        }
        return withExtendedLifetime(values) { text }
    }
}

/// Texts that several threads make.
private final class BlockTexts: @unchecked Sendable {
    // Sendable: every access to the stored property holds the lock.
    private let lock = NSLock()
    private var results: [Result<String, any Error>?]

    init(count: Int) { results = Array(repeating: nil, count: count) }

    func set(_ index: Int, _ result: Result<String, any Error>) { lock.withLock { results[index] = result } }

    func inOrder() throws -> [String] { try lock.withLock { try results.compactMap { try $0?.get() } } }
}
