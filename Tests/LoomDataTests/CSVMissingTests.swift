import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("Missing values, decimal commas and dates in CSV files")
struct CSVMissingTests {
    private static let text = "a,b,c,y\n1,2,x,0\n?,4,x,1\n5,6,,0\n7,nan,z,1\n9,10,x,NA\n11,12,z,1\n"
    private static func options(_ missing: MissingValues) -> CSVOptions {
        CSVOptions(label: .name("y"), missing: missing, categories: .columns([.name("c")]))
    }

    private func error(_ text: String, _ options: CSVOptions) throws -> DataError? {
        try withFile(text) { path in
            dataError { _ = try Dataset<Float>(CSVSource(path: path, options: options), conversion: nil) }
        }
    }

    @Test func linesAreLeftOut() throws {
        try withFile(Self.text) { path in
            let source = try CSVSource(path: path, options: Self.options(.drop))
            #expect(source.count == 2)
            #expect(source.notes.contains("4 of 6 samples are left out, because values are missing"))
            let data = try Dataset<Double>(source, conversion: TargetConversion(from: source, to: .classes(2)))
            #expect(data.inputRows == [[1, 2, 1, 0], [11, 12, 0, 1]])
            #expect(data.labels == [0, 1])
            // Lines are those of the file.
            #expect(source.place(row: 1) == "line 7")
        }
        let nothing = try error("a,b\n1,?\nNA,2\n", CSVOptions(missing: .drop))
        #expect(nothing?.problem == "values are missing in every line")
        let word = try error("a,b\n1,?\n1,two\n2,2\n", CSVOptions(missing: .drop))
        #expect(word?.place == "line 3, column 2 (b)")
    }

