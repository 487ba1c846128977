import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("Synthetic data")
struct SyntheticTests {
    static let tasks: [SyntheticDescription] = plain + altered

    private static let plain: [SyntheticDescription] = [
        .init(
            task: .teacher, samples: 2100, inputs: 7, classes: 4, seed: 7, noise: 0.1, hidden: [5], gain: 0.8),
        .init(task: .teacher, samples: 2100, inputs: 6, targets: 3, seed: 7, noise: 0.1, hidden: [9]),
        .init(task: .blobs, samples: 2100, inputs: 3, classes: 4, clusterStd: 0.5, centerBox: [-4, 5]),
        .init(task: .spirals, samples: 2100, classes: 3, turns: 1.5),
        .init(task: .xor, samples: 2100, inputs: 3, noise: 0.1),
        .init(task: .linear, samples: 2100, targets: 2, noise: 0.1, informative: 4, bias: 3),
        .init(task: .friedman1, samples: 2100, inputs: 7, noise: 0.5),
        .init(task: .teacher, samples: 2100, inputs: 6, classes: 3, hidden: [20, 5, 33], activation: .relu),
        .init(task: .mixture, samples: 2100, inputs: 3, classes: 4),
        .init(task: .rings, samples: 2100, classes: 3),
        .init(task: .parity, samples: 2100, inputs: 70, noise: 0.1),
        .init(task: .logistic, samples: 2100, informative: 3, bias: 0.5),
        .init(task: .intervals, samples: 2100),
        .init(task: .triangle, samples: 2100),
        .init(task: .threshold, samples: 2100, inputs: 4, hidden: [3, 2]),
        .init(task: .friedman2, samples: 2100, noise: 1),
        .init(task: .friedman3, samples: 2100, noise: 0.1),
        .init(task: .exponentials, samples: 2100, targets: 2, noise: 0.1),
        .init(task: .letters, samples: 2100),
        .init(task: .voices, samples: 2100),
        .init(task: .prices, samples: 2100),
    ]

    /// Tasks with all that makes them harder.
    private static var altered: [SyntheticDescription] {
        var blobs = SyntheticDescription(task: .mixture, samples: 2100, inputs: 3, classes: 4)
        blobs.classShares = [1, 0, 3, 2]
        blobs.labelNoise = 0.2
        (blobs.redundant, blobs.irrelevant) = (18, 2)
        var teacher = SyntheticDescription(task: .teacher, samples: 2100, inputs: 5, targets: 2, noise: 0.1)
        teacher.correlation = 0.3
        teacher.irrelevant = 1
        return [blobs, teacher]
    }

