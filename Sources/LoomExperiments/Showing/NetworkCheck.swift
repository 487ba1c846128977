import LoomModel
import LoomTraining

/// What `gradloom check` finds: a configuration's gradients computed in several ways, side by side.
///
/// - Central differences of the reference's loss, in float64, against the reference's gradient.
/// - The fast trainer in float64 against the reference.
/// - The fast trainer in float32 against float64.
/// - 1, 2, 3 … workers: the same bits after some steps.
///
/// A network with a threshold has no gradient: its predictions are compared instead.
public struct NetworkCheck: Sendable, Equatable, Encodable {
    /// What is checked.
    public struct Options: Sendable, Equatable {
        /// Samples of the batch, from the first of the data.
        public var samples = 8
        /// Elements of every array of which central differences are taken; chosen by the seed where there are more.
        public var elements = 32
        /// The largest number of workers.
        public var workers = 4
        /// The layer whose gradient is scaled, so that the check must fail; nil: none.
        public var corrupted: String?
        /// Decides which elements are checked.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// One comparison of one array.
    public struct Row: Sendable, Equatable, Encodable {
        /// How its numbers were computed, and what they were compared with.
        public let check: String
        /// The array, such as `hidden.weights`.
        public let array: String
        /// The largest error: of differences and gradients, relative to the largest element; of predictions, to the
        /// largest prediction. NaN counts as infinite.
        public let worstError: Double
        /// The largest error that passes.
        public let threshold: Double
        /// The elements compared.
        public let checked: Int
        /// The elements that there are.
        public let count: Int
        /// Elements left out, because a relu has its kink within the difference.
        public let kinks: Int

        /// Whether the error is small enough, and something was compared.
        public var passed: Bool { worstError <= threshold && (checked > 0 || kinks > 0) }

        private enum CodingKeys: String, CodingKey {
            case check, array, threshold, checked, count, kinks, passed
            case worstError = "worst_error"
        }

        /// Writes all properties, and whether it passed.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(check, forKey: .check)
            try container.encode(array, forKey: .array)
            try container.encode(worstError, forKey: .worstError)
            try container.encode(threshold, forKey: .threshold)
            try container.encode(checked, forKey: .checked)
            try container.encode(count, forKey: .count)
            try container.encode(kinks, forKey: .kinks)
            try container.encode(passed, forKey: .passed)
        }
    }

    /// A pre-activation of a relu so near to 0 that its derivative depends on rounding or on a convention.
    public struct Kink: Sendable, Hashable, Encodable {
        /// The layer's name.
        public let layer: String
        /// The unit, counted from 0.
        public let unit: Int
        /// The sample, by its row in the data, counted from 0.
        public let sample: Int
        /// The pre-activation.
        public let z: Double
    }

    /// Samples of the batch.
    public let samples: Int
    /// The comparisons.
    public let rows: [Row]
    /// The kinks that central differences met.
    public let kinks: [Kink]

    /// Whether every comparison passed.
    public var passed: Bool { rows.allSatisfy(\.passed) }

    private enum CodingKeys: String, CodingKey { case samples, rows, kinks, passed }

    /// Writes all properties, and whether all passed.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(passed, forKey: .passed)
        try container.encode(samples, forKey: .samples)
        try container.encode(rows, forKey: .rows)
        try container.encode(kinks, forKey: .kinks)
    }

    /// Checks what `configuration` trains, at its first parameters.
    /// - Throws: `RequestError` for a layer that does not exist or whose gradient cannot be corrupted, and whatever the
    ///   configuration's data and network are refused for.
    public init(_ configuration: Configuration, options: Options = Options()) throws {
        let problem = try ReferenceProblem(configuration, samples: .first(options.samples))
        samples = problem.rows.count
        let corrupted = try options.corrupted.map { name throws(RequestError) in
            try problem.graph.layer(named: name)
        }
        let fast = try FastComparison(problem, workers: options.workers)
        guard !problem.network.hasThreshold else {
            guard corrupted == nil else {
                throw RequestError("a network with a threshold has no gradient that could be corrupted")
            }
            rows = try fast.predictionRows()
            kinks = []
            return
        }
        let trainer = try problem.trainer()
        var gradients = try trainer.gradients(inputs: problem.inputs, targets: problem.targets!)
        if let corrupted { try Self.corrupt(corrupted, in: &gradients, of: problem) }
        let differences = try CentralDifferences(
            problem, trainer: trainer, gradients: gradients, elements: options.elements, seed: options.seed)
        rows = try differences.rows + fast.gradientRows(reference: gradients) + fast.workerRows()
        kinks = differences.kinks
    }

    /// The largest error of `found` beside `wanted`, relative to `scale`; infinite when something is not a number.
    static func worstError(_ found: [Double], _ wanted: [Double], scale: Double) -> Double {
        zip(found, wanted).reduce(0) { worst, pair in
            guard pair.0 != pair.1 else { return worst }
            let error = abs(pair.0 - pair.1) / scale
            return error.isNaN ? .infinity : max(worst, error)
        }
    }

    private static func corrupt(
        _ layer: Int, in gradients: inout ReferenceGradients, of problem: ReferenceProblem
    ) throws(RequestError) {
        guard gradients.layers[layer].allWeights.contains(where: { $0 != 0 }) else {
            throw RequestError(
                "all gradients of layer '\(problem.graph.layers[layer].name)' are 0 on these samples, so scaling them "
                    + "changes nothing")
        }
        gradients.layers[layer] = ReferenceLayer.map(gradients.layers[layer]) { values, _ in values[0] * 1.01 }
    }
}

/// The arrays of a network that have gradients, in topological order, and the data's.
struct GradientArrays {
    /// One array.
    struct Entry {
        let place: JacobianPlace
        let name: String
        /// Row-major.
        let values: [Double]

        var largest: Double { values.reduce(0) { max($0, abs($1)) } }
    }

    let entries: [Entry]

    init(_ layers: [ReferenceLayer], inputs: [[Double]]?, graph: LayerGraph) {
        var entries: [Entry] = []
        func add(_ place: JacobianPlace, _ values: [Double]) {
            entries.append(Entry(place: place, name: place.name(in: graph), values: values))
        }
        for (index, layer) in layers.enumerated() {
            for (source, matrix) in layer.connections.enumerated() {
                add(.weights(index, source: source), matrix.flatMap { $0 })
            }
            if let bias = layer.bias { add(.bias(index), bias) }
        }
        if let inputs { add(.input, inputs.flatMap { $0 }) }
        self.entries = entries
    }

    /// The largest element of all.
    var largest: Double { entries.map(\.largest).max() ?? 0 }
}
