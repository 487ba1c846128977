import Foundation
import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// Samples that are made when they are needed: a training comes to the bits that it comes to with the same samples in memory.
@Suite struct SampleFeedTests {
    struct Way: Sendable, CustomTestStringConvertible {
        let task: SyntheticDescription
        let output: OutputMap
        let loss: LossDescription
        let standardizes: Bool
        var testDescription: String { "\(task.task) \(output)\(standardizes ? " standardised" : "")" }
    }

    static let ways = [
        Way(
            task: .init(task: .teacher, samples: 137, inputs: 9, classes: 3, seed: 5, noise: 0.2, hidden: [6]),
            output: .softmax, loss: LossDescription(kind: .crossEntropy), standardizes: false),
        Way(
            task: .init(task: .teacher, samples: 137, inputs: 9, classes: 3, seed: 5, hidden: [6]), output: .identity,
            loss: LossDescription(kind: .squaredSum), standardizes: true),
        Way(
            task: .init(task: .xor, samples: 137, inputs: 5, seed: 5, noise: 0.3), output: .sigmoid,
            loss: LossDescription(kind: .crossEntropy), standardizes: false),
        Way(
            task: .init(task: .linear, samples: 137, inputs: 20, targets: 2, noise: 0.1), output: .identity,
            loss: LossDescription(kind: .halfSquared), standardizes: true),
        Way(
            task: .init(task: .spirals, samples: 137, classes: 3), output: .softmax,
            loss: LossDescription(kind: .crossEntropy), standardizes: false),
        Way(
            task: altered, output: .softmax, loss: LossDescription(kind: .crossEntropy), standardizes: false),
        Way(
            task: .init(task: .friedman3, samples: 137, noise: 0.1), output: .identity,
            loss: LossDescription(kind: .halfSquared), standardizes: true),
    ]

    private static var altered: SyntheticDescription {
        var result = SyntheticDescription(task: .voices, samples: 137)
        result.classShares = [1, 2]
        result.labelNoise = 0.1
        (result.redundant, result.irrelevant) = (3, 2)
        return result
    }

    @Test(arguments: ways, [true, false]) func theBitsAreThoseOfMemory(way: Way, shuffles: Bool) throws {
        try check(way, shuffles, Float.self)
        try check(way, shuffles, Double.self)
    }

    private func check<Scalar: LoomScalar>(_ way: Way, _ shuffles: Bool, _: Scalar.Type) throws {
        let source = try SyntheticSource(way.task)
        let units = way.output == .sigmoid ? 1 : way.task.classes ?? way.task.targets
        let conversion = try TargetConversion(
            from: source, to: TargetNeeds(loss: way.loss, output: way.output, outputs: units))
        // Not from the first sample on: whose numbers they have is seen.
        let range = 7..<130
        let standardization =
            way.standardizes
            ? Standardization(of: try Dataset<Double>(source, rows: .range(range), conversion: nil)) : nil
        let kept = SampleFeed.resident(
            try Dataset<Scalar>(
                source, rows: .range(range), conversion: conversion, standardization: standardization))
        let made = SampleFeed<Scalar>.generated(
            try GeneratedSamples(source, range: range, conversion: conversion, standardization: standardization))
        #expect(made.sampleCount == 123 && made.featureCount == kept.featureCount && made.residentBytes == 0)
        let classWeights = conversion.classCount.map { (0..<$0).map { Double($0 + 1) / 2 } }
        var hashes: [String] = []
        var evaluations: [Evaluation] = []
        for (feed, workers) in [(kept, 1), (made, 1), (made, 3)] {
            let feed = try feed.weighted(classes: classWeights, samples: nil)
            let trainer = try Trainer(
                network: NetworkDescription(
                    inputs: feed.featureCount,
                    layers: [
                        LayerDescription(name: "a", units: 8, activation: .tanh),
                        LayerDescription(name: "b", units: units),
                    ], output: way.output),
                loss: way.loss, optimizer: OptimizerDescription(kind: .momentum, learningRate: 0.001),
                schedule: TrainingSchedule(batchRows: 32, epochs: 3, shuffles: shuffles),
                team: TeamPlan(workers: workers),
                feed: feed)
            #expect(trainer.run(steps: 12).steps == 12)
            hashes.append(trainer.parameters.hash)
            let evaluator = Evaluator(network: trainer.network, parameters: trainer.parameters, team: trainer.team)
            evaluations.append(try evaluator.evaluate(feed, loss: way.loss))
        }
        #expect(Set(hashes).count == 1)
        #expect(evaluations[1] == evaluations[0] && evaluations[2] == evaluations[0])
        #expect(evaluations[0].samples == 123 && evaluations[0].loss.isFinite)
    }

    // MARK: Files

