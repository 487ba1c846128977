import Foundation
import LoomKernels

// Cells become numbers.
extension CSVSource {
    /// Calls `body` with a reader of the file's records.
    func withReader<Result>(_ body: (inout CSVRecordReader) throws(DataError) -> Result) throws(DataError) -> Result {
        try file.withBytes { bytes throws(DataError) in
            var reader = CSVRecordReader(bytes.bindMemory(to: UInt8.self), layout: layout)
            return try body(&reader)
        }
    }

    /// Goes to sample `row`, which must have as many cells as the first line.
    func read(_ row: Int, with reader: inout CSVRecordReader) throws(DataError) {
        reader.read(at: records.start(firstSample + row))
        guard reader.count == layout.columnCount, !reader.isMalformed else { throw malformed(row, reader) }
    }

    private func malformed(_ row: Int, _ reader: CSVRecordReader) -> DataError {
        if reader.isMalformed {
            return DataError(
                .badData, source: name, place: "\(place(row: row)), column \(reader.count + 1)",
                problem: "there is text after a closing quote",
                remedy: "quote the whole cell and double the quotes inside it (RFC 4180)")
        }
        return DataError(
            .badData, source: name, place: place(row: row),
            problem:
                "\(reader.count) cell\(reader.count == 1 ? "" : "s"), but the first line has \(layout.columnCount)",
            remedy: "give every line the same number of cells")
    }

    /// Writes the inputs of sample `row`, where the reader is.
    func parseInputs(
        _ row: Int, _ reader: CSVRecordReader, to values: UnsafeMutablePointer<Double>
    ) throws(DataError) {
        if !inputs.isPlain { values.update(repeating: 0, count: inputs.count) }
        var next = reader.numbers(of: inputs, from: 0, to: values)
        while next < inputs.numberColumns.count {
            let slot = Int(inputs.numberSlots[next])
            try parseNumber(row, reader[Int(inputs.numberColumns[next])], inputs.numberFeatures[next], values + slot)
            next = reader.numbers(of: inputs, from: next + 1, to: values)
        }
        // No copies of what threads share: each would be counted.
        for index in inputs.categories.indices {
            let cell = reader[layout.featureColumns[inputs.categories[index].feature]]
            let slot = inputs.categories[index].slot
            if let place = category(cell, index) {
                values[slot + place] = 1
            } else {
                try markMissing(row, cell, inputs.categories[index].feature, values + slot)
            }
        }
    }

    /// Writes the targets of sample `row`, where the reader is.
    func parseTargets(
        _ row: Int, _ reader: CSVRecordReader, to values: UnsafeMutablePointer<Double>
    ) throws(DataError) {
        for (target, column) in layout.targetColumns.enumerated() {
            values[target] = try targetValue(reader[column], row, column)
        }
    }

    /// Writes a number that is not in a simple form, or what stands for a missing one and the mark of it.
    private func parseNumber(
        _ row: Int, _ cell: CSVCells.Cell, _ feature: Int, _ values: UnsafeMutablePointer<Double>
    ) throws(DataError) {
        if let value = cell.number(point: layout.point), !(value.isNaN && missing != .refuse) {
            values[0] = value
            return
        }
        let column = layout.featureColumns[feature]
        guard missing != .refuse, CellKind(cell, point: layout.point) == .missing else {
            throw notANumber(cell, row, column, isFeature: true)
        }
        guard inputs.columns[feature].marksMissing else { throw unexpectedlyMissing(cell, row, column) }
        values[0] = inputs.columns[feature].mean ?? .nan
        values[1] = 1
    }

    private func category(_ cell: CSVCells.Cell, _ index: Int) -> Int? {
        cell.hasEscapes
            ? inputs.categories[index].categories.place(of: cell.text)
            : inputs.categories[index].categories.place(of: cell.trimmed)
    }

    /// Marks that a category is missing.
    private func markMissing(
        _ row: Int, _ cell: CSVCells.Cell, _ feature: Int, _ values: UnsafeMutablePointer<Double>
    ) throws(DataError) {
        let (column, known) = (layout.featureColumns[feature], inputs.columns[feature])
        guard CellKind.isMissingCategory(cell.trimmed) else {
            throw unknownCategory(cell, row, column, known.categories ?? [])
        }
        guard missing != .refuse else { throw missingCategory(cell, row, column) }
        guard known.marksMissing else { throw unexpectedlyMissing(cell, row, column) }
        values[known.inputCount - 1] = 1
    }

    private func targetValue(_ cell: CSVCells.Cell, _ row: Int, _ column: Int) throws(DataError) -> Double {
        guard let classIndices else {
            guard let value = cell.number(point: layout.point) else {
                throw notANumber(cell, row, column, isFeature: false)
            }
            return value
        }
        // As the label stands, which a model of texts with blanks around them knows; otherwise without blanks.
        guard
            let index = cell.hasEscapes
                ? classIndices.place(of: cell.text.trimmingCharacters(in: .whitespaces))
                : classIndices.place(of: cell.bytes) ?? classIndices.place(of: cell.trimmed)
        else {
            let names = targetColumns.classNames ?? []
            throw DataError(
                .badData, source: name, place: place(row, column),
                problem: "\(cell.shown) is none of the \(names.count) classes",
                remedy: "the classes are: \(NameList.text(names))")
        }
        return Double(index)
    }
}

// What is wrong with cells.
extension CSVSource {
    /// The line of a sample, and the number and name of a column of the file.
    func place(_ row: Int, _ column: Int) -> String {
        "\(place(row: row)), \(layout.place(column: column))"
    }

    func notANumber(_ cell: CSVCells.Cell, _ row: Int, _ column: Int, isFeature: Bool) -> DataError {
        let kind = cell.hasEscapes ? CellKind.word : CellKind(cell, point: layout.point)
        return DataError(
            .badData, source: name, place: place(row, column), problem: "\(cell.shown) is not a number",
            remedy: isFeature ? kind.featureRemedy : kind.remedy)
    }

    func missingCategory(_ cell: CSVCells.Cell, _ row: Int, _ column: Int) -> DataError {
        DataError(
            .badData, source: name, place: place(row, column), problem: "\(cell.shown) stands for a missing category",
            remedy: CellKind.missing.featureRemedy)
    }

    private func unexpectedlyMissing(_ cell: CSVCells.Cell, _ row: Int, _ column: Int) -> DataError {
        if missing == .drop {
            return DataError(
                .badData, source: name, place: place(row, column),
                problem: "\(cell.shown) stands for a missing value, which no prediction can be made from",
                remedy: "give the value or remove the line; lines are left out in training and evaluation only")
        }
        return DataError(
            .badData, source: name, place: place(row, column),
            problem: "\(cell.shown) stands for a missing value, but the column had none in the training data",
            remedy: "give the value, remove the line, or train on data in which values of the column are missing")
    }

    private func unknownCategory(
        _ cell: CSVCells.Cell, _ row: Int, _ column: Int, _ categories: [String]
    ) -> DataError {
        let count = categories.count
        return DataError(
            .badData, source: name, place: place(row, column),
            problem: "\(cell.shown) is none of the column's \(count) categor\(count == 1 ? "y" : "ies") in training",
            remedy: "correct the cell, remove the line, or train on data that have it; the categories are: "
                + NameList.text(categories))
    }
}
