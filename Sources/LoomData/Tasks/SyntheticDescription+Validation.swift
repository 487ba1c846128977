extension SyntheticDescription {
    /// Throws for the first value that makes no sense, naming its key.
    public func validate() throws(DataError) {
        try require(samples >= 1, .samples, "is \(samples)", "at least 1 sample is needed")
        try require(
            samples <= Self.mostSamples, .samples, "is \(samples)", "at most \(Self.mostSamples) samples are possible")
        try require(
            inputs >= minimumInputs, .inputs, "is \(inputs)",
            "\(task.rawValue) needs at least \(minimumInputs)")
        if let fixed = task.fixedInputs {
            try require(
                inputs == fixed, .inputs, "is \(inputs)",
                "\(task.rawValue) has \(fixed) input\(fixed == 1 ? "" : "s"): leave the key out")
        }
        try validateDeviation(noise, .noise)
        try validateTargets()
        try validateTask()
        try validateAlterations()
        // Last: products of numbers that are not negative.
        try validateSizes()
    }

    /// The most samples, 10¹⁵: fewer than what indices beyond all samples begin with.
    static let mostSamples = 1_000_000_000_000_000
    /// The most classes whose indices float32 has all of: 2²⁴.
    private static let mostClasses = 1 << 24
    /// The largest magnitude of what scales or shifts samples: its square is still a number of float32.
    private static let largestMagnitude = 1e18
    /// The least and the largest gain: with less, activations differ by little more than rounding errors; with more, they
    /// are steps.
    private static let gains = 0.001...1000

    /// The most numbers of one kind that a task is made of: 2 GiB in float64.
    private static let largestTable = 1 << 28

    private var minimumInputs: Int { task == .xor ? 2 : task == .friedman1 ? 5 : 1 }

    private func validateTask() throws(DataError) {
        switch task {
        case .teacher, .threshold, .exponentials:
            try require(
                !hidden.isEmpty && hidden.allSatisfy { $0 >= 1 }, .hidden, "is \(hiddenText)",
                "at least 1 hidden unit is needed")
            try require(
                task != .exponentials || hidden.count == 1, .hidden, "is \(hiddenText)",
                "a sum of exponentials has one number of terms")
            try validateGain()
        case .blobs, .mixture:
            try validateDeviation(clusterStd, .clusterStd)
            try require(
                centerBox.count == 2 && centerBox[0] < centerBox[1]
                    && centerBox.allSatisfy { $0.magnitude <= Self.largestMagnitude },
                .centerBox, "is \(centerBox)",
                "give a lower and a larger upper bound, as [-10, 10], of magnitudes up to 1e18")
            try require(clusters >= 1, .clusters, "is \(clusters)", "a class has at least 1 cluster")
        case .spirals:
            // A place on an arm has 24 random bits: with many more turns, neighbours would be turns apart.
            try require(
                turns > 0 && turns <= 1e6, .turns, "is \(turns)", "give a number of turns above 0 and up to 1e6")
        case .linear, .logistic:
            try require(
                (1...inputs).contains(informative ?? inputs), .informative, "is \(informative ?? inputs)",
                "it is between 1 and the number of inputs, \(inputs)")
            try require(
                bias.magnitude <= Self.largestMagnitude, .bias, "is \(bias)", "give a number between -1e18 and 1e18")
            if task == .logistic { try validateGain() }
        case .parity:
            try require(
                (1...inputs).contains(bits), .bits, "is \(bits)",
                "it is between 1 and the number of inputs, \(inputs)")
        case .letters:
            try require(
                (0...2).contains(distortion), .distortion, "is \(distortion)",
                "it is between 0, no distortion, and 2")
        case .xor, .rings, .intervals, .triangle, .friedman1, .friedman2, .friedman3, .voices, .prices:
            break
        }
    }

    private var hiddenText: String { hidden.count == 1 ? "\(hidden[0])" : "\(hidden)" }

    private func validateDeviation(_ deviation: Double, _ key: CodingKeys) throws(DataError) {
        try require(
            deviation >= 0 && deviation <= Self.largestMagnitude, key, "is \(deviation)",
            "a standard deviation is between 0 and 1e18")
    }

    private func validateGain() throws(DataError) {
        try require(
            Self.gains.contains(gain), .gain, "is \(gain)",
            "a gain is between 0.001 and 1000; \(task.defaultGain) is the default")
        try require(
            task != .exponentials || gain <= 4, .gain, "is \(gain)",
            "with more than 4 almost all of the variance comes from a few samples")
    }

    private func validateSizes() throws(DataError) {
        var counts: [(CodingKeys, Int)] = [
            (.inputs, inputs), (.targets, targets), (.redundant, redundant), (.irrelevant, irrelevant),
        ]
        if SyntheticDescription.Task.withHidden.contains(task) { counts += hidden.map { (.hidden, $0) } }
        if task == .mixture { counts.append((.clusters, clusters)) }
        for (key, count) in counts {
            try require(count <= Int(Int32.max), key, "is \(count)", "at most 2,147,483,647 are possible")
        }
        // Of two factors, the larger one is named.
        for (first, second) in tables where first.1 * second.1 > Self.largestTable {
            let (large, small) = first.1 > second.1 ? (first, second) : (second, first)
            try require(
                false, large.0, "is \(large.1)",
                "with \(small.0.rawValue) \(small.1) at most \(Self.largestTable / small.1) are possible")
        }
        try require(
            task != .mixture || inputs * (classes ?? 1) * clusters <= Self.largestTable, .clusters, "is \(clusters)",
            "at most \(Self.largestTable / max(1, inputs * (classes ?? 1))) are possible")
        try require(featureCount <= Int(Int32.max), .irrelevant, "is \(irrelevant)", "that makes too many features")
        // Four random numbers have one place, and places are counted in 64 bits.
        let most = UInt64.max / UInt64((max(inputs, targets, irrelevant) + 3) / 4)
        try require(
            UInt64(samples) <= most, .samples, "is \(samples)", "with so many features at most \(most) are possible")
    }

    private var tables: [((CodingKeys, Int), (CodingKeys, Int))] {
        let output: (CodingKeys, Int) = classes.map { (.classes, $0) } ?? (.targets, targets)
        let own: [((CodingKeys, Int), (CodingKeys, Int))] =
            switch task {
            case .teacher, .exponentials, .threshold:
                [((.hidden, hidden.first ?? 0), (.inputs, inputs))]
                    + zip(hidden.dropFirst(), hidden).map { ((.hidden, $0), (.hidden, $1)) }
                    + [(output, (.hidden, hidden.last ?? 0))]
            case .blobs, .mixture: [((.inputs, inputs), (.classes, classes ?? 0))]
            case .linear: [((.inputs, min(inputs, max(0, informative ?? inputs))), (.targets, targets))]
            default: []
            }
        return own + [((.redundant, redundant), (.inputs, inputs))]
    }

    private func validateTargets() throws(DataError) {
        if let classes {
            try require(classes >= 2, .classes, "is \(classes)", "at least 2 classes are needed")
            try require(
                classes <= Self.mostClasses, .classes, "is \(classes)", "at most \(Self.mostClasses) are possible")
            try require(
                Task.withClasses.contains(task), .classes, "is \(classes)",
                "\(task.rawValue) is a regression: leave the key out")
            let isFixed = task == .xor || !Task.choosesClasses.contains(task)
            try require(!isFixed || classes == 2, .classes, "is \(classes)", "\(task.rawValue) has 2 classes")
            try require(
                task != .letters || classes <= 26, .classes, "is \(classes)", "the alphabet has 26 letters")
        } else {
            try require(targets >= 1, .targets, "is \(targets)", "at least 1 target is needed")
            try require(
                targets == 1 || Task.choosesTargets.contains(task) && task != .friedman1, .targets, "is \(targets)",
                "\(task.rawValue) has 1 target")
        }
    }

    private func validateAlterations() throws(DataError) {
        try require(
            labelNoise >= 0 && labelNoise <= 1, .labelNoise, "is \(labelNoise)", "a probability is between 0 and 1")
        try require(
            labelNoise == 0 || classes != nil, .labelNoise, "is \(labelNoise)", "a regression has no labels")
        try require(redundant >= 0, .redundant, "is \(redundant)", "give a number of features")
        try require(irrelevant >= 0, .irrelevant, "is \(irrelevant)", "give a number of features")
        try require(
            correlation >= 0 && correlation < 1, .correlation, "is \(correlation)",
            "the correlation is at least 0 and below 1")
        try require(
            correlation == 0 || Task.correlates.contains(task), .correlation, "is \(correlation)",
            "the inputs of \(task.rawValue) have a distribution of their own")
        guard let shares = classShares else { return }
        try require(
            Task.choosesClassFirst.contains(task), .classShares, "is \(shares)",
            "in \(task.rawValue) the inputs decide the class")
        try require(
            shares.count == classes, .classShares, "has \(shares.count) numbers",
            "give one for each of the \(classes ?? 0) classes")
        try require(
            shares.allSatisfy { $0 >= 0 && $0 <= 1e9 } && shares.contains { $0 >= 1e-9 }, .classShares,
            "is \(shares)", "shares are at least 0, not all of them 0, and at most 1e9")
    }

    private func require(
        _ condition: Bool, _ key: CodingKeys, _ problem: String, _ remedy: String
    ) throws(DataError) {
        guard condition else {
            throw DataError(
                .badConfiguration, source: "data.synthetic.\(key.rawValue)", problem: problem, remedy: remedy)
        }
    }
}
