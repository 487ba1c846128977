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
                bytes.bindMemory(to: UInt8.self), path: path, options: options, release: file.release)
        }
    }

    /// The samples as `options` say.
    /// - Parameter labelsAreNumbers: Whether texts in a label column are mistakes, however many there are.
    /// - Throws: `DataError`.
    package func source(_ options: CSVOptions, labelsAreNumbers: Bool = false) throws(DataError) -> CSVSource {
        try CSVSource(self, options: options, labelsAreNumbers: labelsAreNumbers)
    }

    /// The names of all columns where there is a header, and their number.
    /// - Throws: `DataError` for a first line that cannot be read.
    package func columns(_ options: CSVOptions) throws(DataError) -> (names: [String]?, count: Int) {
        // Which columns are used does not matter: two that are not may have one name.
        let layout = try layout(CSVOptions(header: options.header, separator: options.separator, features: []))
        return (layout.names, layout.roles.count)
    }

    func layout(_ options: CSVOptions) throws(DataError) -> CSVLayout {
        try file.withBytes { bytes throws(DataError) in
            let text = bytes.bindMemory(to: UInt8.self)
            let first = UnsafeBufferPointer(rebasing: text[records.starts[0]..<records.ends[0]])
            return try CSVLayout(firstRecord: first, options: options, path: file.path)
        }
    }
}
