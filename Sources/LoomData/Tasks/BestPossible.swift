import LoomKernels

/// What nobody can do better on a task, however much is learned: the figures of the Bayes rule, which knows the task.
package struct BestPossible: Encodable, Sendable, Equatable {
    /// A figure, and how far it may be off.
    package struct Figure: Encodable, Sendable, Equatable {
        /// The figure.
        package let value: Double
        /// The deviation of an estimate; nil where the value follows from the task alone.
        package let standardError: Double?

        private enum CodingKeys: String, CodingKey {
            case value
            case standardError = "standard_error"
        }
    }
    /// The share of right decisions; nil: not known, or no classification.
    package let accuracy: Figure?
    /// The mean of −ln p of the label, by its true probability given the inputs; nil as before.
    package let crossEntropy: Figure?
    /// The mean over samples and target columns of the squared error; nil: not known, or no regression.
    package let meanSquaredError: Figure?
    /// How the figures were found, in a few words.
    package let method: String

    private enum CodingKeys: String, CodingKey {
        case accuracy, method
        case crossEntropy = "cross_entropy"
        case meanSquaredError = "mean_squared_error"
    }
}

extension SyntheticDescription {
    /// The best possible figures on new samples of this task, as far as they are known: nil for letters and voices, and
    /// where an estimate would take more than a second.
    ///
    /// Estimates come from a fixed stream of samples, which are none of the task's own.
    /// - Throws: `DataError` for values that make no sense.
    package func bestPossible() throws(DataError) -> BestPossible? {
        try validate()
        guard let classes else {
            return BestPossible(
                accuracy: nil, crossEntropy: nil,
                meanSquaredError: .init(value: noise * noise, standardError: nil), method: "the noise's variance")
        }
        if isCertain {
            let (right, wrong) = (1 - labelNoise, labelNoise / Double(classes - 1))
            return BestPossible(
                accuracy: .init(value: max(right, wrong), standardError: nil),
                crossEntropy: .init(
                    value: Posterior.entropy(right) + Double(classes - 1) * Posterior.entropy(wrong), standardError: nil
                ),
                meanSquaredError: nil,
                method: labelNoise > 0 ? "the probability of a wrong label" : "the inputs decide the class")
        }
        switch task {
        case .logistic: return bestLogistic
        case .teacher: return try teacherAgreement()
        case .blobs, .mixture, .rings, .spirals, .xor, .parity: return try posteriorEstimate()
        default: return nil
        }
    }

    /// Whether the inputs decide the class, but for labels that are replaced. Deviations are those in float32, in which
    /// samples are made.
    private var isCertain: Bool {
        switch task {
        case .intervals, .triangle, .threshold: true
        case .teacher, .spirals, .rings, .xor, .parity: Float(noise) == 0
        case .blobs, .mixture: Float(clusterStd) == 0
        default: false
        }
    }

    /// The integral over the log-odds, which are normal.
    private var bestLogistic: BestPossible {
        let weights = LogisticTask.direction(self)
        let (sum, squares) = (weights.reduce(0, +), weights.reduce(0) { $0 + $1 * $1 })
        let deviation = ((1 - correlation) * squares + correlation * sum * sum).squareRoot()
        var (accuracy, entropy) = (0.0, 0.0)
        // Steps of at most a tenth in the log-odds, as far as those can be afforded; beyond, hardly any sample is uncertain.
        let steps = 4000 * Int(min(1000, max(1, (deviation / 20).rounded(.up))))
        let width = 20.0 / Double(steps)
        for step in 0..<steps {
            let z = -10 + (Double(step) + 0.5) * width
            let share = ElementaryFunctions.exp(-z * z / 2) * width / (2 * Double.pi).squareRoot()
            let first = 1 / (1 + ElementaryFunctions.exp(-(bias + deviation * z)))
            let probability = (1 - labelNoise) * first + labelNoise * (1 - first)
            accuracy += share * max(probability, 1 - probability)
            entropy += share * (Posterior.entropy(probability) + Posterior.entropy(1 - probability))
        }
        return BestPossible(
            accuracy: .init(value: accuracy, standardError: nil),
            crossEntropy: .init(value: entropy, standardError: nil), meanSquaredError: nil,
            method: "an integral over the log-odds")
    }

