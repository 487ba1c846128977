import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("CSV")
struct CSVTests {
    private func inputs(_ text: String, _ options: CSVOptions = .init()) throws -> [[Double]] {
        try withFile(text) {
            try Dataset<Double>(CSVSource(path: $0, options: options), conversion: nil).inputRows
        }
    }

    private func error(_ text: String, _ options: CSVOptions = .init()) throws -> DataError? {
        try withFile(text) { path in
            dataError { _ = try Dataset<Float>(CSVSource(path: path, options: options), conversion: nil) }
        }
    }

    // MARK: Reading

    @Test(arguments: [
        "1,2\n3,4\n", "1,2\n3,4", "1,2\r\n3,4\r\n", "a,b\n1,2\n3,4\n", "\n\n1,2\n\n3,4\n\n", "1;2\n3;4\n",
        "1\t2\n3\t4",
        "1|2\n3|4", " 1 , 2\n3 ,4", "\"1\",\"2\"\n3,\"4\"\n", "\u{FEFF}a,b\n1,2\n3,4\n",
        "\"a,1\",\"b\n2\"\n1,2\n3,4\n",
        "\"a \"\"1\"\"\",b\r\n1,2\r\n3,4", "+1,2.0\n3e0,.4e1", "\"a;;;1\",b\n1,2\n3,4\n",
    ])
    func formsOfTheSameTable(text: String) throws {
        #expect(try inputs(text) == [[1, 2], [3, 4]])
    }

    @Test func header() throws {
        try withFile("a,\"b,\"\"c\"\"\"\n1,2\n") { path in
            let source = try CSVSource(path: path)
            #expect(source.featureNames == ["a", "b,\"c\""])
            #expect(source.notes == ["line 1 has no numbers: taken as the header"])
        }
        #expect(try inputs("1,2\n3,4", CSVOptions(header: .present)) == [[3, 4]])
        #expect(try error("a,b\n3,4", CSVOptions(header: .absent))?.place == "line 1, column 1")
    }

    @Test func aDoubledQuoteBeforeAnAccentIsOneQuote() throws {
        try withFile("\"a\"\"\u{301}b\",y\n1,2\n") { path in
            let source = try CSVSource(path: path)
            #expect(source.featureNames == ["a\"\u{301}b", "y"])
        }
    }

    /// Long numbers, which are read 32 characters at once, between others.
    @Test func numbersWithAllDigits() throws {
        let random = CounterRandom(seed: 1, purpose: .measurement)
        let rows = (0..<500).map { row in
            (0..<20).map { column -> String in
                let value = random.normal(at: UInt64(row * 20 + column))
                return switch column % 6 {
                case 0: "\(value)"
                case 1: String(format: "%.\(row % 25)f", value * 1000)
                case 2: String(format: "%.0f", abs(value) * 1e17)
                case 3: "\(value * 1e-6)"
                // Of 30 to 35 characters, most of them zeros in front.
                case 4: String(format: "%.\(28 + row % 6)f", value * 1e-17)
                default: String(format: "%.\(row % 7)f", value)
                }
            }
        }
        let text = rows.map { $0.joined(separator: ",") + "\n" }.joined()
        #expect(try inputs(text) == rows.map { $0.map { strtod($0, nil) } })
    }

    @Test func aHeaderThatIsDoubtfulCanBeDeclared() throws {
        let failure = try error("\"1,5\",y\na,b\n")
        #expect(failure?.place == "line 1, column 1")
        #expect(failure?.remedy.hasSuffix("or set data.csv.header to true or false") == true)
    }

    @Test func chosenSeparator() throws {
        #expect(try inputs("1 2\n3 4", CSVOptions(separator: " ")) == [[1, 2], [3, 4]])
        #expect(try error("1\n", CSVOptions(separator: "ab"))?.category == .badConfiguration)
    }

