/// A generated data set. Every sample is a pure function of this description and the sample's index.
///
/// Names and defaults follow scikit-learn's generators where they exist (sklearn.datasets: make_blobs,
/// make_friedman1, make_regression). Options that a task doesn't use are ignored.
public struct SyntheticDescription: Sendable, Equatable, Codable {
    /// What the samples are.
    public enum Task: String, Sendable, CaseIterable, Codable {
        /// Standard normal inputs, labelled by a random network `inputs`-`hidden`-`classes` (or `targets`) with
        /// tanh units. Classification: the class with the largest output. Regression: the outputs, of variance
        /// about 1. `noise` is the deviation of normal noise added to the outputs.
        case teacher
        /// Normal clouds of deviation `cluster_std` around one random centre per class, the centres uniform in
        /// `center_box`
        case blobs
        /// One spiral arm of `turns` turns per class in two dimensions, radius 0 to 1; `noise` is the deviation of
        /// normal noise on the inputs
        case spirals
        /// Standard normal inputs, class 1 where exactly one of the first two is positive; `noise` is the deviation
        /// of normal noise on the inputs, added after labelling
        case xor
        /// Standard normal inputs; targets are `bias` plus a random linear function, of variance 1, of the first
        /// `informative` inputs, plus normal noise of deviation `noise`. (make_regression draws coefficients
        /// between 0 and 100 instead.)
        case linear
        /// 10 sin(π x₀ x₁) + 20 (x₂ − ½)² + 10 x₃ + 5 x₄ plus normal noise of deviation `noise`, with inputs
        /// uniform in (0, 1), those from the sixth on without influence (Friedman 1991, doi:10.1214/aos/1176347963)
        case friedman1
    }
    /// What the samples are.
    public var task: Task
    /// The number of samples.
    public var samples: Int
    /// The number of features of a sample.
    public var inputs: Int
    /// The number of classes; nil for regression.
    public var classes: Int?
    /// The number of target columns of a regression.
    public var targets: Int
    /// The seed: with the other values it alone decides every sample.
    public var seed: UInt64
    /// A standard deviation; what it applies to depends on the task.
    public var noise: Double
    /// `teacher`: the number of hidden units.
    public var hidden: Int
    /// `teacher`: the standard deviation of the hidden units' pre-activations; the larger, the less linear and the
    /// harder to learn. With 64 inputs, 32 hidden units and 10 classes, a 64-256-10 relu network reached 0.92 of
    /// right classes at 0.5 and 0.88 at 1 after 3 epochs of 1,000,000 samples (momentum 0.9, learning rate 0.1);
    /// the best linear map reaches 0.91 and 0.80.
    public var gain: Double
    /// `blobs`: the standard deviation of a cloud in every direction.
    public var clusterStd: Double
    /// `blobs`: the lower and the upper bound of every coordinate of the centres.
    public var centerBox: [Double]
    /// `spirals`: the turns of an arm.
    public var turns: Double
    /// `linear`: the number of inputs that the target depends on; nil: all.
    public var informative: Int?
    /// `linear`: the constant term.
    public var bias: Double

    enum CodingKeys: String, CodingKey {
        case task, samples, inputs, classes, targets, seed, noise, hidden, gain
        case clusterStd = "cluster_std"
        case centerBox = "center_box"
        case turns, informative, bias
    }

    /// A generated data set. `inputs` and `classes` default to what suits the task: a teacher has 64 inputs and 10
    /// classes unless `targets` asks for a regression.
    public init(
        task: Task, samples: Int, inputs: Int? = nil, classes: Int? = nil, targets: Int? = nil,
        seed: UInt64 = 1,
        noise: Double? = nil, hidden: Int = 32, gain: Double = 0.5, clusterStd: Double = 1,
        centerBox: [Double] = [-10, 10], turns: Double = 1, informative: Int? = nil, bias: Double = 0
    ) {
        self.task = task
        self.samples = samples
        self.inputs = inputs ?? Self.defaultInputs(task)
        self.classes = classes ?? Self.defaultClasses(task, targets: targets)
        self.targets = targets ?? 1
        self.seed = seed
        self.noise = noise ?? (task == .spirals ? 0.02 : 0)
        self.hidden = hidden
        self.gain = gain
        self.clusterStd = clusterStd
        self.centerBox = centerBox
        self.turns = turns
        self.informative = informative
        self.bias = bias
    }

    /// Reads a description; keys that are missing have the defaults of the initialiser.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            task: try values.decode(Task.self, forKey: .task),
            samples: try values.decode(Int.self, forKey: .samples),
            inputs: try values.decodeIfPresent(Int.self, forKey: .inputs),
            classes: try values.decodeIfPresent(Int.self, forKey: .classes),
            targets: try values.decodeIfPresent(Int.self, forKey: .targets),
            seed: try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? 1,
            noise: try values.decodeIfPresent(Double.self, forKey: .noise),
            hidden: try values.decodeIfPresent(Int.self, forKey: .hidden) ?? 32,
            gain: try values.decodeIfPresent(Double.self, forKey: .gain) ?? 0.5,
            clusterStd: try values.decodeIfPresent(Double.self, forKey: .clusterStd) ?? 1,
            centerBox: try values.decodeIfPresent([Double].self, forKey: .centerBox) ?? [-10, 10],
            turns: try values.decodeIfPresent(Double.self, forKey: .turns) ?? 1,
            informative: try values.decodeIfPresent(Int.self, forKey: .informative),
            bias: try values.decodeIfPresent(Double.self, forKey: .bias) ?? 0)
    }

    /// Writes all values. Whether the task is a regression shows in `classes` or `targets`, whichever is there.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(task, forKey: .task)
        try values.encode(samples, forKey: .samples)
        try values.encode(inputs, forKey: .inputs)
        if let classes {
            try values.encode(classes, forKey: .classes)
        } else {
            try values.encode(targets, forKey: .targets)
        }
        try values.encode(seed, forKey: .seed)
        try values.encode(noise, forKey: .noise)
        try values.encode(hidden, forKey: .hidden)
        try values.encode(gain, forKey: .gain)
        try values.encode(clusterStd, forKey: .clusterStd)
        try values.encode(centerBox, forKey: .centerBox)
        try values.encode(turns, forKey: .turns)
        try values.encodeIfPresent(informative, forKey: .informative)
        try values.encode(bias, forKey: .bias)
    }

    private static func defaultInputs(_ task: Task) -> Int {
        switch task {
        case .teacher: 64
        case .blobs, .spirals, .xor: 2
        case .linear, .friedman1: 10
        }
    }

    private static func defaultClasses(_ task: Task, targets: Int?) -> Int? {
        switch task {
        case .teacher: targets == nil ? 10 : nil
        case .blobs: 3
        case .spirals, .xor: 2
        case .linear, .friedman1: nil
        }
    }
}

