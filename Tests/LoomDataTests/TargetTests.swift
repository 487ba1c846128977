import Testing

@testable import LoomData

@Suite("Targets")
struct TargetTests {
    private func source(_ targets: [[Double]]) throws -> InlineSource {
        try InlineSource(inputs: targets.map { _ in [0] }, targets: targets)
    }

    private func convert(
        _ targets: [[Double]], _ needs: TargetNeeds, base: LabelBase = .automatic
    ) throws -> Dataset<Float> {
        let source = try source(targets)
        return try Dataset(source, conversion: TargetConversion(from: source, to: needs, base: base))
    }

    // MARK: Detection

    @Test(
        arguments: [
            ([[0], [2], [1]], .integers(smallest: 0, largest: 2)),
            ([[0], [1]], .integers(smallest: 0, largest: 1)),
            ([[-1], [1]], .integers(smallest: -1, largest: 1)),
            ([[0.5], [1]], .real(columns: 1)),
            ([[1e10], [1]], .real(columns: 1)),
            ([[0, 1], [1, 0]], .oneHot(columns: 2)),
            ([[0, 1], [1, 1]], .decisions(columns: 2)),
            ([[0, 1], [0, 0]], .decisions(columns: 2)),
            ([[0.25, 0.75], [1, 0]], .shares(columns: 2)),
            ([[0.25, 0.5], [1, 0]], .real(columns: 2)),
            ([[-1, 2], [1, 0]], .real(columns: 2)),
            ([[3, 4], [1, 0]], .real(columns: 2)),
        ] as [([[Double]], TargetForm)])
    func form(targets: [[Double]], expected: TargetForm) throws {
        #expect(try source(targets).targetColumns.form == expected)
    }

    @Test func oneDifferentRowAmongMany() throws {
        var targets = [[Double]](repeating: [0, 1], count: 3000)
        #expect(try source(targets).targetColumns.form == .oneHot(columns: 2))
        targets[2999] = [1, 1]
        #expect(try source(targets).targetColumns.form == .decisions(columns: 2))
    }

    // MARK: Labels

    @Test(
        arguments: [
            ([0, 1, 2], 3, .automatic, [0, 1, 2], "class labels 0 … 2, taken to start at 0"),
            ([1, 2, 3], 3, .automatic, [0, 1, 2], "class labels 1 … 3, taken to start at 1"),
            ([1, 2, 1], 3, .automatic, [1, 2, 1], "class labels 1 … 2, taken to start at 0"),
            ([2, 3, 3], 3, .automatic, [1, 2, 2], "class labels 2 … 3, taken to start at 1"),
            ([1, 2, 1], 3, .one, [0, 1, 0], nil),
            ([1, 2, 1], 3, .zero, [1, 2, 1], nil),
        ] as [([Double], Int, LabelBase, [Int32], String?)])
    func bases(labels: [Double], classes: Int, base: LabelBase, expected: [Int32], note: String?) throws {
        let source = try source(labels.map { [$0] })
        let conversion = try TargetConversion(from: source, to: .classes(classes), base: base)
        #expect(conversion.note == note)
        #expect(conversion.base == (expected[0] == Int32(labels[0]) ? .zero : .one))
        #expect(try Dataset<Float>(source, conversion: conversion).labels == expected)
    }

    @Test(
        arguments: [
            ([0, 1, 3], .automatic, 2, "the label is 3, allowed are 0 … 2 (3 classes)"),
            ([1, -1, 0], .automatic, 1, "the label is -1, allowed are 0 … 2 (3 classes)"),
            ([1, 2, 0], .one, 2, "the label is 0, allowed are 1 … 3 (3 classes)"),
            ([1, 2, 3], .zero, 2, "the label is 3, allowed are 0 … 2 (3 classes)"),
            ([1, 2, 4], .one, 2, "the label is 4, allowed are 1 … 3 (3 classes)"),
        ] as [([Double], LabelBase, Int, String)])
    func outOfRange(labels: [Double], base: LabelBase, row: Int, problem: String) {
        let failure = dataError { _ = try convert(labels.map { [$0] }, .classes(3), base: base) }
        #expect(failure?.problem == problem)
        #expect(failure?.place == "row \(row) (counted from 0), target")
        #expect(failure?.category == .badData)
    }

