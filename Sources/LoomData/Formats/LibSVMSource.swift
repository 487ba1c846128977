import Foundation
import LoomKernels

/// Samples in the text format of LIBSVM and SVMlight: `label index:value index:value … # comment`, where indices are counted
/// from 1 and ascend, and features that are not named are 0.
package struct LibSVMSource: DataSource {
    /// The file's path.
    package var name: String { file.path }
    /// The number of samples.
    package var count: Int { lines.count }
    /// The number of features.
    package let featureCount: Int
    /// The detected form of the labels.
    package private(set) var targetColumns: TargetColumns
    /// How many features were found.
    package let notes: [String]
    private let file: InputFile
    /// Where every sample begins, and its line.
    private let lines: [(start: Int, number: Int)]

    /// Dense samples of so many bytes need no more reason than that the file names such an index.
    private static let freelyReserved = 1 << 20
    /// So many bytes of dense samples for a byte of the file can be meant: news20 has 830.
    private static let mostBytesPerByte = 1000

    /// Opens the file at `path` and reads it once. It has `features` features; nil: as many as its largest index.
    ///
    /// - Throws: `DataError` for a file that is missing or empty, and for a line that is not as above.
    package init(path: String, features: Int?) throws(DataError) {
        let file = try InputFile(path: path)
        self.file = file
        var lines: [(start: Int, number: Int)] = []
        var largest = 0
        try file.withBytes { bytes throws(DataError) in
            if let format = FileFormat.known(bytes) {
                throw DataError(
                    .badData, source: path,
                    problem: "the file is \(format.what), expected text in the format of LIBSVM",
                    remedy: format.remedy)
            }
            // Editors mark UTF-8 with a byte order mark.
            var (start, number) = (bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0, 1)
            while start < bytes.count {
                var line = Line(bytes, at: start, number: number, path: path)
                if line.isSample {
                    lines.append((start, number))
                    _ = try line.label()
                    while let pair = try line.next() { largest = max(largest, pair.index) }
                }
                (start, number) = (line.end + 1, number + 1)
                if number & 0xffff == 0 { file.release(0..<min(start, bytes.count)) }
            }
        }
        self.lines = lines
        featureCount = features ?? largest
        notes = features == nil ? ["the largest index is \(largest): \(largest) features"] : []
        targetColumns = TargetColumns(count: 1, form: .none)
        if let features, largest > features {
            throw DataError(
                .badData, source: path, problem: "the largest index is \(largest), but there are \(features) features",
                remedy: "raise the number of features, or leave it out")
        }
        try checkExtent()
        try checkSize(isDeclared: features != nil)
        targetColumns.form = try TargetSummary.form(of: self)
    }

    /// Refuses an index that would make samples much larger than their text, unless it was declared.
    private func checkSize(isDeclared: Bool) throws(DataError) {
        guard !isDeclared else { return }
        let bytes = MemorySize.product(count, featureCount, MemoryLayout<Float>.stride)
        let most = max(Self.freelyReserved, file.byteCount.multipliedReportingOverflow(by: Self.mostBytesPerByte).0)
        guard bytes.map({ $0 > most }) ?? true else { return }
        throw DataError(
            .badData, source: name,
            problem: "the largest index is \(featureCount): with every feature, \(count) samples are more than "
                + MemorySize.words(most),
            remedy: "correct the index, or say how many features there are")
    }

    /// The sample's line, counted from 1.
    package func place(row: Int) -> String { "line \(lines[row].number)" }

    /// The feature's index in the file, counted from 1.
    package func place(feature: Int) -> String { "index \(feature + 1)" }

    /// Where every sample begins, and its line, and text that is not mapped.
    package var indexBytes: Int {
        file.memoryBytes + lines.capacity * MemoryLayout<(start: Int, number: Int)>.stride
    }

    /// Parses the samples `rows`.
    package func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        try file.withBytes { bytes throws(DataError) in
            for (position, row) in rows.enumerated() {
                let place = lines[Int(row)]
                var line = Line(bytes, at: place.start, number: place.number, path: name)
                let label = try line.label()
                if let targets { targets[position, 0] = label }
                guard let inputs else { continue }
                let start = inputs.pointer + position * inputs.stride
                start.update(repeating: 0, count: featureCount)
                while let pair = try line.next() { start[pair.index - 1] = pair.value }
            }
        }
        guard let first = rows.min(), let last = rows.max() else { return }
        let end = Int(last) + 1 < lines.count ? lines[Int(last) + 1].start : file.byteCount
        file.release(lines[Int(first)].start..<end)
    }

    /// One line, read word by word.
    private struct Line {
        private let bytes: UnsafeBufferPointer<UInt8>
        private let number: Int
        private let path: String
        /// Where the line ends: before the line feed, or at the end of the file.
        let end: Int
        /// Where the comment begins, or the line ends.
        private let textEnd: Int
        private var position: Int
        private var previous = 0

        init(_ content: UnsafeRawBufferPointer, at start: Int, number: Int, path: String) {
            bytes = content.bindMemory(to: UInt8.self)
            (self.number, self.path, position) = (number, path, start)
            let line = memchr(content.baseAddress! + start, 0x0a, content.count - start)
            end = line.map { UnsafeRawPointer($0) - content.baseAddress! } ?? content.count
            let comment = memchr(content.baseAddress! + start, 0x23, end - start)
            textEnd = comment.map { UnsafeRawPointer($0) - content.baseAddress! } ?? end
            skipBlanks()
        }

        var isSample: Bool { position < textEnd }

        private mutating func skipBlanks() {
            while position < textEnd, Self.isBlank(bytes[position]) { position += 1 }
        }

        private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

        /// What stands up to the next blank or `separator`.
        private mutating func word(until separator: UInt8? = nil) -> UnsafeBufferPointer<UInt8> {
            let start = position
            while position < textEnd, !Self.isBlank(bytes[position]), bytes[position] != separator { position += 1 }
            return UnsafeBufferPointer(rebasing: bytes[start..<position])
        }

        mutating func label() throws(DataError) -> Double {
            let word = word()
            guard let label = NumberParser.parse(word) else {
                let text = shown(word)
                throw error(
                    "the label \(text) is not a number",
                    text.contains(",")
                        ? "give one label for each sample" : "give lines such as: 1 3:0.5 7:1")
            }
            skipBlanks()
            return label
        }

        /// The next feature; nil at the end.
        mutating func next() throws(DataError) -> (index: Int, value: Double)? {
            var (key, text) = (word(until: 0x3a), bytes)
            repeat {
                if position == textEnd, key.isEmpty { return nil }
                guard position < textEnd, bytes[position] == 0x3a else {
                    throw error("\(shown(key)) is no index:value", "give lines such as: 1 3:0.5 7:1")
                }
                position += 1
                text = word()
                skipBlanks()
                // The query of a sample, for rankings, which nothing here can use.
                guard key.elementsEqual("qid".utf8) else { break }
                key = word(until: 0x3a)
            } while true
            guard let index = Self.index(key) else {
                throw error("the index \(shown(key)) is no whole number", "number features 1, 2, 3, …")
            }
            guard index >= 1 else {
                throw error("the index is \(index)", "number features from 1: add 1 to all indices")
            }
            guard index > previous else {
                throw error("the index \(index) comes after \(previous)", "order the features by ascending index")
            }
            previous = index
            guard let value = NumberParser.parse(text) else {
                throw error("the value \(shown(text)) of index \(index) is not a number", "correct it, or leave it out")
            }
            return (index, value)
        }

        private static func index(_ word: UnsafeBufferPointer<UInt8>) -> Int? {
            // 18 digits cannot overflow.
            guard !word.isEmpty, word.count <= 18 else { return nil }
            var index = 0
            for byte in word {
                guard (0x30...0x39).contains(byte) else { return nil }
                index = 10 * index + Int(byte - 0x30)
            }
            return index
        }

        private func shown(_ word: UnsafeBufferPointer<UInt8>) -> String {
            "\"" + String(decoding: word.prefix(40), as: UTF8.self) + (word.count > 40 ? "…\"" : "\"")
        }

        private func error(_ problem: String, _ remedy: String) -> DataError {
            DataError(.badData, source: path, place: "line \(number)", problem: problem, remedy: remedy)
        }
    }
}
