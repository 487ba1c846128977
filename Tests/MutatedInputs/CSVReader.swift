import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns

/// CSV files: opened, split, converted and standardised as `train` does it.
struct CSVReader: InputReader {
    static let name = "csv"
    private static let file = "d.csv"
    /// The number of the way in which the file is read.
    private static let wayFile = "way"
    private let directory: String
    private let ways: [Way]

    /// How the file is read.
    private struct Way {
        var options = CSVOptions()
        var validation = ValidationDescription.none
        var standardize = false
        var output = OutputMap.softmax
        var units = 3
        var labels = LabelForm.automatic
    }

    init(directory: String) throws {
        self.directory = directory
        let held = ValidationDescription.split(SplitDescription(fraction: 0.3))
        let stratified = ValidationDescription.split(SplitDescription(fraction: 0.4, isStratified: true))
        let plain = CSVOptions(header: .absent, separator: ",")
        ways = [
            Way(options: CSVOptions(label: .index(-1))),
            Way(options: CSVOptions(label: .index(-1)), validation: held, standardize: true),
            Way(options: CSVOptions(label: .index(-1)), validation: stratified),
            Way(options: CSVOptions(label: .index(0)), output: .sigmoid, units: 1, labels: .fromOne),
            Way(options: CSVOptions(label: .name("class")), standardize: true, labels: .fromZero),
            Way(options: CSVOptions(targets: [.index(-3), .index(-2), .index(-1)]), labels: .oneHot),
            Way(options: CSVOptions(targets: [.index(1), .index(2)]), standardize: true, output: .identity, units: 2),
            Way(
                options: CSVOptions(header: .present, label: .index(1), features: [.name("a")]), output: .identity,
                units: 1),
            Way(
                options: CSVOptions(separator: ";", label: .index(-1), ignored: [.index(0)]), validation: held,
                output: .sigmoid),
            Way(options: CSVOptions(label: .index(.min), ignored: [.index(.max)])),
            Way(options: plain), Way(options: plain), Way(options: CSVOptions(header: .present, separator: ";")),
            Way(options: CSVOptions(label: .index(-1), missing: .drop), validation: held),
            Way(options: CSVOptions(label: .index(-1), missing: .mean), validation: held, standardize: true),
            Way(options: CSVOptions(label: .index(-1), missing: .mean, categories: .automatic)),
            Way(options: CSVOptions(label: .index(-1), missing: .drop, categories: .columns([.index(0), .index(1)]))),
            Way(options: CSVOptions(label: .index(-1), categories: .columns([.index(0)])), validation: stratified),
            Way(options: CSVOptions(label: .index(-1), missing: .mean, decimal: .comma)),
            Way(options: CSVOptions(header: .absent, separator: ";", decimal: .comma)),
            Way(options: CSVOptions(header: .absent, separator: ",", decimal: .comma)),
        ]
    }

    private static let seeds = [
        "a,b,class\n1,2,0\n3,4,1\n5,6,2\n-0.5,1e-3,0\n7,8,1\n9,10,2\n",
        "a,b,class\r\n1.5,2.25,red\r\n3,4,\"green, dark\"\r\n5,6,\"say \"\"blue\"\"\"\r\n1,1,red\r\n",
        "\u{feff}1;2;1\n3;4;2\n5;6;3\n1;1;1\n2;2;2\n3;3;3",
        "1,0,0,1\n2,0,1,0\n3,1,0,0\n4,0,0,1\n", "0.1\t0.2\t1\n0.3\t0.4\t0\n", "1,2\n3,4\n\n5,6\n",
        "\"x\ny\",b,c\n\"1\",2,3\n4,\"5\",6\n", "1|2|0.3|0.7\n3|4|0.5|0.5\n", "1e5,-2E-3,+7\n.5,5.,0\n 1 ,\t2,3\n",
        "age,job,class\n30,cook,0\n?,baker,1\n50,NA,2\n60,cook,1\n,\"smith\",0\n70,cook,0\n",
        "a;b;class\n1,5;-2,25;0\nNA;1,25e2;1\n3;\"4,5\";2\n", "x,1,0\ny,2,1\n\"x\",3,2\n z ,4,0\n",
        "name,1e308,3\nname,1.7976931348623157e308,4\n", "12345678901234567890,0.000000000000000000001,1\n1,2,3\n",
    ].map { [UInt8]($0.utf8) }

    private static let tokens =
        [
            ",", ",,", ";", "\t", "|", "\n", "\r\n", "\r", "\"", "\"\"", "\"\"\"", "\"\n\"", ",\"", "\",", "\u{feff}",
            " ", "\u{a0}", "?", "cook", "baker", "2024-01-31", "12:30", "1,5", "null",
            "NA", "-", "class", "a", "b", "#N/A", "5 %", "$1", "é", "e\u{301}", "\u{0}", "\u{85}", "\u{2028}",
            "PK\u{3}\u{4}", "<html",
        ] + Mutations.numbers