    @Test func classesFromOneHotAndShares() throws {
        #expect(try convert([[0, 0, 1], [1, 0, 0]], .classes(3)).labels == [2, 0])
        #expect(
            try convert([[0, 0.25, 0.75], [1, 0, 0]], .classes(3)).values == [[0, 0.25, 0.75], [1, 0, 0]])
    }

    @Test func tooLargeForSinglePrecision() throws {
        let failure = dataError { _ = try convert([[1, 0.5], [1e300, 0]], .values(2)) }
        #expect(failure?.problem == "a target is NaN or too large for float32")
        #expect(failure?.place == "row 1 (counted from 0)")
        let source = try source([[1, 0.5], [1e300, 0]])
        let dataset = try Dataset<Double>(source, conversion: TargetConversion(from: source, to: .values(2)))
        #expect(dataset.values[1] == [1e300, 0])
    }

    @Test(arguments: [
        ([[1, 0], [1, 1]], "the targets [1.0, 1.0] are neither one-hot nor shares of classes with sum 1"),
        (
            [[0.5, 0.5], [0.5, 0.4]],
            "the targets [0.5, 0.4] are neither one-hot nor shares of classes with sum 1"
        ),
        (
            [[0.5, 0.5], [-1, 2]],
            "the targets [-1.0, 2.0] are neither one-hot nor shares of classes with sum 1"
        ),
    ])
    func rowsWithoutAClass(targets: [[Double]], problem: String) {
        let failure = dataError { _ = try convert(targets, .classes(2)) }
        #expect(failure?.problem == problem)
        #expect(failure?.place == "row 1 (counted from 0)")
    }

    @Test func oneHotFromLabels() throws {
        let expected: [[Float]] = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
        #expect(try convert([[1], [2], [0]], .values(3)).values == expected)
        #expect(try convert([[2], [3], [1]], .decisions(3)).values == expected)
    }

    // MARK: Decisions and values

    @Test func decisions() throws {
        #expect(try convert([[0], [1]], .decisions(1)).values == [[0], [1]])
        #expect(try convert([[1], [2]], .decisions(1)).values == [[0], [1]])
        #expect(try convert([[0.25], [1]], .decisions(1)).values == [[0.25], [1]])
        #expect(try convert([[0, 1], [1, 1]], .decisions(2)).values == [[0, 1], [1, 1]])
        let failure = dataError { _ = try convert([[0, 1], [1, 1.5]], .decisions(2)) }
        #expect(failure?.problem == "the target is 1.5, but a decision is between 0 and 1")
        #expect(failure?.place == "row 1 (counted from 0), target column 1")
        #expect(dataError { _ = try convert([[0], [3]], .decisions(1)) } != nil)
    }

    @Test func values() throws {
        #expect(try convert([[1900], [2020]], .values(1)).values == [[1900], [2020]])
        #expect(try convert([[-1.5, 2], [0, 1e6]], .values(2)).values == [[-1.5, 2], [0, 1e6]])
        #expect(try convert([[0, 1], [1, 0]], .values(2)).values == [[0, 1], [1, 0]])
    }

    @Test(
        arguments: [
            ([[0.5], [1]], .classes(3), "real numbers in 1 column", "one class of 3 per sample"),
            ([[0, 1], [1, 0]], .classes(3), "one-hot rows of 2 columns", "one class of 3 per sample"),
            ([[0, 1], [1, 0]], .values(1), "one-hot rows of 2 columns", "1 value per sample"),
            ([[0.5], [1]], .values(2), "real numbers in 1 column", "2 values per sample"),
            (
                [[0, 1], [1, 1]], .decisions(3), "0/1 in 2 columns", "3 decisions between 0 and 1 per sample"
            ),
        ] as [([[Double]], TargetNeeds, String, String)])
    func mismatch(targets: [[Double]], needs: TargetNeeds, found: String, expected: String) {
        let failure = dataError { _ = try convert(targets, needs) }
        #expect(failure?.problem == "the targets are \(found), but the loss needs \(expected)")
    }

    @Test func missingTargets() throws {
        let source = try InlineSource(inputs: [[1]])
        let failure = dataError { _ = try TargetConversion(from: source, to: .classes(2)) }
        #expect(
            failure?.problem == "the targets are no targets, but the loss needs one class of 2 per sample")
    }

    // MARK: Inline data

    @Test func inlineData() throws {
        let source = try InlineSource(inputs: [[1, 0], [2, 3]], targets: [[0, 1], [1, 0]])
        let conversion = try TargetConversion(from: source, to: .values(2))
        let dataset = try Dataset<Double>(source, conversion: conversion)
        #expect(dataset.inputRows == [[1, 0], [2, 3]])
        #expect(dataset.values == [[0, 1], [1, 0]])
        #expect(dataset.byteCount == 64)
    }

    @Test func badInlineData() {
        #expect(dataError { _ = try InlineSource(inputs: []) }?.problem == "the data set is empty")
        #expect(dataError { _ = try InlineSource(inputs: [[]]) }?.problem == "there are no feature columns")
        #expect(dataError { _ = try InlineSource(inputs: [[1, 2], [3]]) }?.place == "inputs[1]")
        let ragged = dataError { _ = try InlineSource(inputs: [[1], [2]], targets: [[1, 2], [3]]) }
        #expect(ragged?.place == "targets[1]")
        let fewer = dataError { _ = try InlineSource(inputs: [[1], [2]], targets: [[1]]) }
        #expect(fewer?.problem == "2 rows of inputs, but 1 targets")
        #expect(dataError { _ = try InlineSource(inputs: [[1]], targets: [[]]) }?.place == "targets[0]")
        let target = dataError { _ = try InlineSource(inputs: [[1], [2]], targets: [[1], [.nan]]) }
        #expect(target?.place == "row 1 (counted from 0), target")
        let input = dataError { _ = try dataset([[1, 2], [3, -.infinity]]) }
        #expect(input?.place == "row 1 (counted from 0), column 1 (counted from 0)")
    }

    @Test func oneLineOfError() {
        let failure = DataError(
            .badData, source: "x.csv", place: "line 2", problem: "it is wrong", remedy: "fix it")
        #expect("\(failure)" == "x.csv, line 2: it is wrong; fix it")
    }

    @Test(arguments: [TargetNeeds.classes(2), .decisions(1), .decisions(2)], [LabelBase.automatic, .minusOne])
    func minusOneAndOne(needs: TargetNeeds, base: LabelBase) throws {
        let source = try InlineSource(inputs: [[0], [0], [0]], targets: [[-1], [1], [-1]])
        let conversion = try TargetConversion(from: source, to: needs, base: base)
        #expect(
            conversion.base == .minusOne && conversion.labelText(of: 0) == "-1" && conversion.labelText(of: 1) == "1")
        #expect(conversion.note == (base == .automatic ? "class labels -1 and 1" : nil))
        #expect(try Dataset<Float>(source, conversion: conversion).classCounts(2) == [2, 1])
        let other = try InlineSource(inputs: [[0], [0], [0]], targets: [[-1], [1], [0]])
        let failure = dataError {
            _ = try Dataset<Float>(other, conversion: TargetConversion(from: other, to: needs, base: base))
        }
        #expect(failure?.problem == "the label is 0, allowed are -1 and 1 (2 classes)", "\(failure?.problem ?? "")")
    }
}
