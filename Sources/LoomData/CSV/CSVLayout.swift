import Foundation

/// Which columns of a CSV file are features, which are targets, and what they are called.
struct CSVLayout: Sendable {
    /// The byte between cells.
    let separator: UInt8
    /// The byte before a number's fraction.
    let point: UInt8
    /// Whether the first record is a header.
    let hasHeader: Bool
    /// The header's names; nil without one.
    let names: [String]?
    /// The number of columns of the file.
    let columnCount: Int
    /// The column of each feature, counted from 0.
    let featureColumns: [Int]
    /// The column of each target, counted from 0.
    let targetColumns: [Int]
    /// The column of the samples' weights; nil: none.
    let weightColumn: Int?
    /// The column of the samples' groups; nil: none.
    let groupColumn: Int?

    /// Decides from the first record and the options. Throws when a referenced column doesn't exist or is used twice.
    init(firstRecord: UnsafeBufferPointer<UInt8>, options: CSVOptions, path: String) throws(DataError) {
        separator = try Self.separator(firstRecord, options: options)
        point = options.decimal.byte
        var cells = CSVCells(firstRecord, separator: separator)
        var texts: [String] = []
        var anyNumber = false
        var firstValue: Int?
        while let cell = cells.next() {
            anyNumber = anyNumber || cell.number(point: point) != nil
            if firstValue == nil, [.formattedNumber, .missing].contains(CellKind(cell, point: point)),
                !cell.bytes.isEmpty
            {
                firstValue = texts.count
            }
            texts.append(cell.text)
        }
        guard !cells.isMalformed else {
            throw DataError(
                .badData, source: path, place: "line 1", problem: "there is text after a closing quote",
                remedy: "quote the whole cell and double the quotes inside it (RFC 4180)")
        }
        switch options.header {
        case .automatic:
            if !anyNumber, let firstValue { throw Self.doubtfulHeader(texts[firstValue], firstValue, path: path) }
            hasHeader = !anyNumber
        case .present: hasHeader = true
        case .absent: hasHeader = false
        }
        names = hasHeader ? texts.map { $0.trimmingCharacters(in: .whitespaces) } : nil

        let columns = CSVColumnFinder(path: path, names: names, count: texts.count)
        guard options.label == nil || options.targets.isEmpty else {
            throw DataError(
                .badConfiguration, source: path, problem: "both a label column and target columns are given",
                remedy: "give one label column, or several target columns")
        }
        targetColumns = try columns.find(options.label.map { [$0] } ?? options.targets)
        weightColumn = try columns.find([options.weights].compactMap { $0 }).first
        groupColumn = try columns.find([options.groups].compactMap { $0 }).first
        let others = [weightColumn, groupColumn].compactMap { $0 }
        let ignored = try columns.find(options.ignored)
        if let features = options.features {
            featureColumns = try columns.find(features)
        } else {
            let used = Set(targetColumns + others + ignored)
            featureColumns = (0..<texts.count).filter { !used.contains($0) }
        }
        columnCount = texts.count
        let features = Set(featureColumns)
        for column in targetColumns where features.contains(column) {
            throw DataError(
                .badConfiguration, source: path, place: columns.place(column),
                problem: "the column is a feature and a target", remedy: "use it once")
        }
        if let column = weightColumn, features.contains(column) || targetColumns.contains(column) {
            throw DataError(
                .badConfiguration, source: path, place: columns.place(column),
                problem: "the column holds weights and is a \(features.contains(column) ? "feature" : "target")",
                remedy: "use it once")
        }
        try checkNames(used: features.union(targetColumns + others), path: path)
    }

