import LoomKernels

/// Samples in a CSV file (RFC 4180), one per record.
///
/// The file stays mapped and is parsed where and when its rows are wanted: no copy of the whole is made. The reader is
/// our own because errors must name lines and large files must load fast: SwiftCSV 0.10.0, the reader in common use,
/// read 11 MB/s of a file with 64 columns, where this one reads 140 MB/s, and it doesn't keep line numbers.
public struct CSVSource: DataSource {
    /// The file's path.
    public var name: String { file.path }
    /// The number of samples.
    public let count: Int
    /// The number of features.
    public var featureCount: Int { layout.featureColumns.count }
    /// The header's names of the feature columns.
    public var featureNames: [String]? {
        layout.names.map { names in layout.featureColumns.map { names[$0] } }
    }
    /// The detected form of the targets.
    public private(set) var targetColumns: TargetColumns
    /// What was detected: header, separator, classes.
    public private(set) var notes: [String] = []

    private let file: InputFile
    private let records: CSVRecords
    private let layout: CSVLayout
    private let firstSample: Int
    private var classIndices: [String: Int]?

    /// Opens the file at `path`, finds its records and parses the targets.
    ///
    /// Throws for a file that is missing or empty, columns that aren't there, and what is wrong with cells of targets;
    /// what is wrong with features is found when they are read.
    public init(path: String, options: CSVOptions = .init()) throws(DataError) {
        self = try CSVFile(path: path, options: options).source(options)
    }

    /// The samples of `opened`.
    ///
    /// Labels are texts where `options` names the classes, or where more of them are words than numbers; with
    /// `labelsAreNumbers`, every other text is a mistake.
    init(_ opened: CSVFile, options: CSVOptions, labelsAreNumbers: Bool) throws(DataError) {
        file = opened.file
        records = opened.records
        let layout = try opened.layout(options)
        self.layout = layout
        firstSample = layout.hasHeader ? 1 : 0
        count = records.starts.count - firstSample
        let targetNames = layout.names.map { names in layout.targetColumns.map { names[$0] } }
        targetColumns = TargetColumns(count: layout.targetColumns.count, names: targetNames, form: .none)
        try checkExtent()
        noteDetection(options)
        guard !layout.targetColumns.isEmpty else { return }
        if let names = options.label == nil ? nil : options.classNames {
            try readClasses(names)
        } else if options.label != nil, !labelsAreNumbers {
            try readLabels()
        } else {
            targetColumns.form = try TargetSummary.form(of: self)
        }
    }

    /// Reads labels that are numbers or texts.
    private mutating func readLabels() throws(DataError) {
        if try !firstLabelIsText() {
            do throws(DataError) {
                targetColumns.form = try TargetSummary.form(of: self)
                return
            } catch {
                // All but a few may be words.
                guard !labelCensus().isNumeric else { throw error }
            }
        }
        let census = labelCensus()
        if census.isNumeric, let record = census.firstText {
            throw textAmongNumbers(record, census)
        }
        let names = try collectClassNames()
        targetColumns.firstText = census.firstText.map {
            "\(place(row: $0)), \(layout.place(column: layout.targetColumns[0]))"
        }
        notes.append(Self.classNote(names))
        if let record = census.firstMissing, let label = label(record) {
            notes.append(
                "the label \(label.shown) (\(place(row: record))) is taken for a class, not for a missing value")
        }
        try readClasses(names)
    }

    private mutating func readClasses(_ names: [String]) throws(DataError) {
        classIndices = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
        targetColumns.classNames = names
        targetColumns.form = .classIndices(classes: names.count)
        _ = try TargetSummary.form(of: self)
    }

    /// The number of features of the file at `path`, from its first record alone.
    ///
    /// Throws for a file that is missing or empty, and columns that aren't there.
    package static func featureCount(path: String, options: CSVOptions) throws(DataError) -> Int {
        let file = try InputFile(path: path)
        return try file.withBytes { bytes throws(DataError) in
            let text = bytes.bindMemory(to: UInt8.self)
            // A first record that is longer is looked for in the whole file.
            var size = min(text.count, 1 << 16)
            while true {
                let beginning = UnsafeBufferPointer(rebasing: text[..<size])
                if let records = try? CSVRecords(beginning, path: path, options: options),
                    size == text.count || records.starts.count > 1
                {
                    let first = UnsafeBufferPointer(rebasing: beginning[records.starts[0]..<records.ends[0]])
                    return try CSVLayout(firstRecord: first, options: options, path: path).featureColumns.count
                }
                guard size < text.count else {
                    _ = try CSVRecords(beginning, path: path, options: options)
                    return 0
                }
                size = text.count
            }
        }
    }

    /// The line that the sample starts in, counted from 1.
    public func place(row: Int) -> String {
        "line \(records.lines[firstSample + row])"
    }

    /// The column's number in the file, counted from 1, and its name.
    public func place(feature: Int) -> String {
        layout.place(column: layout.featureColumns[feature])
    }

    /// Parses the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        try file.withBytes { bytes throws(DataError) in
            let text = bytes.bindMemory(to: UInt8.self)
            for (position, row) in rows.enumerated() {
                try parse(
                    Int(row), of: text,
                    features: inputs.map { $0.pointer + position * $0.stride },
                    targets: targets.map { $0.pointer + position * $0.stride })
            }
        }
        guard let first = rows.min(), let last = rows.max() else { return }
        file.release(records.starts[firstSample + Int(first)]..<records.ends[firstSample + Int(last)])
    }

    /// Where every record begins and ends, and its line.
    public var indexBytes: Int { 3 * records.starts.capacity * MemoryLayout<Int>.stride }
}

