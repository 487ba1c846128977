import Foundation
import LoomData
import LoomRuns

/// Samples of a synthetic task as a CSV file.
struct SampleTable {
    private let source: SyntheticSource

    /// Rows whose text is made at once: some MB.
    private let blockRows: Int

    init(_ source: SyntheticSource) {
        self.source = source
        blockRows = max(1, min(4096, (1 << 18) / (source.featureCount + source.targetColumns.count)))
    }

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
            let step = blockRows * together
            for start in stride(from: 0, to: source.count, by: step) {
                let end = min(start + step, source.count)
                for text in try texts(start..<end, blocks: together) {
                    try output.append(text)
                    bytes += text.utf8.count
                }
                progress(end, bytes)
            }
        }
        return bytes
    }

    private func texts(_ range: Range<Int>, blocks: Int) throws -> [String] {
        let texts = BlockTexts(count: blocks)
        DispatchQueue.concurrentPerform(iterations: blocks) { block in
            let first = min(range.lowerBound + block * blockRows, range.upperBound)
            let rows = first..<min(first + blockRows, range.upperBound)
            if !rows.isEmpty { texts.set(block, Result { try text(rows) }) }
        }
        return try texts.inOrder()
    }

    private func text(_ rows: Range<Int>) throws -> String {
        try source.withSamples(rows) { inputs, targets in
            var text = ""
            for row in 0..<rows.count {
                for column in 0..<inputs.columns { text += "\(Float(inputs[row, column]))," }
                for column in 0..<targets.columns {
                    let value = Float(targets[row, column])
                    text += source.description.classes == nil ? "\(value)" : "\(Int(value))"
                    text += column == targets.columns - 1 ? "\n" : ","
                }
            }
            return text
        }
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
