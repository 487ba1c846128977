import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("Categories in CSV files")
struct CSVCategoryTests {
    private static let table = "age,job,city,y\n30,cook, Rome ,1\n40,baker,\"Ulm, north\",2\n50,cook,Rome,3\n"
    private static let both = CSVOptions(label: .name("y"), categories: .columns([.name("job"), .name("city")]))

    private func inputs(_ text: String, _ options: CSVOptions, known: [CSVColumn]? = nil) throws -> [[Double]] {
        try withFile(text) {
            let source = try CSVFile(path: $0, options: options).source(options, known: known)
            return try Dataset<Double>(source, conversion: nil).inputRows
        }
    }

    private func error(_ text: String, _ options: CSVOptions, known: [CSVColumn]? = nil) throws -> DataError? {
        try withFile(text) { path in
            dataError {
                let source = try CSVFile(path: path, options: options).source(options, known: known)
                _ = try Dataset<Float>(source, conversion: nil)
            }
        }
    }

    @Test func eachCategoryIsAnInput() throws {
        try withFile(Self.table) { path in
            let source = try CSVSource(path: path, options: Self.both)
            #expect(source.featureNames == ["age", "job=baker", "job=cook", "city=Rome", "city=Ulm, north"])
            #expect(
                try Dataset<Double>(source, conversion: nil).inputRows == [
                    [30, 0, 1, 1, 0], [40, 1, 0, 0, 1], [50, 0, 1, 1, 0],
                ])
            #expect(
                source.columns == [
                    CSVColumn(name: "age"), CSVColumn(name: "job", categories: ["baker", "cook"]),
                    CSVColumn(name: "city", categories: ["Rome", "Ulm, north"]),
                ])
            #expect(source.notes.last == "columns of categories, an input for each: job (2), city (2)")
            #expect(source.place(feature: 0) == "column 1 (age)")
            #expect(source.place(feature: 4) == "column 3 (city)")
            #expect(try CSVSource.featureCount(path: path, options: Self.both) == 5)
        }
    }

    @Test func manyRowsAndTextsOnSeveralThreads() throws {
        let count = 5000
        let text = (0..<count).map { "\($0),c\($0 * 7 % 300),\($0 % 3)\n" }.joined()
        try withFile(text) { path in
            let options = CSVOptions(header: .absent, label: .index(2), categories: .columns([.index(1)]))
            let source = try CSVSource(path: path, options: options)
            let names = (0..<300).map { "c\($0)" }.sorted()
            #expect(source.columns?[1].categories == names)
            let rows = try Dataset<Double>(source, conversion: nil).inputRows
            for (row, values) in rows.enumerated() {
                #expect(values[0] == Double(row) && values.dropFirst().reduce(0, +) == 1)
                #expect(values[1 + names.firstIndex(of: "c\(row * 7 % 300)")!] == 1)
            }
        }
    }

    @Test func automaticColumnsHaveMoreWordsThanNumbers() throws {
        // Numbers, words, numbers among words, a word among numbers.
        let text = "a,b,c,d\n1,x,7,1\n2,y,A1,2\n3,x,B,3\n"
        let options = CSVOptions(categories: .automatic)
        #expect(try inputs(text, options).map(\.count) == [7, 7, 7])
        try withFile(text) { path in
            let columns = try CSVSource(path: path, options: options).columns
            #expect(columns?.map(\.categories) == [nil, ["x", "y"], ["7", "A1", "B"], nil])
        }
        let typo = try error(text.replacing("3,x,B,3", with: "3,x,B,three"), options)
        #expect(typo?.place == "line 4, column 4 (d)")
        let date = try error("a,b\n1,2024-01-31\n2,2024-02-01\n", options)
        #expect(date?.place == "line 2, column 2 (b)")
        #expect(date?.remedy.hasPrefix("dates and times are not read") == true)
        // Without such columns nothing is special.
        #expect(try inputs("a,b\n1,2\n", options) == [[1, 2]])
    }

    @Test func numbersMayBeCategories() throws {
        let options = CSVOptions(header: .absent, categories: .columns([.index(0)]))
        #expect(try inputs("10,1\n9,2\n10,3\n", options) == [[1, 0, 1], [0, 1, 2], [1, 0, 3]])
    }

    @Test func quotesAndAccentsMakeNoOtherCategory() throws {
        let options = CSVOptions(header: .present, categories: .columns([.index(0)]))
        #expect(try inputs("a\n\"x\"\nx\n x \n", options) == [[1], [1], [1]])
        #expect(try inputs("a\n\"say \"\"x\"\"\"\ny\n", options) == [[1, 0], [0, 1]])
        #expect(try inputs("a\n\u{e9}\ne\u{301}\n", options) == [[1], [1]])
    }

    // MARK: Other files

    @Test func otherFilesHaveTheSameCategories() throws {
        let known = [CSVColumn(), CSVColumn(categories: ["cook", "baker"])]
        let options = CSVOptions(header: .absent, categories: .automatic)
        #expect(try inputs("1,baker\n2,baker\n", options, known: known) == [[1, 0, 1], [2, 0, 1]])
        let failure = try error("1,baker\n2,smith\n", options, known: known)
        #expect(failure?.place == "line 2, column 2")
        #expect(failure?.problem == "\"smith\" is none of the column's 2 categories in training")
        #expect(
            failure?.remedy
                == "correct the cell, remove the line, or train on data that have it; the categories are: cook, baker")
        #expect(failure?.exitCode == 65)
        let count = try error("1,baker,3\n", options, known: known)
        #expect(count?.problem == "3 feature columns, but the model was trained on 2")
    }

    // MARK: Mistakes

    @Test func anUndeclaredTextNamesTheRemedy() throws {
        let failure = try error(Self.table, CSVOptions(label: .name("y")))
        #expect(failure?.place == "line 2, column 2 (job)")
        #expect(failure?.problem == "\"cook\" is not a number")
        #expect(failure?.remedy.hasSuffix("if it holds categories, list it in data.csv.categories") == true)
    }

    @Test func columnsThatCannotBeCategories() throws {
        let noFeature = try error(Self.table, CSVOptions(label: .name("y"), categories: .columns([.name("y")])))
        #expect(noFeature?.problem == "the column is listed in data.csv.categories, but is no feature")
        #expect(noFeature?.exitCode == 78)
        let unknown = try error(Self.table, CSVOptions(label: .name("y"), categories: .columns([.name("jobs")])))
        #expect(unknown?.problem == "there is no column \"jobs\"")
        let missing = try error("a,b\n1,?\n", CSVOptions(missing: .mean, categories: .columns([.name("b")])))
        #expect(missing?.problem == "all categories are missing")
    }

    @Test(arguments: [1000, 1001])
    func categoriesAreLimited(count: Int) throws {
        let text = "a,b\n" + (0..<2 * count).map { "\($0),id\($0 % count)\n" }.joined()
        let failure = try error(text, CSVOptions(categories: .columns([.name("b")])))
        #expect(failure?.place == (count > 1000 ? "column 2 (b)" : nil))
        #expect(
            failure?.problem == (count > 1000 ? "more than 1000 categories, such as id0, id1, id10" : nil))
    }

    @Test func aMissingCategoryIsRefusedUnlessDeclared() throws {
        let failure = try error("a,b\n1,x\n2,NA\n", CSVOptions(categories: .columns([.name("b")])))
        #expect(failure?.place == "line 3, column 2 (b)")
        #expect(failure?.problem == "\"NA\" stands for a missing category")
        #expect(failure?.remedy.contains("data.csv.missing") == true)
        // Words that people use for categories are none.
        #expect(try inputs("a,b\n1,none\n2,-\n", CSVOptions(categories: .columns([.name("b")])))[0].count == 3)
    }

    // MARK: Texts by their bytes

    @Test func textTable() {
        var table = TextTable()
        var other = TextTable()
        func add(_ text: String, _ first: Int, to table: inout TextTable) {
            var text = text
            text.withUTF8 { table.add($0, first: first) }
        }
        for index in 0..<500 { add("text \(index % 100)", index, to: &table) }
        add("", 7, to: &other)
        add("text 5", 3, to: &other)
        table.merge(other)
        #expect(table.texts == (0..<100).map { "text \($0)" } + [""])
        var counts: [Int] = []
        var firsts: [Int] = []
        table.forEach { _, count, first in
            counts.append(count)
            firsts.append(first)
        }
        #expect(counts == [5, 5, 5, 5, 5, 6] + Array(repeating: 5, count: 94) + [1])
        #expect(firsts == [0, 1, 2, 3, 4, 3] + Array(6..<100) + [7])
        let index = TextIndex(["b", "a"])
        #expect(index.place(of: "a") == 1 && index.place(of: "c") == nil)
        Array("b".utf8).withUnsafeBufferPointer { #expect(index.place(of: $0) == 0) }
        Array("ab".utf8).withUnsafeBufferPointer { #expect(index.place(of: $0) == nil) }
        var limited = TextTable(capacity: 2)
        for text in ["a", "b", "c", "a"] { add(text, 0, to: &limited) }
        #expect(limited.texts == ["a", "b"])
    }
}
