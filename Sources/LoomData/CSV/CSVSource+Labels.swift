import Foundation
import LoomKernels

// What a label column holds.
extension CSVSource {
    /// Reads labels that are numbers or texts.
    mutating func readLabels() throws(DataError) {
        if try !firstLabelIsText() {
            do throws(DataError) {
                targetColumns.form = try TargetSummary.form(of: self)
                return
            } catch {
                // All but a few may be words.
                guard try !labelCensus().isNumeric else { throw error }
            }
        }
        let census = try labelCensus()
        if census.isNumeric, let record = census.firstText {
            throw try textAmongNumbers(record, census)
        }
        let names = try collectClassNames()
        targetColumns.firstText = census.firstText.map { place($0, layout.targetColumns[0]) }
        notes.append("\(names.count) classes, in this order: \(NameList.text(names))")
        if let record = census.firstMissing, let shown = try withLabel(record, { $0.shown }) {
            notes.append("the label \(shown) (\(place(row: record))) is taken for a class, not for a missing value")
        }
        try readClasses(names)
    }

    mutating func readClasses(_ names: [String]) throws(DataError) {
        classIndices = TextIndex(names)
        targetColumns.classNames = names
        targetColumns.form = .classIndices(classes: names.count)
        _ = try TargetSummary.form(of: self)
    }

    /// The error for the label of `row`, a text in a column of numbers.
    private func textAmongNumbers(_ row: Int, _ census: CellCensus) throws(DataError) -> DataError {
        let column = layout.targetColumns[0]
        let error = try withLabel(row) { notANumber($0, row, column, isFeature: false) }
        guard var error else { preconditionFailure("only a cell can be a text") }
        let others = census.numbers
        if others > 0 {
            error.problem += ", but \(others) of the column's \(count) cells \(others == 1 ? "is one" : "are")"
        }
        return error
    }

    private func firstLabelIsText() throws(DataError) -> Bool {
        try withLabel(0) { $0.number(point: layout.point) == nil } ?? false
    }

    private func labelCensus() throws(DataError) -> CellCensus {
        try labels(withNumbers: false).census
    }

    /// All texts of the label column, sorted.
    private func collectClassNames() throws(DataError) -> [String] {
        let texts = try labels(withNumbers: true).texts
        var firstEmpty: Int?
        texts.forEach { text, _, first in
            if String(decoding: text, as: UTF8.self).allSatisfy(\.isWhitespace) {
                firstEmpty = min(firstEmpty ?? first, first)
            }
        }
        if let firstEmpty {
            throw DataError(
                .badData, source: name, place: place(firstEmpty, layout.targetColumns[0]),
                problem: "the label is empty", remedy: "give the class or remove the line")
        }
        return Set(texts.texts).sorted()
    }

    /// What stands in the label column; records that are too short are left out.
    private func labels(withNumbers: Bool) throws(DataError) -> ColumnTexts {
        let result = Locked(ColumnTexts())
        let column = layout.targetColumns[0]
        try ConcurrentBlocks.forEach(rowCount: count, by: ConcurrentBlocks.dispatch) { _, rows throws(DataError) in
            var texts = ColumnTexts()
            try withReader { reader throws(DataError) in
                for row in rows {
                    reader.read(at: records.start(firstSample + row))
                    guard column < min(reader.count, layout.columnCount) else { continue }
                    texts.add(reader[column], row: row, point: layout.point, withNumbers: withNumbers)
                }
            }
            result.update { $0.merge(texts) }
        }
        return result.value
    }

    /// Calls `body` with the label of a sample; nil when its record is too short.
    private func withLabel<Result>(_ row: Int, _ body: (CSVCells.Cell) -> Result) throws(DataError) -> Result? {
        try withReader { reader throws(DataError) in
            reader.read(at: records.start(firstSample + row))
            let column = layout.targetColumns[0]
            return column < min(reader.count, layout.columnCount) ? body(reader[column]) : nil
        }
    }
}

/// The different texts in a column, and how many of its cells are numbers.
struct ColumnTexts: Sendable {
    private(set) var numbers = 0
    private(set) var texts = TextTable()

    /// Adds a cell of sample `row`; a number is counted only, unless `withNumbers`.
    mutating func add(_ cell: CSVCells.Cell, row: Int, point: UInt8, withNumbers: Bool) {
        if !withNumbers, let value = cell.number(point: point), !value.isNaN {
            numbers += 1
        } else if cell.hasEscapes {
            var text = cell.text.trimmingCharacters(in: .whitespaces)
            text.withUTF8 { texts.add($0, first: row) }
        } else {
            texts.add(cell.trimmed, first: row)
        }
    }

    mutating func merge(_ other: ColumnTexts) {
        numbers += other.numbers
        texts.merge(other.texts)
    }

    /// What the cells look like, if numbers were counted only.
    var census: CellCensus {
        var census = CellCensus()
        if numbers > 0 { census.add(.number, count: numbers, record: 0) }
        texts.forEach { text, count, first in
            census.add(CellKind(text: String(decoding: text, as: UTF8.self)), count: count, record: first)
        }
        return census
    }
}

/// A value that several threads change.
final class Locked<Value: Sendable>: @unchecked Sendable {
    // Sendable: every access to the stored property holds the lock.
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value { lock.withLock { stored } }

    func update(_ change: (inout Value) -> Void) {
        lock.withLock { change(&stored) }
    }
}
