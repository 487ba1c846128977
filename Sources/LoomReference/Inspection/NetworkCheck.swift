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

        package init(
            check: String, array: String, worstError: Double, threshold: Double, checked: Int, count: Int, kinks: Int
        ) {
            self.check = check
            self.array = array
            self.worstError = worstError
            self.threshold = threshold
            self.checked = checked
            self.count = count
            self.kinks = kinks
        }

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

    /// The comparisons `rows` on so many samples.
    package init(samples: Int, rows: [Row], kinks: [Kink]) {
        self.samples = samples
        self.rows = rows
        self.kinks = kinks
    }

    /// The largest error of `found` beside `wanted`, relative to `scale`; infinite when something is not a number.
    package static func worstError(_ found: [Double], _ wanted: [Double], scale: Double) -> Double {
        zip(found, wanted).reduce(0) { worst, pair in
            guard pair.0 != pair.1 else { return worst }
            let error = abs(pair.0 - pair.1) / scale
            return error.isNaN ? .infinity : max(worst, error)
        }
    }
}