    /// Refuses names that stand for several columns, of which one is used: the model's other data are found by name.
    private func checkNames(used: Set<Int>, path: String) throws(DataError) {
        guard let names else { return }
        var columns: [String: Int] = [:]
        for (column, name) in names.enumerated() {
            guard let earlier = columns.updateValue(column, forKey: name),
                used.contains(earlier) || used.contains(column)
            else { continue }
            throw DataError(
                .badData, source: path, place: "line 1",
                problem: name.isEmpty
                    ? "columns \(earlier + 1) and \(column + 1) have no name"
                    : "columns \(earlier + 1) and \(column + 1) are both called \"\(name)\"",
                remedy: "give every column that is used a name of its own, or ignore those columns by their numbers")
        }
    }

    private static func doubtfulHeader(_ text: String, _ column: Int, path: String) -> DataError {
        DataError(
            .badData, source: path, place: "line 1, column \(column + 1)",
            problem: "\"\(text)\" is neither a number nor likely to be a column's name",
            remedy: "write numbers with digits and a decimal point alone, or set data.csv.header to true or false")
    }

    /// A column's number, counted from 1 as lines are, and its name.
    func place(column: Int) -> String {
        guard let names else { return "column \(column + 1)" }
        return "column \(column + 1) (\(names[column]))"
    }

    /// The byte between cells: the chosen one, or the most frequent candidate in `record`.
    static func separator(
        _ record: UnsafeBufferPointer<UInt8>, options: CSVOptions
    ) throws(DataError) -> UInt8 {
        if let separator = options.separator {
            guard separator.utf8.count == 1, let byte = separator.utf8.first, byte != CSVRecords.quote,
                byte >= 0x20 || byte == UInt8(ascii: "\t"), !(0x30...0x39).contains(byte)
            else {
                throw DataError(
                    .badConfiguration, source: "data.csv.separator",
                    problem: "\"\(separator)\", expected one ASCII character that isn't a quote or a digit",
                    remedy: "use \",\", \";\" or \"\\t\"")
            }
            return byte
        }
        let isCommaDecimal = options.decimal == .comma
        var best = (count: 0, byte: isCommaDecimal ? UInt8(ascii: ";") : UInt8(ascii: ","))
        for candidate in [",", ";", "\t", "|"].compactMap(\.utf8.first)
        where !isCommaDecimal || candidate != UInt8(ascii: ",") {
            let count = CSVRecords.separators(record, candidate)
            if count > best.count { best = (count, candidate) }
        }
        return best.byte
    }
}

/// Turns references to columns into their numbers.
struct CSVColumnFinder {
    let path: String
    let names: [String]?
    let count: Int

    func find(_ references: [ColumnReference]) throws(DataError) -> [Int] {
        var found: [Int] = []
        for reference in references {
            let column = try find(reference)
            guard !found.contains(column) else {
                throw DataError(
                    .badConfiguration, source: path, place: place(column),
                    problem: "the column is given twice",
                    remedy: "use it once")
            }
            found.append(column)
        }
        return found
    }

    /// A column's number, counted from 1, and its name.
    func place(_ column: Int) -> String {
        "column \(column + 1)" + (names.map { " (\($0[column]))" } ?? "")
    }

    private func find(_ reference: ColumnReference) throws(DataError) -> Int {
        switch reference {
        case .index(let index):
            let column = index < 0 ? count + index : index
            guard (0..<count).contains(column) else {
                throw DataError(
                    .badData, source: path, problem: "there is no column \(index) among \(count) columns",
                    remedy: "columns are numbered 0 … \(count - 1), or −1 … −\(count) from the end")
            }
            return column
        case .name(let name):
            guard let names else {
                throw DataError(
                    .badData, source: path, place: "line 1",
                    problem:
                        "column \"\(name)\" can't be found: the first line has numbers, so it isn't a header",
                    remedy: "refer to the column by its number, counted from 0, or declare the header")
            }
            let matches = names.indices.filter { names[$0] == name }
            guard matches.count == 1 else {
                let problem = matches.isEmpty ? "there is no column" : "there are \(matches.count) columns"
                throw DataError(
                    .badData, source: path, place: "line 1", problem: "\(problem) \"\(name)\"",
                    remedy: "the columns are: \(NameList.text(names))")
            }
            return matches[0]
        }
    }
}
