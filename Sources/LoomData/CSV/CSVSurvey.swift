import LoomKernels

/// What all samples of a CSV file say about its feature columns: which hold categories, and where values are missing.
struct CSVSurvey {
    /// The feature columns, without means.
    private(set) var columns: [CSVColumn]
    /// Whether each sample is left out; nil: none is.
    private(set) var isDropped: AlignedBuffer<Bool>?
    /// Says how many samples are left out; nil: none are.
    private(set) var leftOutNote: String?
    /// What was found, for the user.
    private(set) var notes: [String] = []

    /// What the samples of one or several blocks hold, by the index of the feature.
    private struct Findings: Sendable {
        var texts: [TextTable]
        var missing: [Int]
        var dropped = 0

        mutating func merge(_ other: Findings) {
            for feature in missing.indices {
                texts[feature].merge(other.texts[feature])
                missing[feature] += other.missing[feature]
            }
            dropped += other.dropped
        }
    }

    /// Looks at all samples of `source`. With `isKnown`, its columns are those of a model: only what is left out is new.
    init(of source: CSVSource, options: CSVOptions, isKnown: Bool) throws(DataError) {
        columns = source.inputs.columns
        if !isKnown {
            for feature in try Self.categoryFeatures(source, options.categories) { columns[feature].categories = [] }
        }
        let drops = options.missing == .drop && !source.isPredicted
        guard drops || !isKnown else { return }
        let marks = AlignedBuffer<Bool>(count: drops ? source.count : 0, repeating: false)
        let findings = try Self.findings(source, columns: columns, marks: drops ? marks : nil, isKnown: isKnown)
        if drops, findings.dropped > 0 {
            isDropped = marks
            leftOutNote =
                "\(findings.dropped) of \(source.count) samples are left out, because values are missing"
            guard findings.dropped < source.count else {
                throw DataError(
                    .badData, source: source.name, problem: "values are missing in every line",
                    remedy: "ignore the columns in which most are missing, or set data.csv.missing to mean")
            }
        }
        guard !isKnown else { return }
        try describe(findings, source: source, marksMissing: options.missing == .mean)
    }

    private mutating func describe(
        _ findings: Findings, source: CSVSource, marksMissing: Bool
    ) throws(DataError) {
        func name(_ feature: Int) -> String {
            let column = source.layout.featureColumns[feature]
            return source.layout.names?[column] ?? "column \(column + 1)"
        }
        for feature in columns.indices {
            if columns[feature].categories != nil {
                let names = Set(findings.texts[feature].texts).sorted()
                guard (1...CSVColumn.categoryLimit).contains(names.count) else {
                    throw Self.wrongNumber(
                        of: names,
                        place: source.layout.place(
                            column: source.layout.featureColumns[feature]), path: source.name)
                }
                columns[feature].categories = names
            }
            columns[feature].marksMissing = marksMissing && findings.missing[feature] > 0
        }
        let categorical = columns.indices.filter { columns[$0].categories != nil }
        if !categorical.isEmpty {
            let counts = categorical.map { "\(name($0)) (\(columns[$0].categories?.count ?? 0))" }
            notes.append("columns of categories, an input for each: \(NameList.text(counts))")
        }
        let marked = columns.indices.filter { columns[$0].marksMissing }
        if !marked.isEmpty {
            let counts = marked.map { "\(name($0)) (\(findings.missing[$0]))" }
            notes.append(
                "missing values are replaced by the mean of the training samples, and marked by an input for each column: "
                    + NameList.text(counts))
        }
    }

    private static func wrongNumber(of names: [String], place: String, path: String) -> DataError {
        guard !names.isEmpty else {
            return DataError(
                .badData, source: path, place: place, problem: "all categories are missing",
                remedy: "ignore the column")
        }
        return DataError(
            .badData, source: path, place: place,
            problem:
                "more than \(CSVColumn.categoryLimit) categories, such as \(NameList.text(Array(names.prefix(3))))",
            remedy: "ignore a column of identifiers or free text, or group its values first")
    }

    // MARK: Columns of categories

    /// The features that hold categories.
    private static func categoryFeatures(
        _ source: CSVSource, _ categories: CategoryColumns
    ) throws(DataError) -> [Int] {
        let layout = source.layout
        switch categories {
        case .none: return []
        case .columns(let references):
            let finder = CSVColumnFinder(path: source.name, names: layout.names, count: layout.columnCount)
            var features: [Int] = []
            for column in try finder.find(references) {
                guard let feature = layout.featureColumns.firstIndex(of: column) else {
                    throw DataError(
                        .badConfiguration, source: source.name, place: layout.place(column: column),
                        problem: "the column is listed in data.csv.categories, but is no feature",
                        remedy: "take it off the list, or use it as a feature")
                }
                features.append(feature)
            }
            return features
        case .automatic:
            let censuses = try censuses(source)
            return censuses.indices.filter { feature in
                let census = censuses[feature]
                // Days and times are no categories, though words to a label.
                return census.words > census.dates && !census.isNumeric
            }
        }
    }

