import LoomKernels

/// Samples in a CSV file (RFC 4180), one per record.
///
/// The file stays mapped and is parsed where and when its rows are wanted: no copy of the whole is made. The reader is
/// our own because errors must name lines, and large files must load fast: Benchmarks/readers compares it with others.
public struct CSVSource: DataSource {
    /// The file's path.
    public var name: String { file.path }
    /// The number of samples.
    public private(set) var count: Int
    /// The number of features, which are a network's inputs: several for a column of categories.
    public var featureCount: Int { inputs.count }
    /// The names of the features, after the header's names of their columns.
    public var featureNames: [String]? {
        layout.names.map { names in
            zip(inputs.columns, layout.featureColumns).flatMap { $0.inputNames(column: names[$1]) }
        }
    }
    /// How the feature columns become inputs, for files that are read alike later; nil: each is one number.
    public var columns: [CSVColumn]? {
        guard !inputs.isPlain else { return nil }
        return zip(inputs.columns, layout.featureColumns).map { column, number in
            var column = column
            column.name = layout.names?[number]
            return column
        }
    }
    /// The detected form of the targets.
    public internal(set) var targetColumns: TargetColumns
    /// What was detected: header, separator, categories, classes.
    public internal(set) var notes: [String] = []

    /// Says how many samples are left out, because values are missing; nil: none are.
    public private(set) var leftOutNote: String?

    let file: InputFile
    private(set) var records: CSVRecords
    let layout: CSVLayout
    let firstSample: Int
    let missing: MissingValues
    let isPredicted: Bool
    /// How feature columns become inputs.
    private(set) var inputs: CSVInputs
    var classIndices: TextIndex?

    /// Opens the file at `path`, finds its records and parses the targets.
    ///
    /// Throws for a file that is missing or empty, columns that aren't there, and what is wrong with cells of targets;
    /// what is wrong with features is found when they are read, or where categories or missing values are looked for, now.
    public init(path: String, options: CSVOptions = .init()) throws(DataError) {
        self = try CSVFile(path: path, options: options).source(options)
    }

    /// The samples of `opened`.
    ///
    /// Labels are texts where `options` names the classes, or where more of them are words than numbers; with
    /// `labelsAreNumbers`, every other text is a mistake. Feature columns become inputs as those `known` did; where nothing
    /// is known, as the options and the file say.
    init(
        _ opened: CSVFile, options: CSVOptions, labelsAreNumbers: Bool, known: [CSVColumn]?, isPredicted: Bool
    ) throws(DataError) {
        file = opened.file
        records = opened.records
        let layout = try opened.layout(options)
        self.layout = layout
        firstSample = layout.hasHeader ? 1 : 0
        missing = options.missing
        self.isPredicted = isPredicted
        count = records.count - firstSample
        let targetNames = layout.names.map { names in layout.targetColumns.map { names[$0] } }
        targetColumns = TargetColumns(count: layout.targetColumns.count, names: targetNames, form: .none)
        if let known, known.count != layout.featureColumns.count {
            throw Self.otherColumns(layout.featureColumns.count, known: known.count, path: opened.file.path)
        }
        let plain = layout.featureColumns.map { CSVColumn(name: layout.names?[$0]) }
        inputs = CSVInputs(known ?? plain, fileColumns: layout.featureColumns)
        try checkExtent()
        noteDetection(options)
        if options.needsSurvey { try survey(options, isKnown: known != nil) }
        guard !layout.targetColumns.isEmpty else { return }
        if let names = options.label == nil ? nil : options.classNames {
            try readClasses(names)
        } else if options.label != nil, !labelsAreNumbers {
            try readLabels()
        } else {
            targetColumns.form = try TargetSummary.form(of: self)
        }
    }

    /// Looks at all samples: which are left out, and what feature columns hold that a model does not know.
    private mutating func survey(_ options: CSVOptions, isKnown: Bool) throws(DataError) {
        let survey = try CSVSurvey(of: self, options: options, isKnown: isKnown)
        if !isKnown { inputs = CSVInputs(survey.columns, fileColumns: layout.featureColumns) }
        leftOutNote = survey.leftOutNote
        notes += [survey.leftOutNote].compactMap { $0 } + survey.notes
        guard let isDropped = survey.isDropped else { return }
        let firstSample = firstSample
        records.keep { $0 < firstSample || !isDropped.pointer[$0 - firstSample] }
        count = records.count - firstSample
    }

    /// The source with the means of `columns`, which are its own but for them, in the place of missing numbers; nil: none.
    package func replacingMissing(by columns: [CSVColumn]?) -> CSVSource {
        guard let columns else { return self }
        var source = self
        source.inputs = CSVInputs(columns, fileColumns: layout.featureColumns)
        return source
    }

    private static func otherColumns(_ count: Int, known: Int, path: String) -> DataError {
        DataError(
            .badData, source: path,
            problem: "\(count) feature column\(count == 1 ? "" : "s"), but the model was trained on \(known)",
            remedy: "give the same features as in training, in the same order")
    }

    /// The number of features of the file at `path`: from its first record alone, unless categories or missing values have
    /// to be looked for.
    ///
    /// Throws for a file that is missing or empty, and columns that aren't there.
    package static func featureCount(path: String, options: CSVOptions) throws(DataError) -> Int {
        if options.needsSurvey { return try CSVSource(path: path, options: options).featureCount }
        let file = try InputFile(path: path)
        return try file.withBytes { bytes throws(DataError) in
            let text = bytes.bindMemory(to: UInt8.self)
            // A first record that is longer is looked for in the whole file.
            var size = min(text.count, 1 << 16)
            while true {
                let beginning = UnsafeBufferPointer(rebasing: text[..<size])
                if let records = try? CSVRecords(beginning, path: path, options: options),
                    size == text.count || records.count > 1
                {
                    let first = UnsafeBufferPointer(
                        rebasing: beginning[records.start(0)..<records.end(of: 0, in: beginning)])
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
        file.withBytes { bytes in
            let line = CSVRecords.line(of: records.start(firstSample + row), in: bytes.bindMemory(to: UInt8.self))
            return "line \(line)"
        }
    }

    /// The column's number in the file, counted from 1, and its name.
    public func place(feature: Int) -> String {
        layout.place(column: layout.featureColumns[inputs.features[feature]])
    }

    /// Parses the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        try withReader { reader throws(DataError) in
            for (position, row) in rows.enumerated() {
                try read(Int(row), with: &reader)
                if let inputs { try parseInputs(Int(row), reader, to: inputs.pointer + position * inputs.stride) }
                if let targets { try parseTargets(Int(row), reader, to: targets.pointer + position * targets.stride) }
            }
        }
        guard let first = rows.min(), let last = rows.max() else { return }
        release(Int(first)..<Int(last) + 1)
    }

    /// Gives back the memory of samples that have been read.
    func release(_ rows: Range<Int>) {
        file.release(records.start(firstSample + rows.lowerBound)..<records.start(firstSample + rows.upperBound))
    }

    /// Where every record begins.
    public var indexBytes: Int { records.indexBytes }

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
}