    @Test func aModelsLinesAreLeftOutButNotPredicted() throws {
        let known = [CSVColumn(), CSVColumn(categories: ["x", "z"])]
        let options = CSVOptions(header: .absent, missing: .drop)
        try withFile("1,x\n2,NA\n,z\n4,z\n") { path in
            let file = try CSVFile(path: path, options: options)
            let evaluated = try file.source(options, known: known)
            #expect(try Dataset<Double>(evaluated, conversion: nil).inputRows == [[1, 1, 0], [4, 0, 1]])
            let predicted = try file.source(options, known: known, isPredicted: true)
            #expect(predicted.count == 4)
            let failure = dataError { _ = try Dataset<Double>(predicted, conversion: nil) }
            #expect(failure?.place == "line 2, column 2")
            #expect(
                failure?.problem.hasSuffix("stands for a missing value, which no prediction can be made from") == true)
        }
    }

    @Test func meansAreThoseOfTheTrainingPart() throws {
        try withFile(Self.text.replacing("NA", with: "0")) { path in
            let open = try CSVSource(path: path, options: Self.options(.mean))
            #expect(
                open.featureNames == ["a", "a is missing", "b", "b is missing", "c=x", "c=z", "c is missing"])
            #expect(
                open.notes.contains(
                    "missing values are replaced by the mean of the training samples, and marked by an input for each "
                        + "column: a (1), b (1), c (1)"))
            // Nobody reads what has not been filled in.
            #expect(dataError { _ = try Dataset<Double>(open, conversion: nil) }?.problem == "the input is NaN")
            let source = try open.replacingMissing(byMeansOf: [0, 1, 3])
            #expect(source.columns?.map(\.mean) == [4, 3, nil])
            #expect(
                try Dataset<Double>(source, conversion: nil).inputRows == [
                    [1, 0, 2, 0, 1, 0, 0], [4, 1, 4, 0, 1, 0, 0], [5, 0, 6, 0, 0, 0, 1], [7, 0, 3, 1, 0, 1, 0],
                    [9, 0, 10, 0, 1, 0, 0], [11, 0, 12, 0, 0, 1, 0],
                ])
            #expect(try open.replacingMissing(byMeansOf: .all).columns?[0].mean == 33.0 / 5)
            let failure = dataError { _ = try open.replacingMissing(byMeansOf: [1]) }
            #expect(failure?.place == "column 1 (a)")
            #expect(failure?.problem == "the value is missing in every training sample")
        }
    }

    @Test func aModelsMeansAreKept() throws {
        let known = [CSVColumn(marksMissing: true, mean: 2.5), CSVColumn()]
        let options = CSVOptions(header: .absent, missing: .mean)
        func inputs(_ text: String) throws -> [[Double]] {
            try withFile(text) {
                let source = try CSVFile(path: $0, options: options).source(options, known: known, isPredicted: true)
                return try Dataset<Double>(source, conversion: nil).inputRows
            }
        }
        #expect(try inputs("NA,1\n7,2\n\"?\",3\n") == [[2.5, 1, 1], [7, 0, 2], [2.5, 1, 3]])
        let failure = dataError { _ = try inputs("1,1\n2,NA\n") }
        #expect(failure?.place == "line 2, column 2")
        #expect(
            failure?.problem == "\"NA\" stands for a missing value, but the column had none in the training data")
    }

    @Test func targetsAreNotFilledIn() throws {
        let failure = try error("a,y\n1,1\n2,NA\n3,3\n", CSVOptions(label: .name("y"), missing: .mean))
        #expect(failure?.place == "line 3, column 2 (y)")
    }

    @Test func refusedMissingValuesNameTheRemedy() throws {
        let failure = try error("a,b\n1,2\n1,N/A\n", CSVOptions())
        #expect(failure?.place == "line 3, column 2 (b)")
        #expect(failure?.remedy.hasSuffix("data.csv.missing can leave such lines out, or fill them in") == true)
    }

    @Test func columnsAreSound() {
        func areSound(_ columns: [CSVColumn]) -> Bool { CSVColumn.areSound(columns, inputs: 2) }
        #expect(areSound([CSVColumn(), CSVColumn()]))
        #expect(areSound([CSVColumn(categories: ["a", "b"])]))
        #expect(areSound([CSVColumn(marksMissing: true, mean: 1)]))
        #expect(areSound([CSVColumn(categories: ["a"], marksMissing: true)]))
        #expect(!areSound([CSVColumn()]))
        #expect(!areSound([CSVColumn(categories: ["a", "a"])]))
        #expect(!areSound([CSVColumn(categories: []), CSVColumn(), CSVColumn()]))
        #expect(!areSound([CSVColumn(marksMissing: true)]))
        #expect(!areSound([CSVColumn(marksMissing: true, mean: .infinity)]))
    }

    // MARK: Decimal commas

    @Test func decimalCommas() throws {
        let options = CSVOptions(decimal: .comma)
        func inputs(_ text: String, _ options: CSVOptions) throws -> [[Double]] {
            try withFile(text) { try Dataset<Double>(CSVSource(path: $0, options: options), conversion: nil).inputRows }
        }
        #expect(try inputs("a;b\n1,5;-2,25\n3;\"4,5\"\n", options) == [[1.5, -2.25], [3, 4.5]])
        #expect(try inputs("1,5\t2\n", options) == [[1.5, 2]])
        #expect(
            try inputs("a,b\n\"1,5\",2\n", CSVOptions(separator: ",", decimal: .comma)) == [[1.5, 2]])
        let point = try error("a;b\n1.5;2\n", options)
        #expect(point?.problem == "\"1.5\" is not a number")
        let undeclared = try error("a;b\n1,5;2\n", CSVOptions())
        #expect(undeclared?.remedy.hasSuffix("data.csv.decimal declares decimal commas") == true)
    }

    // MARK: Dates

    @Test(arguments: [
        "2024-01-31", "2024-01-31T12:00:00Z", "2024-01-31 12:00", "31.1.2024", "1/31/24", "1/31/2024", "2024/1/31",
        "12:30", "12:30:15.5",
    ])
    func dates(text: String) throws {
        #expect(CellKind(text: text) == .date)
        let failure = try error("a,b\n1,2\n1,\(text)\n", CSVOptions())
        #expect(failure?.place == "line 3, column 2 (b)")
        #expect(failure?.remedy.hasPrefix("dates and times are not read") == true)
    }

    @Test(arguments: [
        "1.234.567": CellKind.formattedNumber, "1/2": .word, "1-2-3": .word, "12:3": .word, "1.2.3": .formattedNumber,
        "192.168.0.1": .formattedNumber, "2024-1-31-5": .word, "18-25": .word, "2024-001-1": .word,
    ])
    func textsThatAreNoDates(text: String, kind: CellKind) {
        #expect(CellKind(text: text) == kind)
    }

    // MARK: Files

    @Test func aFileWithFewerColumnsThanTheModelIsRefused() throws {
        try withFile("1,2\n3,4\n") { path in
            let options = CSVOptions(header: .absent, missing: .mean)
            let known = [CSVColumn](repeating: CSVColumn(marksMissing: true, mean: 1), count: 4)
            let failure = dataError { _ = try CSVFile(path: path, options: options).source(options, known: known) }
            #expect(failure?.problem == "2 feature columns, but the model was trained on 4")
        }
    }

    @Test func separatorsThatCannotBe() throws {
        for separator in ["\n", "\r", "\u{0}", "\"", "1"] {
            #expect(try error("1\n2\n", CSVOptions(separator: separator))?.category == .badConfiguration)
        }
    }

    /// Records, lines and cells beyond the blocks in which a file is scanned.
    @Test func filesOfSeveralBlocks() throws {
        let count = 60_000
        var text = "a,b,\"c\n\"\"1\"\"\"\n"
        for index in 0..<count {
            text += index % 5 == 0 ? "\(index),\"\n\(index),\u{e9}\n\",x\n\n" : "\(index),\u{e9}\(index),x\r\n"
        }
        text += "1,2"
        try withFile(text) { path in
            let options = CSVOptions(header: .present, features: [.index(0)])
            let failure = dataError {
                _ = try Dataset<Double>(CSVSource(path: path, options: options), conversion: nil)
            }
            #expect(failure?.place == "line \(3 + count + 3 * count / 5)")
            #expect(failure?.problem == "2 cells, but the first line has 3")
        }
        try withFile(text + ",3") { path in
            let source = try CSVSource(path: path, options: CSVOptions(header: .present, features: [.index(0)]))
            #expect(source.count == count + 1)
            let data = try Dataset<Double>(source, conversion: nil)
            let expected: [Double] = (0..<count).map(Double.init) + [1]
            #expect(data.inputRows.flatMap { $0 } == expected)
        }
        try withFile(text + ",\"3\n") { path in
            #expect(
                dataError { _ = try CSVSource(path: path) }?.place == "line \(3 + count + 3 * count / 5)")
        }
        // A character across the blocks' border.
        let long = String(repeating: "x", count: (1 << 20) - 1)
        try withFile(long + "\u{e9},b\n1,2\n") { path in
            let data = try Dataset<Double>(CSVSource(path: path), conversion: nil)
            #expect(data.inputRows == [[1, 2]])
        }
        let cut = Data((long + ",b\n1,2\n").utf8) + [0xc3]
        try withFile(cut) { path in
            #expect(dataError { _ = try CSVSource(path: path) }?.place == "line 3, column 1")
        }
    }
}
