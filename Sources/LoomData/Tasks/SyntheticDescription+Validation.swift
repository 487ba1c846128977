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
        try require(noise >= 0 && noise.isFinite, .noise, "is \(noise)", "a standard deviation is at least 0")
        try validateTargets()
        try validateSizes()
        try validateTask()
        try validateAlterations()
    }

    /// So few that the places of all their random numbers can be counted: 10¹⁵.
    static let mostSamples = 1_000_000_000_000_000

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
            try require(
                clusterStd >= 0 && clusterStd.isFinite, .clusterStd, "is \(clusterStd)",
                "a standard deviation is at least 0")
            try require(
                centerBox.count == 2 && centerBox[0] < centerBox[1] && centerBox.allSatisfy(\.isFinite),
                .centerBox,
                "is \(centerBox)", "give a lower and a larger upper bound, as [-10, 10]")
            try require(clusters >= 1, .clusters, "is \(clusters)", "a class has at least 1 cluster")
        case .spirals:
            try require(turns > 0 && turns.isFinite, .turns, "is \(turns)", "give a number of turns above 0")
        case .linear, .logistic:
            try require(
                (1...inputs).contains(informative ?? inputs), .informative, "is \(informative ?? inputs)",
                "it is between 1 and the number of inputs, \(inputs)")
            try require(bias.isFinite, .bias, "is \(bias)", "give a finite number")
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

    private func validateGain() throws(DataError) {
        try require(
            gain > 0 && gain.isFinite, .gain, "is \(gain)", "a gain is above 0; \(task.defaultGain) is the default")
        try require(
            task != .exponentials || gain <= 4, .gain, "is \(gain)",
            "with more than 4 almost all of the variance comes from a few samples")
    }

    private func validateSizes() throws(DataError) {
        var counts: [(CodingKeys, Int)] = [
            (.inputs, inputs), (.classes, classes ?? 0), (.targets, targets), (.redundant, redundant),
            (.irrelevant, irrelevant),
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
        guard let weights = classWeights else { return }
        try require(
            Task.choosesClassFirst.contains(task), .classWeights, "is \(weights)",
            "in \(task.rawValue) the inputs decide the class")
        try require(
            weights.count == classes, .classWeights, "has \(weights.count) numbers",
            "give one for each of the \(classes ?? 0) classes")
        try require(
            weights.allSatisfy { $0 >= 0 && $0 <= 1e9 } && weights.contains { $0 >= 1e-9 }, .classWeights,
            "is \(weights)", "weights are at least 0, not all of them 0, and at most 1e9")
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