    /// An npy file of `rows` × `columns` elements.
    private func npy<Element: BitwiseCopyable>(_ type: String, _ values: [Element], columns: Int, in directory: String)
        throws
        -> String
    {
        var header =
            "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(values.count / columns), \(columns)), }"
        while (header.utf8.count + 11) % 64 != 0 { header += " " }
        header += "\n"
        var bytes = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
        bytes += Data([UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)]) + Data(header.utf8)
        values.withUnsafeBytes { bytes += Data($0) }
        let path = directory + "/\(UUID().uuidString).npy"
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test(arguments: ["<f4", "<f8", "|u1"], [true, false]) func batchesOfFilesHaveTheBitsOfMemory(
        element: String, standardizes: Bool
    ) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let random = CounterRandom(seed: 4, purpose: .measurement)
        let numbers = (0..<500 * 9).map { 255 * random.uniform(at: UInt64($0)) }
        func file(_ range: Range<Int>) throws -> String {
            let part = Array(numbers[range.lowerBound * 9..<range.upperBound * 9])
            switch element {
            case "<f4": return try npy(element, part.map { Float($0) }, columns: 9, in: directory.path)
            case "<f8": return try npy(element, part, columns: 9, in: directory.path)
            default: return try npy(element, part.map { UInt8($0) }, columns: 9, in: directory.path)
            }
        }
        let labels = try npy("<i4", (0..<500).map { Int32($0 * 7 % 3) }, columns: 1, in: directory.path)
        let source = try NpySource(
            inputs: [file(0..<200), file(200..<201), file(201..<500)], targets: [labels],
            scale: element == "|u1" ? 1.0 / 255 : 1)
        let conversion = try TargetConversion(from: source, to: .classes(3))
        for rows in [RowSelection.all, .list((0..<500).filter { $0 % 5 != 2 })] {
            let standardization =
                standardizes
                ? Standardization(of: try Dataset<Double>(source, rows: rows, conversion: nil)) : nil
            if let standardization {
                #expect(try Standardization(of: source, rows: rows) == standardization)
            }
            func check<Scalar: LoomScalar>(_: Scalar.Type) throws {
                let kept = SampleFeed.resident(
                    try Dataset<Scalar>(
                        source, rows: rows, conversion: conversion, standardization: standardization))
                // So little memory that pages are given back in every batch.
                let read = SampleFeed<Scalar>.mapped(
                    try MappedSamples(
                        source, inputs: #require(source.mappedInputs()), rows: rows, conversion: conversion,
                        standardization: standardization, mostBytes: 1000))
                #expect(read.sampleCount == kept.sampleCount)
                let classWeights = [0.5, 2, 1]
                let sampleWeights = (0..<read.sampleCount).map { Double($0 % 7) / 3 }
                let (keptWeighted, readWeighted) = (
                    try kept.weighted(classes: classWeights, samples: sampleWeights),
                    try read.weighted(classes: classWeights, samples: sampleWeights)
                )
                let some = try readWeighted.evenlySpaced(atMost: 50)
                for index in 0..<50 {
                    let sample = RowSelection.place(index, of: 50, in: read.sampleCount)
                    #expect(some.weights?.pointer[index] == keptWeighted.dataset?.weights?.pointer[sample])
                }
                for (shuffles, blocks) in [(true, false), (true, true), (false, false)] {
                    var hashes: [String] = []
                    var evaluations: [Evaluation] = []
                    let (kept, read) = blocks ? (keptWeighted, readWeighted) : (kept, read)
                    for (feed, workers) in [(kept, 1), (read, 1), (read, 3)] {
                        var schedule = TrainingSchedule(batchRows: 32, epochs: 2, shuffles: shuffles)
                        schedule.shufflesBlocks = blocks
                        let trainer = try Trainer(
                            network: NetworkDescription(
                                inputs: 9, layers: [LayerDescription(name: "a", units: 3)], output: .softmax),
                            loss: LossDescription(kind: .crossEntropy),
                            optimizer: OptimizerDescription(kind: .sgd, learningRate: 0.001), schedule: schedule,
                            team: TeamPlan(workers: workers), feed: feed)
                        #expect(trainer.run(steps: 20).steps == 20)
                        hashes.append(trainer.parameters.hash)
                        let evaluator = Evaluator(
                            network: trainer.network, parameters: trainer.parameters, team: trainer.team)
                        evaluations.append(try evaluator.evaluate(feed, loss: LossDescription(kind: .crossEntropy)))
                    }
                    #expect(Set(hashes).count == 1, "\(shuffles) \(blocks)")
                    #expect(evaluations[1] == evaluations[0] && evaluations[2] == evaluations[0])
                }
            }
            try check(Float.self)
            try check(Double.self)
        }
    }

    @Test func someOfThemEvenlySpaced() throws {
        let source = try SyntheticSource(.init(task: .linear, samples: 1 << 40, inputs: 3))
        let conversion = try TargetConversion(from: source, to: .values(1))
        let feed = SampleFeed<Float>.generated(
            try GeneratedSamples(
                source, range: 100..<(1 << 40), conversion: conversion, standardization: nil))
        let some = try feed.evenlySpaced(atMost: 4)
        let count = (1 << 40) - 100
        let first = try Dataset<Float>(source, rows: .range(100..<101), conversion: conversion)
        let third = 100 + count / 4 * 2 + count % 4 * 2 / 4
        let other = try Dataset<Float>(source, rows: .range(third..<third + 1), conversion: conversion)
        #expect(some.count == 4)
        #expect(
            (0..<3).allSatisfy {
                some.inputs[0, $0] == first.inputs[0, $0] && some.inputs[2, $0] == other.inputs[0, $0]
            })
    }

    @Test func moreClassesThanUnitsAreRefused() throws {
        let source = try SyntheticSource(.init(task: .blobs, samples: 10, classes: 5))
        let conversion = try TargetConversion(from: source, to: .classes(4))
        #expect(throws: DataError.self) {
            _ = try GeneratedSamples(source, range: 0..<10, conversion: conversion, standardization: nil)
        }
    }
}
