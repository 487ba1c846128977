import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("Labels of CSV files")
struct CSVLabelTests {
    private static let label = CSVOptions(label: .name("y"))

    private func error(_ cells: [String], _ options: CSVOptions = label) throws -> DataError? {
        try withFile(Self.table(cells)) { path in dataError { _ = try CSVSource(path: path, options: options) } }
    }

    private static func table(_ cells: [String]) -> String {
        "x,y\n" + cells.enumerated().map { "\($0),\"\($1)\"\n" }.joined()
    }

    @Test(arguments: ["?", "NA", "n/a", "-", "", "null", "1,234", "5%", "$12", "12 €", "(3)", "1'000", "low", "#N/A"])
    func aTextAmongNumbersIsAMistakeWhereverItStands(text: String) throws {
        for position in [0, 1, 3] {
            var cells = ["1.5", "2.5", "3.5"]
            cells.insert(text, at: position)
            let failure = try error(cells)
            #expect(failure?.place == "line \(position + 2), column 2 (y)")
            #expect(failure?.problem.contains("is not a number") == true)
            #expect(failure?.exitCode == 65)
        }
    }

    @Test func theMessageCountsTheNumbers() throws {
        #expect(
            try error(["?", "1", "2"])?.problem == "\"?\" is not a number, but 2 of the column's 3 cells are")
        #expect(try error(["?", "1"])?.problem == "\"?\" is not a number, but 1 of the column's 2 cells is one")
    }

    @Test(arguments: [["1,000", "1,137"], ["0 %", "1 %", "2%"], ["1,25", "?", "1,5"], ["€ 3", "-4,5e3"]])
    func numbersThatAreFormattedAreNoClasses(cells: [String]) throws {
        let failure = try error(cells)
        #expect(failure?.place == "line 2, column 2 (y)")
        #expect(failure?.remedy.contains("decimal point alone") == true)
    }

    @Test(arguments: [
        ["cat", "dog", "cat"], ["+", "-", "+"], ["<=50K", ">50K"], ["18-25", "26-35"], ["2024-01-01", "2024-01-02"],
        ["v1", "e2"], ["A1", "B", "7", "C"], ["7", "A1", "B", "C"], ["iris-setosa", "?"],
    ])
    func wordsAreClasses(cells: [String]) throws {
        try withFile(Self.table(cells)) { path in
            let source = try CSVSource(path: path, options: Self.label)
            #expect(source.targetColumns.classNames == Set(cells).sorted())
        }
    }

    @Test(arguments: ["x,y\n1,a\n2,b\n3,a \n", "x , y \n1, a\n2, b\n3,\"a \"\n", "x,y\n1,\" a\"\n2,b\n3,\"a \"\n"])
    func blanksAroundLabelsDoNotCount(text: String) throws {
        try withFile(text) { path in
            let source = try CSVSource(path: path, options: Self.label)
            #expect(source.targetColumns.classNames == ["a", "b"] && source.featureNames == ["x"])
            let conversion = try TargetConversion(from: source, to: .classes(2))
            #expect(try conversion.labels(of: source) == [0, 1, 0])
        }
    }

    @Test func aMissingLabelIsAClassAndSaidToBe() throws {
        try withFile(Self.table(["cat", "dog", "NA"])) { path in
            let notes = try CSVSource(path: path, options: Self.label).notes
            #expect(notes.last == "the label \"NA\" (line 4) is taken for a class, not for a missing value")
        }
        let notes = try withFile(Self.table(["cat", "dog"])) { try CSVSource(path: $0, options: Self.label).notes }
        #expect(notes.last?.hasPrefix("2 classes") == true)
    }

    @Test func placesInTheAlphabetAreNoValues() throws {
        try withFile(Self.table(["low", "middle", "high"])) { path in
            let source = try CSVSource(path: path, options: Self.label)
            let failure = dataError { _ = try TargetConversion(from: source, to: .values(1)) }
            #expect(failure?.place == "line 2, column 2 (y)")
            #expect(
                failure?.problem
                    == "the targets are texts of 3 kinds (\"high\", \"low\", \"middle\"), but the loss needs 1 number per sample"
            )
            _ = try TargetConversion(from: source, to: .values(3))
            _ = try TargetConversion(from: source, to: .classes(3))
        }
        // Yes and no are 1 and 0 by convention.
        try withFile(Self.table(["yes", "no"])) { path in
            _ = try TargetConversion(from: CSVSource(path: path, options: Self.label), to: .values(1))
        }
    }

    @Test func labelsThatHaveToBeNumbers() throws {
        try withFile(Self.table(["cat", "dog", "cow"])) { path in
            let file = try CSVFile(path: path, options: Self.label)
            _ = try file.source(Self.label)
            let failure = dataError { _ = try file.source(Self.label, labelsAreNumbers: true) }
            #expect(failure?.place == "line 2, column 2 (y)")
            #expect(failure?.problem == "\"cat\" is not a number")
        }
    }

    @Test(arguments: [("?,cat\n1,dog\n", "line 1, column 1"), ("cat,\"1,5\"\ndog,2\n", "line 1, column 2")])
    func aFirstLineThatIsNeitherHeaderNorSample(text: String, place: String) throws {
        try withFile(text) { path in
            #expect(dataError { _ = try CSVSource(path: path) }?.place == place)
            _ = try CSVSource(path: path, options: CSVOptions(header: .present))
        }
        // The unnamed index of a table.
        let names = try withFile(",a\n1,2\n") { try CSVSource(path: $0).featureNames }
        #expect(names == ["", "a"])
    }

    @Test func featuresSayWhatToDo() throws {
        for (cell, remedy) in [("NA", "missing values are not filled in"), ("\"1,5\"", "decimal point alone")] {
            try withFile("a,b\n1,2\n1,\(cell)\n") { path in
                let failure = dataError { _ = try Dataset<Float>(CSVSource(path: path), conversion: nil) }
                #expect(failure?.place == "line 3, column 2 (b)")
                #expect(failure?.remedy.contains(remedy) == true)
            }
        }
    }

    // MARK: Names of columns

    @Test func namesOfUsedColumnsAreDifferent() throws {
        let text = "a,x,b,x,,\n1,2,3,4,5,6\n"
        try withFile(text) { path in
            let failure = dataError { _ = try CSVSource(path: path) }
            #expect(failure?.place == "line 1")
            #expect(failure?.problem == "columns 2 and 4 are both called \"x\"")
            let unnamed = CSVOptions(ignored: [.index(1), .index(3)])
            #expect(
                dataError { _ = try CSVSource(path: path, options: unnamed) }?.problem == "columns 5 and 6 have no name"
            )
            let oneOfTwo = CSVOptions(features: [.index(0), .index(1)])
            #expect(dataError { _ = try CSVSource(path: path, options: oneOfTwo) }?.exitCode == 65)
            // Columns that nobody uses may be called as they like.
            let used = CSVOptions(features: [.name("a"), .name("b")])
            #expect(try CSVSource(path: path, options: used).featureNames == ["a", "b"])
            let (names, count) = try CSVFile(path: path, options: used).columns(used)
            #expect(names == ["a", "x", "b", "x", "", ""] && count == 6)
        }
    }
}