    // MARK: Estimates

    /// The first sample of the estimates: beyond all samples that a task can have.
    private static let firstIndex: UInt64 = 1 << 50
    /// With as many inputs, the first sample's random numbers would be those of sample 0: 64 bits count their places.
    private static let mostEstimatedInputs = 1 << 16

    /// How often the class survives the noise: that of the largest output is the most probable one, because all outputs
    /// have the same noise.
    private func teacherAgreement() throws(DataError) -> BestPossible? {
        // As many samples as 5,000,000,000 products in each of the two networks allow.
        let sizes = [inputs] + hidden + [outputCount]
        let weights = zip(sizes, sizes.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
        guard weights <= 1 << 20, inputs < Self.mostEstimatedInputs else { return nil }
        let count = min(16_384, 5_000_000_000 / weights)
        var clean = unaltered
        clean.noise = 0
        let seen = try SyntheticSource(unaltered)
        let ideal = try SyntheticSource(clean)
        var agreements = 0
        try Self.forEachBlock(of: count) { rows throws(DataError) in
            try withScratchMatrix(rows: rows.count, columns: 1) { first throws(DataError) in
                try withScratchMatrix(rows: rows.count, columns: 1) { second throws(DataError) in
                    try seen.fill(rows: rows, inputs: nil, targets: first)
                    try ideal.fill(rows: rows, inputs: nil, targets: second)
                    for row in 0..<rows.count where first[row, 0] == second[row, 0] { agreements += 1 }
                }
            }
        }
        let share = Double(agreements) / Double(count)
        let wrong = labelNoise / Double((classes ?? 2) - 1)
        let slope = 1 - labelNoise - wrong
        // With so many wrong labels that another class is more probable, the rule is another one.
        guard slope > 0 else { return nil }
        return BestPossible(
            accuracy: .init(
                value: slope * share + wrong,
                standardError: slope * (share * (1 - share) / Double(count)).squareRoot()),
            crossEntropy: nil, meanSquaredError: nil, method: "estimated from \(count) samples")
    }

    /// The mean of the largest probability and of the entropy of each sample's classes.
    private func posteriorEstimate() throws(DataError) -> BestPossible? {
        let classes = classes ?? 2
        // As many samples as 20,000,000 terms of densities allow; whole rounds of the classes, which take turns.
        let affordableTerms = 20_000_000
        let most = affordableTerms / 1000
        guard classes * inputs <= most, task != .mixture || classes * inputs * clusters <= most else { return nil }
        let posterior = Posterior(self)
        let affordable = min(16_384, affordableTerms / posterior.terms)
        let count = classShares == nil ? affordable / classes * classes : affordable
        guard count >= 1000 else { return nil }
        let source = try SyntheticSource(unaltered)
        var accuracy = Moments()
        var entropy = Moments()
        try Self.forEachBlock(of: count) { rows throws(DataError) in
            try withScratchMatrix(rows: rows.count, columns: inputs) { points throws(DataError) in
                try source.fill(rows: rows, inputs: points, targets: nil)
                for row in 0..<rows.count {
                    let probabilities = posterior.probabilities(points.pointer + row * points.stride)
                    accuracy.add(probabilities.max() ?? 0)
                    entropy.add(probabilities.reduce(0) { $0 + Posterior.entropy($1) })
                }
            }
        }
        return BestPossible(
            accuracy: accuracy.figure, crossEntropy: entropy.figure, meanSquaredError: nil,
            method: "estimated from \(count) samples")
    }

    private static func forEachBlock(
        of count: Int, _ body: (ArraySlice<UInt64>) throws(DataError) -> Void
    ) throws(DataError) {
        var start = 0
        while start < count {
            let end = min(count, start + 512)
            try body(Array((start..<end).map { firstIndex + UInt64($0) })[...])
            start = end
        }
    }
}

/// Sums for a mean and its deviation.
private struct Moments {
    private var count = 0.0
    private var sum = 0.0
    private var squares = 0.0

    mutating func add(_ value: Double) {
        count += 1
        sum += value
        squares += value * value
    }

    var figure: BestPossible.Figure {
        let mean = sum / count
        return .init(value: mean, standardError: (max(0, squares / count - mean * mean) / count).squareRoot())
    }
}