    var corpus: [CorpusEntry] {
        func entry(_ name: String, _ text: String, way: Int, error: String?) -> CorpusEntry {
            CorpusEntry(name, [Self.file: [UInt8](text.utf8), Self.wayFile: [UInt8]("\(way)".utf8)], error: error)
        }
        return [
            entry("empty", "", way: 0, error: "the file is empty"),
            entry("a mark alone", "\u{feff}", way: 0, error: "empty"),
            entry("blank lines", "\n\r\n\n", way: 10, error: "empty"),
            entry("a header alone", "a,b\n", way: 0, error: "empty"),
            entry("a quote without end", "1,\"2\n3,4\n", way: 10, error: "never closed"),
            entry("a quote at the end", "1,2\n\"", way: 10, error: "never closed"),
            entry("text behind a quote", "1,\"2\"3\n", way: 10, error: "after a closing quote"),
            entry("a column that cannot be", "1,2,3\n", way: 9, error: "there is no column"),
            entry("a label beyond 32 bits", "1,2147483648\n2,0\n", way: 0, error: "the targets are real"),
            entry("a label beyond 64 bits", "1,1e300\n2,0\n", way: 0, error: "d.csv"),
            entry("a label that is -0", "1,-0\n2,1\n3,2\n", way: 0, error: nil),
            entry("a label below 0", "-1,1\n1,2\n", way: 3, error: "the label is -1"),
            entry("a number too large", "1e999,2\n", way: 10, error: "infinite"),
            entry("a number too large for float32", "1e39,1\n1,2\n1,0\n", way: 0, error: "infinite in float32"),
            entry(
                "numbers too large to standardise", "1e200,1\n-1e200,2\n1,0\n1,1\n1,2\n1,0\n", way: 1, error: "d.csv"),
            entry("values missing everywhere", "?,1\n,2\n1,NA\n", way: 13, error: "missing in every line"),
            entry("a mean of nothing", "a,b,y\nNA,1,0\nNA,2,1\n", way: 15, error: "missing in every training sample"),
            entry("a missing target with means", "1,0\n2,?\n3,1\n", way: 15, error: "is not a number"),
            entry("a date", "2024-01-31,1\n2024-02-01,0\n", way: 15, error: "dates and times"),
            entry("a word in a column of numbers", "1,0\ntwo,1\n3,0\n", way: 13, error: "is not a number"),
            entry("a missing category", "a,0\n?,1\n", way: 17, error: "missing category"),
            entry("categories", "x,1,0\ny,2,1\nx,?,2\n", way: 15, error: nil),
            entry("a point beside commas", "1.5;2\n", way: 19, error: "is not a number"),
            entry("one sample to split", "1,1\n", way: 1, error: "data.validation"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        let way = random.below(ways.count)
        var text = random.pick(Self.seeds)
        for _ in 0...random.below(random.once(in: 8) ? 12 : 2) {
            if random.once(in: 3) {
                replaceCell(&text, &random)
            } else {
                Mutations.change(&text, &random, tokens: Self.tokens, other: random.pick(Self.seeds))
            }
        }
        if random.once(in: 50) { text = Array([[UInt8]](repeating: text, count: 1 + random.below(200)).joined()) }
        return Input([Self.file: text, Self.wayFile: [UInt8]("\(way)".utf8)])
    }

    private func replaceCell(_ text: inout [UInt8], _ random: inout Random) {
        let isEnd: (UInt8) -> Bool = { [0x2c, 0x0a, 0x3b, 0x09, 0x7c].contains($0) }
        let from = random.below(text.count + 1)
        let start = from == 0 ? 0 : (text[from...].firstIndex(where: isEnd) ?? text.count - 1) + 1
        let end = text[start...].firstIndex(where: isEnd) ?? text.count
        text.replaceSubrange(start..<end, with: random.pick(Self.tokens).utf8)
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.file
        let way = ways[Int(String(decoding: input[Self.wayFile], as: UTF8.self)) ?? 0]
        let description = DataDescription(
            source: .csv(CSVDescription(path: path, options: way.options)), labels: way.labels,
            validation: way.validation,
            standardize: way.standardize)
        let network = NetworkDescription(
            inputs: 0, layers: [LayerDescription(name: "layer", units: way.units)], output: way.output)
        let loss = LossDescription(kind: way.output == .identity ? .squaredSum : .crossEntropy)
        return try outcome(
            of: [path, "data.validation", "units, but the labels name"], types: [DataError.self, ModelError.self]
        ) {
            if way.options.label == nil, way.options.targets.isEmpty {
                let source = try CSVSource(path: path, options: way.options)
                try compare(try Dataset<Double>(source, conversion: nil), with: input[Self.file], way.options)
                return
            }
            let data = try PreparedData<Float>(description, network: network, loss: loss)
            let source = try CSVSource(path: path, options: way.options)
            try compare(data, with: source)
            let count = data.training.sampleCount + (data.validation?.sampleCount ?? 0)
            try require(count == source.count, "\(count) samples of \(source.count)")
            for part in [data.training.dataset, data.validation?.dataset].compactMap({ $0 }) {
                try require(
                    part.featureCount == source.featureCount, "\(part.featureCount) of \(source.featureCount) features")
                try checkFinite(part.inputs)
                switch part.targets {
                case .labels(let labels, let classes)?:
                    try require(
                        labels.elements.allSatisfy { (0..<classes).contains(Int($0)) }, "a label that is no class")
                case .values(let values)?: try checkFinite(values)
                case nil: throw Complaint("no targets")
                }
            }
        }
    }

    /// Requires columns as they are kept in a checkpoint, one category or none a sample, and a mark where none is.
    private func compare(_ data: PreparedData<Float>, with source: CSVSource) throws {
        guard let columns = data.csvColumns, data.standardization == nil else { return }
        let kept = try JSONDecoder().decode([CSVColumn].self, from: JSONEncoder().encode(columns))
        try require(kept == columns, "columns that are kept as others")
        try require(CSVColumn.areSound(columns, inputs: source.featureCount), "columns that are not sound")
        for part in [data.training.dataset, data.validation?.dataset].compactMap({ $0 }) {
            for row in 0..<part.count {
                var input = 0
                for column in columns {
                    let values = (0..<column.inputCount).map { part.inputs[row, input + $0] }
                    let isMissing = column.marksMissing && values[values.count - 1] == 1
                    let marks = values.suffix(column.categories == nil ? values.count - 1 : values.count)
                    try require(marks.allSatisfy { $0 == 0 || $0 == 1 }, "a mark that is neither 0 nor 1")
                    if column.categories != nil {
                        try require(marks.reduce(0, +) == 1, "not one category")
                    } else if isMissing {
                        try require(column.mean.map { Float($0) } == values[0], "another number than the mean")
                    }
                    input += column.inputCount
                }
            }
        }
    }

    /// Compares what was read with a plain reader's numbers.
    private func compare(_ data: Dataset<Double>, with bytes: [UInt8], _ options: CSVOptions) throws {
        var records = PlainCSV.records(bytes, separator: options.separator?.utf8.first ?? 0x2c)
        if options.header == .present { records.removeFirst() }
        try require(records.count == data.count, "\(data.count) samples of \(records.count)")
        for (row, record) in records.enumerated() {
            try require(record.count == data.featureCount, "\(record.count) cells in record \(row)")
            for (column, cell) in record.enumerated() {
                let value = data.inputs[row, column]
                var text = cell.trimmingCharacters(in: .init(charactersIn: " \t"))
                if options.decimal == .comma {
                    try require(!text.contains("."), "a number from ‘\(text)’")
                    text = text.replacing(",", with: ".")
                }
                try require(Double(text) == value && value.isFinite, "\(value) for ‘\(text)’")
            }
        }
    }
}

/// A reader of RFC 4180 without any haste.
enum PlainCSV {
    static func records(_ bytes: [UInt8], separator: UInt8) -> [[String]] {
        var records: [[String]] = []
        var (record, cell): ([String], [UInt8]) = ([], [])
        var (isQuoted, isEmpty) = (false, true)
        func text() -> String { String(decoding: cell, as: UTF8.self) }
        func endRecord() {
            if cell.last == 0x0d { cell.removeLast() }
            if !(isEmpty || (record.isEmpty && cell.isEmpty)) || !record.isEmpty { records.append(record + [text()]) }
            (record, cell, isEmpty) = ([], [], true)
        }
        let content = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
        var previousClosed = false
        for byte in content {
            if byte == 0x22 {
                // The second of two quotes stands for one.
                if isQuoted {
                    (isQuoted, previousClosed) = (false, true)
                } else {
                    if previousClosed { cell.append(byte) }
                    (isQuoted, previousClosed) = (true, false)
                }
                isEmpty = false
                continue
            }
            previousClosed = false
            if byte == separator, !isQuoted {
                record.append(text())
                (cell, isEmpty) = ([], false)
            } else if byte == 0x0a, !isQuoted {
                endRecord()
            } else {
                cell.append(byte)
                if byte != 0x0d { isEmpty = false }
            }
        }
        endRecord()
        return records
    }
}

/// Throws unless all elements are finite.
func checkFinite<Scalar: BinaryFloatingPoint>(_ matrix: MatrixView<Scalar>) throws {
    for row in 0..<matrix.rows {
        for column in 0..<matrix.columns { try require(matrix[row, column].isFinite, "a value that is not finite") }
    }
}
