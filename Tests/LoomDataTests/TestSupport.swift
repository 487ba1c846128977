import Foundation
import LoomKernels

@testable import LoomData

/// Writes `content` to a temporary file, calls `body` with its path, and removes it.
func withFile<Result>(
    _ content: Data, extension suffix: String = "csv", _ body: (String) throws -> Result
) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).\(suffix)")
        .path
    try content.write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// Writes `text` to a temporary file, calls `body` with its path, and removes it.
func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    try withFile(Data(text.utf8), body)
}

/// The error that `body` throws; nil when it throws none.
func dataError(_ body: () throws -> Void) -> DataError? {
    do {
        try body()
        return nil
    } catch {
        return error as? DataError
    }
}

/// A loop over blocks on one thread, from the last block to the first.
@Sendable func backwards(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    for block in (0..<count).reversed() {
        body(block)
    }
}

extension MatrixView {
    /// The rows as arrays.
    var nested: [[Scalar]] {
        (0..<rows).map { row in (0..<columns).map { self[row, $0] } }
    }
}

extension Dataset {
    /// The inputs as arrays, read while the data set is alive.
    var inputRows: [[Scalar]] {
        withExtendedLifetime(self) { inputs.nested }
    }

    /// The class indices; empty when the targets are values.
    var labels: [Int32] {
        guard case .labels(let buffer, _)? = targets else { return [] }
        return Array(buffer.elements)
    }

    /// The target values; empty when the targets are labels.
    var values: [[Scalar]] {
        guard case .values(let matrix)? = targets else { return [] }
        return withExtendedLifetime(self) { matrix.nested }
    }
}

/// A data set of inputs alone.
func dataset<Scalar>(_ inputs: [[Double]], as _: Scalar.Type = Double.self) throws -> Dataset<Scalar> {
    try Dataset(InlineSource(inputs: inputs), conversion: nil)
}
