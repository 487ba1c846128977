import LoomKernels

// Columns that are neither inputs nor targets.
extension CSVSource {
    /// How much each sample counts in the loss, as a column says; nil: none does.
    /// - Throws: `DataError` for a cell that is no weight.
    public func sampleWeights() throws(DataError) -> [Double]? {
        guard let column = layout.weightColumn else { return nil }
        let weights = try cells(of: column, initial: 0.0) { cell, row throws(DataError) in
            guard let value = cell.number(point: layout.point) else {
                throw notANumber(cell, row, column, isFeature: false)
            }
            return value
        }
        try SampleColumns.check(weights, name: name) { place($0, column) }
        return weights
    }

    /// What samples belong together, as a column says: a number made from the cell's text; nil: none does.
    /// - Throws: `DataError` for a cell that is empty or stands for a missing value.
    package func sampleGroups() throws(DataError) -> [UInt64]? {
        guard let column = layout.groupColumn else { return nil }
        return try cells(of: column, initial: 0) { cell, row throws(DataError) in
            guard !CellKind.isMissingCategory(cell.trimmed) else {
                throw DataError(
                    .badData, source: name, place: place(row, column),
                    problem: "\(cell.shown) stands for a missing group", remedy: "give the group or remove the line")
            }
            return Self.hash(cell)
        }
    }

    /// FNV-1a (64 bits) of a cell's text, blanks around it left out: two of a million texts get one number once in
    /// 40 million files.
    private static func hash(_ cell: CSVCells.Cell) -> UInt64 {
        func sum(_ bytes: some Sequence<UInt8>) -> UInt64 {
            bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        return cell.hasEscapes ? sum(cell.text.utf8) : sum(cell.trimmed)
    }

    /// What `value` makes of every sample's cell in `column`.
    private func cells<Value: BitwiseCopyable & Sendable>(
        of column: Int, initial: Value,
        _ value: @Sendable (CSVCells.Cell, _ row: Int) throws(DataError) -> Value
    ) throws(DataError) -> [Value] {
        let values = AlignedBuffer<Value>(count: count, repeating: initial)
        try withoutActuallyEscaping(value) { value throws(DataError) in
            try ConcurrentBlocks.forEach(rowCount: count, by: ConcurrentBlocks.dispatch) { _, rows throws(DataError) in
                try withReader { reader throws(DataError) in
                    for row in rows {
                        try read(row, with: &reader)
                        values.pointer[row] = try value(reader[column], row)
                    }
                }
                release(rows)
            }
        }
        return values.array
    }
}
