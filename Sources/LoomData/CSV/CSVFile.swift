/// A CSV file whose records were found: opened once, and then used with one or several ways to read it.
package struct CSVFile: Sendable {
    let file: InputFile
    let records: CSVRecords

    /// Opens the file at `path`.
    /// - Throws: `DataError` for a file that is missing, empty, in another format or not in UTF-8.
    package init(path: String, options: CSVOptions) throws(DataError) {
        let file = try InputFile(path: path)
        self.file = file
        records = try file.withBytes { bytes throws(DataError) in
            try CSVRecords(
                bytes.bindMemory(to: UInt8.self), path: path, options: options, release: { file.release($0) })
        }
    }

    /// The samples as `options` say.
    /// - Parameters:
    ///   - options: Which columns are used, and how.
    ///   - labelsAreNumbers: Whether texts in a label column are mistakes, however many there are.
    ///   - known: How the feature columns became inputs when a model was trained; nil: nothing is known.
    ///   - isPredicted: Whether every sample has to be kept, to be predicted.
    /// - Throws: `DataError`.
    package func source(
        _ options: CSVOptions, labelsAreNumbers: Bool = false, known: [CSVColumn]? = nil, isPredicted: Bool = false
    ) throws(DataError) -> CSVSource {
        try CSVSource(
            self, options: options, labelsAreNumbers: labelsAreNumbers, known: known, isPredicted: isPredicted)
    }

    /// The names of all columns where there is a header, and their number.
    /// - Throws: `DataError` for a first line that cannot be read.
    package func columns(_ options: CSVOptions) throws(DataError) -> (names: [String]?, count: Int) {
        // Which columns are used does not matter: two that are not may have one name.
        let layout = try layout(
            CSVOptions(
                header: options.header, separator: options.separator, features: [], decimal: options.decimal))
        return (layout.names, layout.columnCount)
    }

    func layout(_ options: CSVOptions) throws(DataError) -> CSVLayout {
        try file.withBytes { bytes throws(DataError) in
            let text = bytes.bindMemory(to: UInt8.self)
            let first = UnsafeBufferPointer(rebasing: text[records.start(0)..<records.end(of: 0, in: text)])
            return try CSVLayout(firstRecord: first, options: options, path: file.path)
        }
    }
}