    @Test func columnsByNameAndNumber() throws {
        let text = "a,b,c,y\n1,2,3,0\n4,5,6,1\n"
        #expect(try inputs(text, CSVOptions(label: .name("y"))) == [[1, 2, 3], [4, 5, 6]])
        #expect(try inputs(text, CSVOptions(label: .index(-1), ignored: [.name("b")])) == [[1, 3], [4, 6]])
        #expect(try inputs(text, CSVOptions(features: [.name("c"), .index(0)])) == [[3, 1], [6, 4]])
        try withFile(text) { path in
            let source = try CSVSource(path: path, options: CSVOptions(targets: [.name("c"), .name("a")]))
            #expect(source.targetColumns.names == ["c", "a"])
            #expect(source.featureNames == ["b", "y"])
            let conversion = try TargetConversion(from: source, to: .values(2))
            let dataset = try Dataset<Double>(source, conversion: conversion)
            #expect(dataset.values == [[3, 1], [6, 4]])
            #expect(dataset.inputRows == [[2, 0], [5, 1]])
        }
    }

    @Test func columnReferencesAsJSON() throws {
        let references = try JSONDecoder().decode([ColumnReference].self, from: Data("[3, \"y\", -1]".utf8))
        #expect(references == [.index(3), .name("y"), .index(-1)])
        #expect(String(decoding: try JSONEncoder().encode(references), as: UTF8.self) == "[3,\"y\",-1]")
    }

    @Test func manyRowsInBlocks() throws {
        let count = 3000
        let text = (0..<count).map { "\($0),\(Double($0) / 8),\($0 % 3)\n" }.joined()
        try withFile(text) { path in
            let source = try CSVSource(path: path, options: CSVOptions(label: .index(2)))
            let conversion = try TargetConversion(from: source, to: .classes(3))
            let rows = (0..<UInt32(count)).filter { $0 % 2 == 1 }
            let dataset = try Dataset<Float>(
                source, rows: .list(rows), conversion: conversion, concurrently: backwards)
            #expect(dataset.inputRows == rows.map { [Float($0), Float($0) / 8] })
            #expect(dataset.labels == rows.map { Int32($0 % 3) })
        }
    }

    // MARK: Labels

    @Test func textLabels() throws {
        try withFile("x,kind\n1,dog\n2,\"cat\"\n3,dog\n4,ant\n") { path in
            let source = try CSVSource(path: path, options: CSVOptions(label: .name("kind")))
            #expect(source.targetColumns.classNames == ["ant", "cat", "dog"])
            #expect(source.notes.contains("3 classes, in this order: ant, cat, dog"))
            let conversion = try TargetConversion(from: source, to: .classes(3))
            let dataset = try Dataset<Float>(source, conversion: conversion)
            #expect(dataset.labels == [2, 1, 2, 0])
            #expect(dataset.classNames == ["ant", "cat", "dog"])
        }
    }

    @Test func textLabelsOfAModel() throws {
        let names = ["dog", "cat"]
        try withFile("x,kind\n1,dog\n2,cat\n") { path in
            let source = try CSVSource(
                path: path, options: CSVOptions(label: .name("kind"), classNames: names))
            let dataset = try Dataset<Float>(
                source, conversion: try TargetConversion(from: source, to: .classes(2)))
            #expect(dataset.labels == [0, 1])
        }
        let failure = try error("x,kind\n1,dog\n2,cow\n", CSVOptions(label: .name("kind"), classNames: names))
        #expect(failure?.place == "line 3, column 2 (kind)")
        #expect(failure?.problem == "\"cow\" is none of the 2 classes")
    }

    // MARK: Bad input

    @Test(arguments: [
        ("1,2\n3\n5,6\n", "line 2", "1 cell, but the first line has 2"),
        ("1,2\n3,4,5\n", "line 2", "3 cells, but the first line has 2"),
        ("a,b\n\n1,2\n3,4,\n", "line 4", "3 cells, but the first line has 2"),
        ("a,b\n1,2\n3,four\n", "line 3, column 2 (b)", "\"four\" is not a number"),
        ("a,b\n1,\n", "line 2, column 2 (b)", "an empty cell is not a number"),
        ("1,2\n1,0x10\n", "line 2, column 2", "\"0x10\" is not a number"),
        ("a,b\n1,nan\n", "line 2, column 2 (b)", "the input is NaN"),
        ("1,2\n-inf,2\n", "line 2, column 1", "the input is infinite in float32"),
        ("1,2\n1,1e300\n", "line 2, column 2", "the input is infinite in float32"),
        ("a,b\n1,\"2\n3,4\n", "line 2", "a quote in this record is never closed"),
        ("a,b\n\"1\"x,2\n", "line 2, column 1", "there is text after a closing quote"),
        ("\"a\"x,b\n1,2\n", "line 1", "there is text after a closing quote"),
        ("\"a\nb\",c\n1,2\nx,3\n", "line 4, column 1 (a\nb)", "\"x\" is not a number"),
    ])
    func placeAndProblem(text: String, place: String, problem: String) throws {
        let failure = try error(text)
        #expect(failure?.place == place)
        #expect(failure?.problem == problem)
        #expect(failure?.category == .badData)
        #expect(failure?.exitCode == 65)
    }

