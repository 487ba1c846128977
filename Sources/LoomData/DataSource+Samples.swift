import LoomKernels

extension DataSource {
    /// Calls `body` with the samples `rows`, inputs (rows × features) and targets (rows × target columns), in memory of their
    /// own that lives as long as the call.
    /// - Throws: `DataError`, and what `body` throws.
    package func withSamples<Result>(
        _ rows: Range<Int>, _ body: (_ inputs: MatrixView<Double>, _ targets: MatrixView<Double>) throws -> Result
    ) throws -> Result {
        try withSampleMemory(rows: rows.count) { inputs, targets in
            try fill(rows, inputs, targets)
            return try body(inputs, targets)
        }
    }

    /// The same for one block of `blockRows` rows after the other, in the same memory.
    /// - Throws: `DataError`, and what `body` throws.
    package func forEachBlock(
        of rows: Range<Int>, blockRows: Int,
        _ body: (_ rows: Range<Int>, _ inputs: MatrixView<Double>, _ targets: MatrixView<Double>) throws -> Void
    ) throws {
        try withSampleMemory(rows: min(blockRows, rows.count)) { inputs, targets in
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows) {
                let block = start..<min(start + blockRows, rows.upperBound)
                let (inputs, targets) = (inputs.rows(0..<block.count), targets.rows(0..<block.count))
                try fill(block, inputs, targets)
                try body(block, inputs, targets)
            }
        }
    }

    private func withSampleMemory<Result>(
        rows: Int, _ body: (_ inputs: MatrixView<Double>, _ targets: MatrixView<Double>) throws -> Result
    ) throws -> Result {
        let (features, columns) = (featureCount, targetColumns.count)
        let numbers = AlignedBuffer<Double>(uninitializedCount: rows * (features + columns))
        defer { withExtendedLifetime(numbers) {} }
        return try body(
            MatrixView(pointer: numbers.pointer, rows: rows, columns: features, stride: features),
            MatrixView(pointer: numbers.pointer + rows * features, rows: rows, columns: columns, stride: columns))
    }

    private func fill(
        _ rows: Range<Int>, _ inputs: MatrixView<Double>, _ targets: MatrixView<Double>
    ) throws(DataError) {
        let numbers = Array(UInt64(rows.lowerBound)..<UInt64(rows.upperBound))
        try fill(rows: numbers[...], inputs: inputs, targets: targets.columns == 0 ? nil : targets)
    }
}