// MARK: Parsing

extension CSVSource {
    private func cells(_ row: Int, of text: UnsafeBufferPointer<UInt8>) -> CSVCells {
        let record = firstSample + row
        return CSVCells(
            UnsafeBufferPointer(rebasing: text[records.starts[record]..<records.ends[record]]),
            separator: layout.separator)
    }

    private func parse(
        _ row: Int, of text: UnsafeBufferPointer<UInt8>, features: UnsafeMutablePointer<Double>?,
        targets: UnsafeMutablePointer<Double>?
    ) throws(DataError) {
        var cells = cells(row, of: text)
        var column = 0
        while let cell = cells.next() {
            if column < layout.roles.count {
                switch layout.roles[column] {
                case .ignored:
                    break
                case .feature(let feature):
                    if let features {
                        guard let value = cell.number else { throw notANumber(cell, row, column) }
                        features[feature] = value
                    }
                case .target(let target):
                    if let targets { targets[target] = try targetValue(cell, row, column) }
                }
            }
            column += 1
        }
        if cells.isMalformed {
            throw DataError(
                .badData, source: name, place: "\(place(row: row)), column \(column + 1)",
                problem: "there is text after a closing quote",
                remedy: "quote the whole cell and double the quotes inside it (RFC 4180)")
        }
        guard column == layout.roles.count else {
            throw DataError(
                .badData, source: name, place: place(row: row),
                problem:
                    "\(column) cell\(column == 1 ? "" : "s"), but the first line has \(layout.roles.count)",
                remedy: "give every line the same number of cells")
        }
    }

    private func targetValue(_ cell: CSVCells.Cell, _ row: Int, _ column: Int) throws(DataError) -> Double {
        guard let classIndices else {
            guard let value = cell.number else { throw notANumber(cell, row, column) }
            return value
        }
        guard let index = classIndices[cell.text] else {
            throw DataError(
                .badData, source: name, place: "\(place(row: row)), \(layout.place(column: column))",
                problem: "\(cell.shown) is none of the \(classIndices.count) classes",
                remedy: "the classes are: \(Self.listed(targetColumns.classNames ?? []))")
        }
        return Double(index)
    }

    private func notANumber(_ cell: CSVCells.Cell, _ row: Int, _ column: Int) -> DataError {
        DataError(
            .badData, source: name, place: "\(place(row: row)), \(layout.place(column: column))",
            problem: "\(cell.shown) is not a number", remedy: CellKind(cell).remedy)
    }

    /// The error for the label of `row`, a text in a column of numbers.
    private func textAmongNumbers(_ row: Int, _ census: LabelCensus) -> DataError {
        let column = layout.targetColumns[0]
        guard let cell = label(row) else { preconditionFailure("only a cell can be a text") }
        var error = notANumber(cell, row, column)
        let others = census.numbers
        if others > 0 {
            error.problem += ", but \(others) of the column's \(count) cells \(others == 1 ? "is one" : "are")"
        }
        return error
    }
}

// MARK: Detection

extension CSVSource {
    private mutating func noteDetection(_ options: CSVOptions) {
        if options.header == .automatic {
            notes.append(
                layout.hasHeader
                    ? "line 1 has no numbers: taken as the header" : "line 1 has numbers: there is no header")
        }
        if options.separator == nil && layout.separator != UInt8(ascii: ",") {
            let separator =
                layout.separator == UInt8(ascii: "\t") ? "tab" : String(UnicodeScalar(layout.separator))
            notes.append("cells are separated by \(separator)")
        }
    }

    private func firstLabelIsText() throws(DataError) -> Bool {
        label(0).map { $0.number == nil } ?? false
    }

    private func labelCensus() -> LabelCensus {
        file.withBytes { bytes in
            let text = bytes.bindMemory(to: UInt8.self)
            var census = LabelCensus()
            for row in 0..<count {
                guard let cell = labelCell(row, of: text) else { continue }
                census.add(CellKind(cell), record: row)
            }
            return census
        }
    }

    /// The label of a record, whose bytes are valid as long as the file is open; nil when the record is too short.
    private func label(_ row: Int) -> CSVCells.Cell? {
        file.withBytes { bytes in labelCell(row, of: bytes.bindMemory(to: UInt8.self)) }
    }

    /// All texts of the label column, sorted.
    private func collectClassNames() throws(DataError) -> [String] {
        let names = try file.withBytes { bytes throws(DataError) in
            let text = bytes.bindMemory(to: UInt8.self)
            var names: Set<String> = []
            for row in 0..<count {
                guard let cell = labelCell(row, of: text) else { continue }
                let name = cell.text
                guard !name.allSatisfy(\.isWhitespace) else {
                    throw DataError(
                        .badData, source: self.name,
                        place: "\(place(row: row)), \(layout.place(column: layout.targetColumns[0]))",
                        problem: "the label is empty", remedy: "give the class or remove the line")
                }
                names.insert(name)
            }
            return names
        }
        return names.sorted()
    }

    /// The label of a record; nil when the record is too short.
    private func labelCell(_ row: Int, of text: UnsafeBufferPointer<UInt8>) -> CSVCells.Cell? {
        var cells = cells(row, of: text)
        for _ in 0..<layout.targetColumns[0] {
            _ = cells.next()
        }
        return cells.next()
    }

    private static func classNote(_ names: [String]) -> String {
        "\(names.count) classes, in this order: \(listed(names))"
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
    }
}