    private static func censuses(_ source: CSVSource) throws(DataError) -> [CellCensus] {
        let features = source.layout.featureColumns
        let result = Locked([ColumnTexts](repeating: ColumnTexts(), count: features.count))
        try forEachBlock(source) { reader, rows throws(DataError) in
            var texts = [ColumnTexts](repeating: ColumnTexts(), count: features.count)
            for row in rows {
                try source.read(row, with: &reader)
                for (feature, column) in features.enumerated() {
                    texts[feature].add(reader[column], row: row, point: source.layout.point, withNumbers: false)
                }
            }
            result.update { all in
                for feature in features.indices { all[feature].merge(texts[feature]) }
            }
        }
        return result.value.map(\.census)
    }

    // MARK: Samples

    private static func forEachBlock(
        _ source: CSVSource,
        _ body: @escaping @Sendable (inout CSVRecordReader, Range<Int>) throws(DataError) -> Void
    ) throws(DataError) {
        try ConcurrentBlocks.forEach(rowCount: source.count, by: ConcurrentBlocks.dispatch) {
            _, rows throws(DataError) in
            try source.withReader { reader throws(DataError) in try body(&reader, rows) }
            source.release(rows)
        }
    }

    /// Categories and missing values of all samples; `marks` is told which are left out.
    private static func findings(
        _ source: CSVSource, columns: [CSVColumn], marks: AlignedBuffer<Bool>?, isKnown: Bool
    ) throws(DataError) -> Findings {
        let none = Findings(
            texts: [TextTable](
                repeating: TextTable(capacity: CSVColumn.categoryLimit + 1), count: columns.count),
            missing: [Int](repeating: 0, count: columns.count))
        let result = Locked(none)
        let row = SurveyedRow(source: source, columns: columns)
        try forEachBlock(source) { reader, rows throws(DataError) in
            var found = none
            let numbers = AlignedBuffer<Double>(uninitializedCount: row.source.inputs.count)
            for index in rows {
                try source.read(index, with: &reader)
                let missing = try row.missing(index, reader, scratch: numbers.pointer)
                if let marks, !missing.isEmpty || row.targetIsMissing(reader) {
                    marks.pointer[index] = true
                    found.dropped += 1
                    continue
                }
                for feature in missing { found.missing[feature] += 1 }
                guard !isKnown else { continue }
                for feature in row.categoryFeatures where !missing.contains(feature) {
                    row.add(reader[source.layout.featureColumns[feature]], to: &found.texts[feature])
                }
            }
            result.update { [found] in $0.merge(found) }
        }
        return result.value
    }
}

/// What a survey wants to know of a sample.
private struct SurveyedRow: Sendable {
    /// The source with plain inputs: all columns of numbers in the order of the features.
    let source: CSVSource
    let categoryFeatures: [Int]
    private let numbers: CSVInputs
    private let numberFeatures: [Int]

    init(source: CSVSource, columns: [CSVColumn]) {
        categoryFeatures = columns.indices.filter { columns[$0].categories != nil }
        numberFeatures = columns.indices.filter { columns[$0].categories == nil }
        let fileColumns = numberFeatures.map { source.layout.featureColumns[$0] }
        numbers = CSVInputs(numberFeatures.map { _ in CSVColumn() }, fileColumns: fileColumns)
        self.source = source
    }

    /// The features of sample `row`, where the reader is, whose values are missing.
    /// - Throws: `DataError` for a missing category where none may be.
    func missing(
        _ row: Int, _ reader: CSVRecordReader, scratch: UnsafeMutablePointer<Double>
    ) throws(DataError) -> [Int] {
        var missing: [Int] = []
        let layout = source.layout
        for feature in categoryFeatures {
            let cell = reader[layout.featureColumns[feature]]
            guard CellKind.isMissingCategory(cell.trimmed) else { continue }
            guard source.missing != .refuse else {
                throw source.missingCategory(cell, row, layout.featureColumns[feature])
            }
            missing.append(feature)
        }
        guard source.missing != .refuse else { return [] }
        var next = reader.numbers(of: numbers, from: 0, to: scratch)
        while next < numberFeatures.count {
            let cell = reader[Int(numbers.numberColumns[next])]
            // What is no number is refused when it is read as one.
            if CellKind(cell, point: layout.point) == .missing { missing.append(numberFeatures[next]) }
            next = reader.numbers(of: numbers, from: next + 1, to: scratch)
        }
        return missing
    }

    /// Whether a target is missing.
    func targetIsMissing(_ reader: CSVRecordReader) -> Bool {
        source.layout.targetColumns.contains { column in
            let cell = reader[column]
            guard cell.number(point: source.layout.point).map({ $0.isNaN }) ?? true else { return false }
            return CellKind(cell, point: source.layout.point) == .missing
        }
    }

    func add(_ cell: CSVCells.Cell, to texts: inout TextTable) {
        guard cell.hasEscapes else { return texts.add(cell.trimmed) }
        var text = cell.text
        text.withUTF8 { texts.add($0) }
    }
}