    @Test(arguments: ["", "\n\n", "\u{FEFF}"])
    func emptyFile(text: String) throws {
        #expect(try error(text)?.problem == "the file is empty")
    }

    @Test func headerAlone() throws {
        #expect(try error("a,b\n")?.problem == "the data set is empty")
        #expect(try error("y\n1\n", CSVOptions(label: .name("y")))?.problem == "there are no feature columns")
    }

    @Test func missingFile() {
        let failure = dataError { _ = try CSVSource(path: "/nowhere/x.csv") }
        #expect(failure?.category == .missingInput)
        #expect(failure?.exitCode == 66)
        #expect(failure?.source == "/nowhere/x.csv")
        #expect(dataError { _ = try CSVSource(path: "/") }?.problem == "this is a directory, expected a file")
    }

    @Test func columnsThatAreNotThere() throws {
        let text = "a,b,b\n1,2,3\n"
        #expect(try error(text, CSVOptions(label: .name("y")))?.problem == "there is no column \"y\"")
        #expect(try error(text, CSVOptions(label: .name("y")))?.remedy == "the columns are: a, b, b")
        #expect(try error(text, CSVOptions(label: .name("b")))?.problem == "there are 2 columns \"b\"")
        #expect(
            try error(text, CSVOptions(label: .index(3)))?.problem == "there is no column 3 among 3 columns")
        #expect(try error("1,2\n", CSVOptions(label: .name("y")))?.place == "line 1")
        #expect(
            try error(text, CSVOptions(targets: [.index(0), .index(-3)]))?.problem
                == "the column is given twice")
        let both = CSVOptions(targets: [.index(0)], features: [.index(0)])
        #expect(try error(text, both)?.problem == "the column is a feature and a target")
        let twoKinds = CSVOptions(label: .index(0), targets: [.index(1)])
        #expect(try error(text, twoKinds)?.category == .badConfiguration)
    }

    @Test func badLabels() throws {
        let options = CSVOptions(label: .name("y"))
        #expect(try error("a,y\n1,2\n1,two\n", options)?.place == "line 3, column 2 (y)")
        #expect(try error("a,y\n1,dog\n1,\n", options)?.problem == "the label is empty")
        #expect(try error("a,y\n1,2\n1,nan\n", options)?.problem == "the target is NaN")
        #expect(try error("a,y\n1,2\n1\n", options)?.place == "line 3")
        try withFile("a,y\n1,2\n1,0\n1,5\n1,7\n") { path in
            let source = try CSVSource(path: path, options: options)
            let failure = dataError {
                _ = try Dataset<Float>(source, conversion: TargetConversion(from: source, to: .classes(5)))
            }
            #expect(failure?.place == "line 4, target y")
            #expect(failure?.problem == "the label is 5, allowed are 0 … 4 (5 classes)")
        }
    }

    @Test func theFirstOfManyErrorsIsReported() throws {
        var lines = (0..<5000).map { "\($0),1" }
        for bad in [4999, 3000, 2999, 2500] { lines[bad] = "x,1" }
        try withFile(lines.joined(separator: "\n")) { path in
            let source = try CSVSource(path: path)
            let loops: [ConcurrentLoop] = [backwards, ConcurrentBlocks.dispatch]
            for loop in loops {
                let failure = dataError {
                    _ = try Dataset<Float>(source, conversion: nil, concurrently: loop)
                }
                #expect(failure?.place == "line 2501, column 1")
            }
        }
    }
}