    private func dataset<Scalar>(
        _ description: SyntheticDescription, rows: RowSelection = .all, as _: Scalar.Type = Double.self,
        concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws -> Dataset<Scalar> {
        let source = try SyntheticSource(description)
        let needs = description.classes.map { TargetNeeds.classes($0) } ?? .values(description.targets)
        return try Dataset(
            source, rows: rows, conversion: TargetConversion(from: source, to: needs), concurrently: loop)
    }

    /// Inputs, labels and values in one comparable value.
    private func content<Scalar>(_ dataset: Dataset<Scalar>) -> [[Scalar]] {
        dataset.inputRows + dataset.values + dataset.labels.map { [Scalar($0)] }
    }

    // MARK: Purity

    @Test(arguments: tasks)
    func aSampleDependsOnItsNumberAlone(description: SyntheticDescription) throws {
        let whole: Dataset<Double> = try dataset(description)
        let again: Dataset<Double> = try dataset(description, concurrently: backwards)
        #expect(content(whole) == content(again))

        let rows: [UInt32] = [2099, 3, 1024, 1023, 0, 3]
        let some: Dataset<Double> = try dataset(description, rows: .list(rows))
        let wholeInputs = whole.inputRows
        #expect(some.inputRows == rows.map { wholeInputs[Int($0)] })
        if description.classes == nil {
            let wholeValues = whole.values
            #expect(some.values == rows.map { wholeValues[Int($0)] })
        } else {
            let wholeLabels = whole.labels
            #expect(some.labels == rows.map { wholeLabels[Int($0)] })
        }
        var longer = description
        longer.samples += 1
        let prefix: Dataset<Double> = try dataset(longer, rows: .range(0..<2100))
        #expect(content(prefix) == content(whole))
    }

    @Test(arguments: tasks)
    func targetsWithoutInputs(description: SyntheticDescription) throws {
        let source = try SyntheticSource(description)
        let columns = source.targetColumns.count
        let rows = Array(0..<UInt64(50))[...]
        try withScratchMatrix(rows: 50, columns: columns) { alone throws(DataError) in
            try withScratchMatrix(rows: 50, columns: columns) { together throws(DataError) in
                try withScratchMatrix(rows: 50, columns: source.featureCount) { inputs throws(DataError) in
                    try source.fill(rows: rows, inputs: nil, targets: alone)
                    try source.fill(rows: rows, inputs: inputs, targets: together)
                }
                #expect(alone.nested == together.nested)
            }
        }
    }

    @Test(arguments: tasks)
    func singlePrecisionIsRoundedDouble(description: SyntheticDescription) throws {
        let rows = RowSelection.range(0..<200)
        let double: Dataset<Double> = try dataset(description, rows: rows)
        let single = try dataset(description, rows: rows, as: Float.self)
        #expect(content(single) == content(double).map { $0.map { Float($0) } })
        // Samples are made in float32: nothing is lost.
        #expect(content(double) == content(single).map { $0.map { Double($0) } })
    }

    @Test(arguments: tasks)
    func theSeedCounts(description: SyntheticDescription) throws {
        var other = description
        other.seed += 1
        let rows = RowSelection.range(0..<20)
        let first: Dataset<Double> = try dataset(description, rows: rows)
        let second: Dataset<Double> = try dataset(other, rows: rows)
        #expect(zip(first.inputRows, second.inputRows).allSatisfy { $0 != $1 })
        #expect(Set(first.inputRows).count == 20)
    }

    // MARK: Definitions

    @Test func teacherClassesAreBalanced() throws {
        let description = SyntheticDescription(
            task: .teacher, samples: 5000, inputs: 16, classes: 5, hidden: [8])
        let data = try dataset(description, as: Float.self)
        let labels = data.labels
        for label in 0..<5 as Range<Int32> {
            // A class has 1,000 ± 28 samples if all are equally likely.
            #expect(abs(labels.count { $0 == label } - 1000) < 150)
        }
    }

    @Test func teacherRegression() throws {
        let description = SyntheticDescription(
            task: .teacher, samples: 4000, inputs: 16, targets: 2, hidden: [8])
        let values = try dataset(description, as: Double.self).values
        for target in 0..<2 {
            let mean = values.reduce(0) { $0 + $1[target] } / 4000
            let variance = values.reduce(0) { $0 + $1[target] * $1[target] } / 4000
            #expect(abs(mean) < 0.08)
            #expect(abs(variance - 1) < 0.15)
        }
    }

    @Test func tanhDeviation() {
        // A small gain leaves tanh linear; a large one makes it a sign.
        #expect(abs(RandomDirections.tanhDeviation(gain: 1e-4) - 1e-4) < 1e-11)
        #expect(abs(RandomDirections.tanhDeviation(gain: 1e4) - 1) < 0.01)
    }

    @Test(arguments: [(3, 5), (5, 5), (7, 3)])
    func directionsAreOrthogonalAsFarAsPossible(count: Int, dimensions: Int) {
        let rows = RandomDirections.rows(count, of: dimensions, seed: 1, stream: 0, length: 2)
        for first in 0..<count {
            for second in 0...first where first / dimensions == second / dimensions {
                var product = 0.0
                for element in 0..<dimensions {
                    product += rows[first * dimensions + element] * rows[second * dimensions + element]
                }
                #expect(abs(product - (first == second ? 4 : 0)) < 1e-12)
            }
        }
        let columns = RandomDirections.transposed(rows, columns: dimensions)
        #expect(columns[1] == rows[(1 % count) * dimensions + 1 / count])
    }

    /// The same bits as row by row, in a group and beyond it.
    @Test(arguments: [(23, 9), (9, 23), (20, 20), (1, 5), (5, 1)])
    func directionsAreThoseOfGramAndSchmidt(count: Int, dimensions: Int) {
        let random = CounterRandom(seed: 3, purpose: .teacher, subStream: 1)
        var expected: [[Double]] = []
        for row in 0..<count {
            var values = (0..<dimensions).map { random.normal(at: UInt64(row * dimensions + $0)) }
            for other in expected[(row / dimensions * dimensions)...] {
                let product = zip(values, other).reduce(0) { $0 + $1.0 * $1.1 }
                values = zip(values, other).map { $0 - product * $1 }
            }
            let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            expected.append(values.map { $0 / norm })
        }
        let rows = RandomDirections.rows(count, of: dimensions, seed: 3, stream: 1, length: 2)
        #expect(rows == expected.joined().map { $0 * 2 })
    }

    @Test func blobs() throws {
        let description = SyntheticDescription(
            task: .blobs, samples: 3000, inputs: 2, classes: 3, seed: 2, clusterStd: 0.5, centerBox: [-4, 4])
        let data: Dataset<Double> = try dataset(description)
        let (inputs, labels) = (data.inputRows, data.labels)
        for label in 0..<3 as Range<Int32> {
            let points = inputs.indices.filter { labels[$0] == label }.map { inputs[$0] }
            #expect(points.count == 1000)
            for axis in 0..<2 {
                let mean = points.reduce(0) { $0 + $1[axis] } / 1000
                let variance = points.reduce(0) { $0 + ($1[axis] - mean) * ($1[axis] - mean) } / 1000
                #expect(abs(mean) < 4.1)
                #expect(abs(variance.squareRoot() - 0.5) < 0.06)
            }
        }
    }

    @Test func spirals() throws {
        let description = SyntheticDescription(task: .spirals, samples: 300, classes: 3, noise: 0, turns: 1.5)
        let data: Dataset<Double> = try dataset(description)
        let labels = data.labels
        for (row, point) in data.inputRows.enumerated() {
            let radius = (point[0] * point[0] + point[1] * point[1]).squareRoot()
            let turn = 1.5 * radius + Double(labels[row]) / 3
            #expect(radius < 1)
            #expect(abs(point[0] - radius * cos(2 * .pi * turn)) < 2e-6)
            #expect(abs(point[1] - radius * sin(2 * .pi * turn)) < 2e-6)
        }
    }

    @Test func xor() throws {
        let clean = SyntheticDescription(task: .xor, samples: 1000, inputs: 4)
        var noisy = clean
        noisy.noise = 0.25
        let data: Dataset<Double> = try dataset(clean)
        let moved: Dataset<Double> = try dataset(noisy)
        let (labels, movedInputs) = (data.labels, moved.inputRows)
        var squares = 0.0
        for (row, point) in data.inputRows.enumerated() {
            #expect(labels[row] == ((point[0] > 0) != (point[1] > 0) ? 1 : 0))
            squares += zip(point, movedInputs[row]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        #expect(labels == moved.labels)
        #expect(abs((squares / 4000).squareRoot() - 0.25) < 0.02)
    }

    @Test func linear() throws {
        let clean = SyntheticDescription(
            task: .linear, samples: 200, inputs: 6, targets: 2, informative: 3, bias: 10)
        var noisy = clean
        noisy.noise = 0.5
        let data: Dataset<Double> = try dataset(clean)
        let moved: Dataset<Double> = try dataset(noisy)
        let rows = RandomDirections.rows(2, of: 3, seed: 1, stream: 0, length: 1)
        let (values, movedValues) = (data.values, moved.values)
        var squares = 0.0
        for (row, point) in data.inputRows.enumerated() {
            for target in 0..<2 {
                let expected = 10 + (0..<3).reduce(0) { $0 + rows[3 * target + $1] * point[$1] }
                #expect(abs(values[row][target] - expected) < 4e-6)
                let noise = movedValues[row][target] - values[row][target]
                squares += noise * noise
            }
        }
        #expect(abs((squares / 400).squareRoot() - 0.5) < 0.1)
    }

    @Test func friedman1() throws {
        let data: Dataset<Double> = try dataset(.init(task: .friedman1, samples: 300, inputs: 6))
        let values = data.values
        for (row, x) in data.inputRows.enumerated() {
            #expect(x.allSatisfy { $0 > 0 && $0 < 1 })
            let product = 10 * sin(.pi * x[0] * x[1])
            let expected = product + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] + 5 * x[4]
            #expect(abs(values[row][0] - expected) < 4e-6)
        }
    }

    /// The least and the largest of what can be given.
    @Test(
        arguments: [
            .init(task: .teacher, samples: 500, targets: 1, gain: 0.001),
            .init(task: .teacher, samples: 500, targets: 1, hidden: [8, 8], activation: .sigmoid, gain: 0.001),
            .init(task: .teacher, samples: 500, targets: 1, hidden: [8, 8], activation: .relu, gain: 1000),
            .init(task: .exponentials, samples: 500, gain: 0.001),
        ] as [SyntheticDescription])
    func extremeGainsHaveOutputsOfVarianceOne(description: SyntheticDescription) throws {
        let values = try description.rows().targets.map { $0[0] }
        #expect(abs(covariance(values, values) - 1) < 0.5)
        // Exponentials have a mean of their own.
        #expect(description.task != .teacher || abs(mean(values)) < 0.4)
    }

    @Test(
        arguments: [
            .init(task: .xor, samples: 500, noise: 1e18), .init(task: .spirals, samples: 500, turns: 1e6),
            .init(task: .blobs, samples: 500, clusterStd: 1e18, centerBox: [-1e18, 1e18]),
            .init(task: .logistic, samples: 500, gain: 1000, bias: 1e18),
        ] as [SyntheticDescription])
    func extremesAreNumbers(description: SyntheticDescription) throws {
        let (inputs, targets) = try description.rows()
        #expect(inputs.joined().allSatisfy(\.isFinite) && targets.joined().allSatisfy(\.isFinite))
    }

    // MARK: Description

    @Test(arguments: tasks)
    func storedDescription(description: SyntheticDescription) throws {
        let bytes = try JSONEncoder().encode(description)
        #expect(try JSONDecoder().decode(SyntheticDescription.self, from: bytes) == description)
    }

    @Test func defaults() throws {
        let bytes = Data("{\"task\": \"teacher\", \"samples\": 5, \"cluster_std\": 2}".utf8)
        let teacher = try JSONDecoder().decode(SyntheticDescription.self, from: bytes)
        #expect(
            teacher.inputs == 64 && teacher.classes == 10 && teacher.hidden == [32] && teacher.clusterStd == 2)
        #expect(SyntheticDescription(task: .teacher, samples: 5, targets: 3).classes == nil)
        #expect(SyntheticDescription(task: .friedman1, samples: 5).inputs == 10)
    }

    @Test(
        arguments: [
            (.init(task: .teacher, samples: 0), "samples"),
            (.init(task: .teacher, samples: 1 << 60), "samples"),
            (.init(task: .teacher, samples: 5, inputs: 0), "inputs"),
            (.init(task: .friedman1, samples: 5, inputs: 4), "inputs"),
            (.init(task: .spirals, samples: 5, inputs: 3), "inputs"),
            (.init(task: .xor, samples: 5, inputs: 1), "inputs"),
            (.init(task: .teacher, samples: 5, classes: 1), "classes"),
            (.init(task: .xor, samples: 5, classes: 3), "classes"),
            (.init(task: .linear, samples: 5, classes: 3), "classes"),
            (.init(task: .linear, samples: 5, targets: 0), "targets"),
            (.init(task: .friedman1, samples: 5, targets: 2), "targets"),
            (.init(task: .teacher, samples: 5, noise: -1), "noise"),
            (.init(task: .linear, samples: 5, noise: .nan), "noise"),
            (.init(task: .linear, samples: 5, noise: 1e39), "noise"),
            (.init(task: .blobs, samples: 5, clusterStd: 1e39), "cluster_std"),
            (.init(task: .blobs, samples: 5, centerBox: [-1e308, 1e308]), "center_box"),
            (.init(task: .spirals, samples: 5, turns: 1e300), "turns"),
            (.init(task: .linear, samples: 5, bias: -1e39), "bias"),
            (.init(task: .teacher, samples: 5, gain: 1e-200), "gain"),
            (.init(task: .teacher, samples: 5, gain: 1e39), "gain"),
            (.init(task: .logistic, samples: 5, gain: 1e300), "gain"),
            (.init(task: .teacher, samples: 5, hidden: [0]), "hidden"),
            (.init(task: .teacher, samples: 5, gain: 0), "gain"),
            (.init(task: .blobs, samples: 5, clusterStd: -1), "cluster_std"),
            (.init(task: .blobs, samples: 5, centerBox: [1, 1]), "center_box"),
            (.init(task: .blobs, samples: 5, centerBox: [1]), "center_box"),
            (.init(task: .spirals, samples: 5, turns: 0), "turns"),
            (.init(task: .linear, samples: 5, inputs: 3, informative: 4), "informative"),
            (.init(task: .linear, samples: 5, informative: 0), "informative"),
            (.init(task: .linear, samples: 5, bias: .infinity), "bias"),
            (.init(task: .teacher, samples: 5, hidden: []), "hidden"),
            (.init(task: .exponentials, samples: 5, hidden: [2, 3]), "hidden"),
            (.init(task: .exponentials, samples: 5, gain: 5), "gain"),
            (.init(task: .logistic, samples: 5, gain: 0), "gain"),
            (.init(task: .logistic, samples: 5, classes: 3), "classes"),
            (.init(task: .letters, samples: 5, classes: 27), "classes"),
            (.init(task: .letters, samples: 5, inputs: 401), "inputs"),
            (.init(task: .friedman2, samples: 5, inputs: 5), "inputs"),
            (.init(task: .prices, samples: 5, targets: 2), "targets"),
            (.init(task: .prices, samples: 5, classes: 2), "classes"),
            (altered(.mixture) { $0.clusters = 0 }, "clusters"),
            (altered(.mixture) { $0.clusters = 1 << 27 }, "clusters"),
            (altered(.parity) { $0.bits = 11 }, "bits"),
            (altered(.letters) { $0.distortion = 2.5 }, "distortion"),
            (altered(.rings) { $0.labelNoise = 1.1 }, "label_noise"),
            (altered(.linear) { $0.labelNoise = 0.1 }, "label_noise"),
            (altered(.rings) { $0.classShares = [1] }, "class_shares"),
            (altered(.rings) { $0.classShares = [1, -1] }, "class_shares"),
            (altered(.rings) { $0.classShares = [0, 0] }, "class_shares"),
            (altered(.xor) { $0.classShares = [1, 1] }, "class_shares"),
            (altered(.xor) { $0.redundant = -1 }, "redundant"),
            (altered(.xor) { $0.redundant = 1 << 30 }, "redundant"),
            (altered(.xor) { $0.irrelevant = -1 }, "irrelevant"),
            (altered(.xor) { $0.irrelevant = .max }, "irrelevant"),
            (altered(.linear) { $0.correlation = 1 }, "correlation"),
            (altered(.xor) { $0.correlation = 0.5 }, "correlation"),
        ] as [(SyntheticDescription, String)])
    func valuesThatMakeNoSense(description: SyntheticDescription, key: String) {
        let failure = dataError { _ = try SyntheticSource(description) }
        #expect(failure?.source == "data.synthetic.\(key)")
        #expect(failure?.category == .badConfiguration)
    }

    private static func altered(
        _ task: SyntheticDescription.Task, _ change: (inout SyntheticDescription) -> Void
    ) -> SyntheticDescription {
        var result = SyntheticDescription(task: task, samples: 5)
        change(&result)
        return result
    }
}
