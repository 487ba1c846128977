import LoomKernels

/// Calls `body` with an uninitialised matrix without padding that lives as long as the call.
///
/// A view doesn't keep its buffer alive, and a local buffer may be freed after its last mention.
func withScratchMatrix<Result>(
    rows: Int, columns: Int, _ body: (MatrixView<Double>) throws(DataError) -> Result
) throws(DataError) -> Result {
    let buffer = AlignedBuffer<Double>(uninitializedCount: rows * columns)
    defer { withExtendedLifetime(buffer) {} }
    return try body(MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: columns))
}
