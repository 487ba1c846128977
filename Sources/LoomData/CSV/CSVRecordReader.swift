import CKernels
import LoomKernels

/// Cuts records into cells, one after the other: one reader for each thread.
struct CSVRecordReader {
    private let text: UnsafeBufferPointer<UInt8>
    private let layout: CSVLayout
    /// Where the record's cells end, as far as the layout has columns.
    private let ends: AlignedBuffer<Int>
    /// The record's cells, where some are quoted.
    private var quotedCells: [CSVCells.Cell] = []
    private var start = 0
    /// Whether some cells are quoted.
    private(set) var hasQuotes = false
    /// The number of cells.
    private(set) var count = 0
    /// Whether a closing quote was followed by something other than a separator.
    private(set) var isMalformed = false

    /// Reads records of `text`.
    init(_ text: UnsafeBufferPointer<UInt8>, layout: CSVLayout) {
        self.text = text
        self.layout = layout
        ends = AlignedBuffer(uninitializedCount: layout.columnCount)
    }

    /// Goes to the record that begins at `start`.
    mutating func read(at start: Int) {
        guard let base = text.baseAddress else { return }
        self.start = start
        let record = loom_split_record(
            base, start, text.count, layout.separator, ends.pointer, layout.columnCount)
        (count, hasQuotes, isMalformed) = (record.cells, record.has_quotes != 0, false)
        guard hasQuotes else { return }
        // Quotes inside a cell that does not begin with one are part of its text, and hide no separators.
        var cells = CSVCells(UnsafeBufferPointer(rebasing: text[start..<record.end]), separator: layout.separator)
        quotedCells.removeAll(keepingCapacity: true)
        while let cell = cells.next() { quotedCells.append(cell) }
        (count, isMalformed) = (quotedCells.count, cells.isMalformed)
    }

    /// The cell of a column that the record and the layout have.
    subscript(column: Int) -> CSVCells.Cell {
        if hasQuotes { return quotedCells[column] }
        let begin = column == 0 ? start : ends.pointer[column - 1] + 1
        return CSVCells.Cell(
            bytes: UnsafeBufferPointer(rebasing: text[begin..<ends.pointer[column]]), hasEscapes: false)
    }

    /// Writes the numbers in the columns of `inputs` to their slots in `values`, from `first` on, and returns the index of
    /// the first that is none in a simple form.
    func numbers(of inputs: CSVInputs, from first: Int, to values: UnsafeMutablePointer<Double>) -> Int {
        guard let base = text.baseAddress, !hasQuotes else { return first }
        return loom_parse_cells(
            base, start, text.count, ends.pointer, inputs.numberColumns, inputs.numberSlots, first,
            inputs.numberColumns.count, layout.point, values)
    }
}
