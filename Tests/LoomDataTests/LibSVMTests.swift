import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite struct LibSVMTests {
    private func data(_ text: String, features: Int? = nil) throws -> [[Double]] {
        try withFile(text) { path in
            try Dataset<Double>(LibSVMSource(path: path, features: features), conversion: nil).inputRows
        }
    }

    @Test func aFileOfScikitLearn() throws {
        try withFile(FormatFixtures.svmlight, extension: "svm") { path in
            let source = try LibSVMSource(path: path, features: nil)
            let data = try Dataset<Double>(source, conversion: nil)
            #expect(data.inputRows == [[1.5, -2], [3, 0.25], [0, 7]])
            #expect(source.targetColumns.form == .integers(smallest: 0, largest: 1))
            #expect(source.notes == ["the largest index is 2: 2 features"])
        }
    }

    @Test func whatIsNotNamedIsZero() throws {
        #expect(
            try data("1 2:5\n-1\n+1 1:1e1\t3:.5 # 4:1\n\n# a comment\r\n0 3:1\r\n") == [
                [0, 5, 0], [0, 0, 0], [10, 0, 0.5], [0, 0, 1],
            ])
        #expect(try data("1 2:5\n0 1:1", features: 4) == [[0, 5, 0, 0], [1, 0, 0, 0]])
        #expect(try data("1 qid:3 2:5\n0 qid:4\n1 qid:1 qid:2\n") == [[0, 5], [0, 0], [0, 0]])
    }

    @Test func aByteOrderMarkIsNoPartOfTheLabel() throws {
        #expect(try data("\u{FEFF}1 2:5\n0 1:4\n") == [[0, 5], [4, 0]])
    }

    @Test func rowsComeInAnyOrder() throws {
        try withFile("3 1:1\n\n5 2:2\n4 1:3\n") { path in
            let source = try LibSVMSource(path: path, features: nil)
            let numbers = AlignedBuffer<Double>(count: 9, repeating: -1)
            let inputs = MatrixView(pointer: numbers.pointer, rows: 3, columns: 2, stride: 2)
            let targets = MatrixView(pointer: numbers.pointer + 6, rows: 3, columns: 1, stride: 1)
            try source.fill(rows: [2, 0, 1], inputs: inputs, targets: targets)
            #expect(withExtendedLifetime(numbers) { inputs.nested } == [[3, 0], [1, 0], [0, 2]])
            #expect(withExtendedLifetime(numbers) { targets.nested } == [[4], [3], [5]])
            #expect(source.place(row: 1) == "line 3")
            #expect(source.place(feature: 1) == "index 2")
        }
    }

    @Test(arguments: [
        ("1 0:1\n", "line 1", "the index is 0", "number features from 1: add 1 to all indices"),
        ("1 1:1\n1 2:1 2:3\n", "line 2", "the index 2 comes after 2", "order the features by ascending index"),
        ("1 1:1\n1 3:1 2:3\n", "line 2", "the index 2 comes after 3", "order the features by ascending index"),
        ("1 1:x\n", "line 1", "the value \"x\" of index 1 is not a number", "correct it, or leave it out"),
        ("1 1:\n", "line 1", "the value \"\" of index 1 is not a number", "correct it, or leave it out"),
        ("1 -1:2\n", "line 1", "the index \"-1\" is no whole number", "number features 1, 2, 3, …"),
        ("1 1\n", "line 1", "\"1\" is no index:value", "give lines such as: 1 3:0.5 7:1"),
        ("1 :1\n", "line 1", "the index \"\" is no whole number", "number features 1, 2, 3, …"),
        ("1,2 1:1\n", "line 1", "the label \"1,2\" is not a number", "give one label for each sample"),
        ("1:1\n", "line 1", "the label \"1:1\" is not a number", "give lines such as: 1 3:0.5 7:1"),
        ("", nil, "the data set is empty", "give at least one sample"),
        ("1\n2\n", nil, "there are no feature columns", nil),
    ])
    func mistakesAreNamedByTheirLine(text: String, place: String?, problem: String, remedy: String?) throws {
        try withFile(text) { path in
            let failure = dataError { _ = try LibSVMSource(path: path, features: nil) }
            #expect(failure?.place == place)
            #expect(failure?.problem == problem)
            if let remedy { #expect(failure?.remedy == remedy) }
            #expect(failure?.exitCode == 65)
        }
    }

    @Test func anIndexThatIsMuchTooLargeIsRefusedBeforeMemoryIsTaken() throws {
        for index in ["1000000000", "100000000000000000"] {
            let failure = try withFile("1 1:1\n1 \(index):1\n") { path in
                dataError { _ = try LibSVMSource(path: path, features: nil) }
            }
            #expect(failure?.problem.hasPrefix("the largest index is \(index)") == true)
        }
        let failure = try withFile("1 5:1\n") { path in
            dataError { _ = try LibSVMSource(path: path, features: 4) }
        }
        #expect(failure?.problem == "the largest index is 5, but there are 4 features")
    }
}
