import Foundation
import LoomKernels
import Testing

@testable import LoomData

/// How much samples count, and what belongs together, as files say.
@Suite struct SampleWeightTests {
    private static let options = {
        var options = CSVOptions(label: .name("y"))
        (options.weights, options.groups) = (.name("w"), .name("g"))
        return options
    }()

    @Test func columnsOfCSVFiles() throws {
        try withFile("x,w,g,y\n1,2,a,0\n2,0.5,\" a\",1\n3,0,\"b\"\"c\",1\n") { path in
            let source = try CSVSource(path: path, options: Self.options)
            #expect(source.featureNames == ["x"])
            #expect(try source.sampleWeights() == [2, 0.5, 0])
            let groups = try #require(try source.sampleGroups())
            #expect(groups[0] == groups[1] && groups[0] != groups[2])
            // A group can be a feature where it is listed.
            var listed = Self.options
            listed.groups = .name("x")
            listed.features = [.name("x")]
            #expect(try CSVSource(path: path, options: listed).featureNames == ["x"])
            let plain = try CSVSource(path: path, options: CSVOptions(label: .name("y"), ignored: [.name("g")]))
            #expect(try plain.sampleWeights() == nil && plain.sampleGroups() == nil)
        }
    }

    @Test(arguments: [
        (
            "x,w,g,y\n1,2,a,0\n2,-1,b,1\n", "line 3, column 2 (w)",
            "the weight is -1.0, expected a finite number, 0 or more"
        ),
        ("x,w,g,y\n1,inf,a,0\n", "line 2, column 2 (w)", "the weight is inf"),
        ("x,w,g,y\n1,much,a,0\n", "line 2, column 2 (w)", "\"much\" is not a number"),
        ("x,w,g,y\n1,0,a,0\n1,0,a,0\n", nil, "all weights are 0"),
        ("x,w,g,y\n1,1,?,0\n", "line 2, column 3 (g)", "\"?\" stands for a missing group"),
        ("x,w,g,y\n1,1,,0\n", "line 2, column 3 (g)", "an empty cell stands for a missing group"),
    ]) func whatIsNone(text: String, place: String?, problem: String) throws {
        try withFile(text) { path in
            let failure = dataError {
                let source = try CSVSource(path: path, options: Self.options)
                _ = try source.sampleWeights()
                _ = try source.sampleGroups()
            }
            #expect(failure?.place == place && failure?.exitCode == 65)
            #expect(failure?.problem.hasPrefix(problem) == true, "\(failure?.problem ?? "no error")")
        }
    }

    @Test func aWeightIsNoFeature() throws {
        try withFile("x,w,g,y\n1,2,a,0\n") { path in
            var options = Self.options
            options.features = [.name("x"), .name("w")]
            let failure = dataError { _ = try CSVSource(path: path, options: options) }
            #expect(failure?.problem == "the column holds weights and is a feature")
            options.features = nil
            options.weights = .name("y")
            let target = dataError { _ = try CSVSource(path: path, options: options) }
            #expect(target?.problem == "the column holds weights and is a target")
        }
    }

    // MARK: Class weights

    private func weights(
        _ weights: ClassWeights, _ labels: [Double], classes: Int, names: [String]? = nil
    ) throws(DataError) -> [Double] {
        let source = try InlineSource(inputs: labels.map { _ in [0] }, targets: labels.map { [$0] })
        let conversion = try TargetConversion(from: source, to: .classes(classes))
        let data = try Dataset<Float>(source, conversion: conversion)
        return try weights.weights(conversion, names: names) { data.classCounts($0) }
    }

    /// n ÷ (k · n_c): the mean over all samples is 1.
    @Test func balanced() throws {
        let labels: [Double] = [0, 0, 0, 0, 0, 0, 1, 1, 2]
        let found = try weights(.balanced, labels, classes: 3)
        #expect(found == [0.5, 1.5, 3])
        #expect(labels.reduce(0) { $0 + found[Int($1)] } == 9)
        #expect(try weights(.values([1, 2, 3]), labels, classes: 3) == [1, 2, 3])
        #expect(
            try weights(.named(["b": 2, "a": 1, "c": 0]), labels, classes: 3, names: ["a", "b", "c"]) == [1, 2, 0])
        // Labels that are numbers are called as they are written.
        #expect(try weights(.named(["1": 4, "2": 5]), [1, 2, 1], classes: 2) == [4, 5])
    }

    @Test func whatDoesNotFit() throws {
        let labels: [Double] = [0, 0, 2]
        let cases: [(ClassWeights, String)] = [
            (.balanced, "class 1 has no sample to train on"), (.values([1, 2]), "2 weights, but there are 3 classes"),
            (.named(["0": 1, "1": 1, "x": 1]), "there is no class 'x'"),
            (.named(["0": 1, "1": 1]), "class '2' has no weight"),
        ]
        for (given, problem) in cases {
            let failure = dataError { _ = try weights(given, labels, classes: 3) }
            #expect(failure?.problem.hasPrefix(problem) == true, "\(failure?.problem ?? "no error")")
        }
        let source = try InlineSource(inputs: [[0], [1]], targets: [[0.5], [1.5]])
        let conversion = try TargetConversion(from: source, to: .values(1))
        let failure = dataError { _ = try ClassWeights.balanced.weights(conversion, names: nil) { _ in [] } }
        #expect(failure?.problem.hasPrefix("the targets are not classes") == true)
    }

    /// One-hot rows, one decision, labels: the class is the same, and so are the weights.
    @Test func whateverTheFormOfTargets() throws {
        let source = try InlineSource(inputs: [[0], [0], [0]], targets: [[1], [0], [1]])
        for needs in [TargetNeeds.classes(2), .decisions(1), .decisions(2), .values(2)] {
            let data = try Dataset<Float>(source, conversion: TargetConversion(from: source, to: needs))
            #expect(data.classCounts(2) == [1, 2], "\(needs)")
            let weighted = data.weighted(classes: [3, 5], samples: [1, 2, 0])
            #expect(weighted.weights?.elements.elementsEqual([5, 6, 0]) == true, "\(needs)")
            #expect(weighted.byteCount == data.byteCount + 12)
        }
    }

    // MARK: Files beside the samples

    @Test func filesOfNumbers() throws {
        let source = try InlineSource(inputs: [[0], [1], [2]], targets: [[0], [1], [1]])
        func read(_ values: [Double], shape: String) throws -> (weights: [Double], groups: [UInt64]) {
            var file = Data(NpyWriter.header("<f8", shape: shape))
            values.withUnsafeBytes { file += Data($0) }
            return try withFile(file) { path in
                (try SampleColumns.weights(npy: path, of: source), try SampleColumns.groups(npy: path, of: source))
            }
        }
        let (weights, groups) = try read([0, 2, -0.0], shape: "(3,)")
        #expect(weights == [0, 2, 0] && groups[0] == groups[2] && groups[0] != groups[1])
        #expect(try read([0, 2, 1], shape: "(3, 1)").weights == [0, 2, 1])
        let cases: [([Double], String, String)] = [
            ([1, 2], "(2,)", "2 weights, but 3 samples in"),
            ([1, 2, 3, 4, 5, 6], "(3, 2)", "shape [3, 2], expected one number"),
            ([1, -2, 3], "(3,)", "the weight is -2.0"), ([1, .nan, 3], "(3,)", "the weight is nan"),
        ]
        for (values, shape, problem) in cases {
            let failure = dataError { _ = try read(values, shape: shape) }
            #expect(failure?.problem.hasPrefix(problem) == true, "\(failure?.problem ?? "no error")")
        }
    }
}