// MARK: Validation

extension SyntheticDescription {
    /// Throws for the first value that makes no sense, naming its key.
    public func validate() throws(DataError) {
        try require(samples >= 1, .samples, "is \(samples)", "at least 1 sample is needed")
        try require(
            samples <= Self.mostSamples, .samples, "is \(samples)", "at most \(Self.mostSamples) samples are possible")
        try require(
            inputs >= minimumInputs, .inputs, "is \(inputs)",
            "\(task.rawValue) needs at least \(minimumInputs)")
        try require(task != .spirals || inputs == 2, .inputs, "is \(inputs)", "spirals lie in 2 dimensions")
        try require(noise >= 0 && noise.isFinite, .noise, "is \(noise)", "a standard deviation is at least 0")
        try validateTargets()
        try validateSizes()
        switch task {
        case .teacher:
            try require(hidden >= 1, .hidden, "is \(hidden)", "at least 1 hidden unit is needed")
            try require(
                gain > 0 && gain.isFinite, .gain, "is \(gain)", "a gain is above 0; 0.5 is the default")
        case .blobs:
            try require(
                clusterStd >= 0 && clusterStd.isFinite, .clusterStd, "is \(clusterStd)",
                "a standard deviation is at least 0")
            try require(
                centerBox.count == 2 && centerBox[0] < centerBox[1] && centerBox.allSatisfy(\.isFinite),
                .centerBox,
                "is \(centerBox)", "give a lower and a larger upper bound, as [-10, 10]")
        case .spirals:
            try require(turns > 0 && turns.isFinite, .turns, "is \(turns)", "give a number of turns above 0")
        case .linear:
            try require(
                (1...inputs).contains(informative ?? inputs), .informative, "is \(informative ?? inputs)",
                "it is between 1 and the number of inputs, \(inputs)")
            try require(bias.isFinite, .bias, "is \(bias)", "give a finite number")
        case .xor, .friedman1:
            break
        }
    }

    /// So few that the places of all their random numbers can be counted: 10¹⁵.
    private static let mostSamples = 1_000_000_000_000_000

    /// The outputs of a teacher.
    var outputCount: Int { classes ?? targets }

    /// The most numbers of one kind that a task is made of: 2 GiB in float64.
    private static let largestTable = 1 << 28

    private func validateSizes() throws(DataError) {
        let counts: [(CodingKeys, Int)] = [
            (.inputs, inputs), (.classes, classes ?? 0), (.targets, targets), (.hidden, task == .teacher ? hidden : 0),
        ]
        for (key, count) in counts {
            try require(count <= Int(Int32.max), key, "is \(count)", "at most 2,147,483,647 are possible")
        }
        // Of two factors, the larger one is named.
        let tables: [((CodingKeys, Int), (CodingKeys, Int))] =
            switch task {
            case .teacher: [((.hidden, hidden), (.inputs, inputs)), (outputKey, (.hidden, hidden))]
            case .blobs: [((.inputs, inputs), (.classes, classes ?? 0))]
            case .linear: [((.inputs, min(inputs, max(0, informative ?? inputs))), (.targets, targets))]
            case .spirals, .xor, .friedman1: []
            }
        for (first, second) in tables where first.1 * second.1 > Self.largestTable {
            let (large, small) = first.1 > second.1 ? (first, second) : (second, first)
            try require(
                false, large.0, "is \(large.1)",
                "with \(small.0.rawValue) \(small.1) at most \(Self.largestTable / small.1) are possible")
        }
    }

    private var outputKey: (CodingKeys, Int) { classes.map { (.classes, $0) } ?? (.targets, targets) }

    private var minimumInputs: Int {
        switch task {
        case .teacher, .blobs, .linear: 1
        case .spirals, .xor: 2
        case .friedman1: 5
        }
    }

    private func validateTargets() throws(DataError) {
        if let classes {
            try require(classes >= 2, .classes, "is \(classes)", "at least 2 classes are needed")
            try require(
                task != .linear && task != .friedman1, .classes, "is \(classes)",
                "\(task.rawValue) is a regression: leave the key out")
            try require(task != .xor || classes == 2, .classes, "is \(classes)", "xor has 2 classes")
        } else {
            try require(targets >= 1, .targets, "is \(targets)", "at least 1 target is needed")
            try require(
                task != .friedman1 || targets == 1, .targets, "is \(targets)", "friedman1 has 1 target")
        }
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
