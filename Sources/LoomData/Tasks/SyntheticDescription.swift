/// A generated data set. Every sample is a pure function of this description and the sample's index.
///
/// Names and defaults follow scikit-learn's generators where they exist (sklearn.datasets: make_blobs,
/// make_friedman1, make_regression). Of the properties from `noise` to `distortion`, those that a task doesn't use are
/// ignored; `labelNoise`, `classShares` and `correlation` are refused where they have no meaning.
public struct SyntheticDescription: Sendable, Equatable {
    /// What the samples are.
    public var task: Task
    /// The number of samples.
    public var samples: Int
    /// The number of features of the task itself; `redundant` and `irrelevant` ones follow them.
    public var inputs: Int
    /// The number of classes; nil for regression.
    public var classes: Int?
    /// The number of target columns of a regression.
    public var targets: Int
    /// The seed: with the other values it alone decides every sample.
    public var seed: UInt64
    /// A standard deviation; what it applies to depends on the task.
    public var noise: Double
    /// `teacher`, `threshold`: the units of the hidden layers. `exponentials`: the number of terms.
    public var hidden: [Int]
    /// `teacher`: the activation of the hidden units.
    public var activation: TeacherActivation
    /// `teacher`: the standard deviation of the hidden units' pre-activations for inputs without correlation, between
    /// 0.001 and 1000; the larger, the less linear and the harder to learn. With 64 inputs, 32 hidden units and 10 classes, a 64-256-10 relu network reached 0.92 of
    /// right classes at 0.5 and 0.88 at 1 after 3 epochs of 1,000,000 samples (momentum 0.9, learning rate 0.1);
    /// the best linear map reaches 0.91 and 0.80. `exponentials`: the same of the exponents. `logistic`: the factor of
    /// the normal variable, without `bias` the deviation of the log-odds.
    public var gain: Double
    /// `blobs`, `mixture`: the standard deviation of a cloud in every direction.
    public var clusterStd: Double
    /// `blobs`, `mixture`: the lower and the upper bound of every coordinate of the centres.
    public var centerBox: [Double]
    /// `spirals`: the turns of an arm.
    public var turns: Double
    /// `linear`, `logistic`: the number of inputs that the target depends on; nil: all.
    public var informative: Int?
    /// `linear`: the constant term. `logistic`: the log-odds of class 1 at 0.
    public var bias: Double
    /// `mixture`: the clouds of a class.
    public var clusters = 3
    /// `parity`: the number of inputs that count.
    public var bits = 3
    /// `letters`: how much letters vary in place, angle, slant, size and thickness; 0: not at all.
    public var distortion = 1.0
    /// The probability that a label is replaced by one of the other classes, each equally likely.
    public var labelNoise = 0.0
    /// How frequent classes are, as shares or any other numbers in proportion; nil: equally. For tasks that choose the
    /// class first.
    public var classShares: [Double]?
    /// The number of features that are appended and are random linear combinations, of length 1, of the task's own.
    public var redundant = 0
    /// The number of features that are appended last and are standard normal noise.
    public var irrelevant = 0
    /// The correlation of any two inputs, by a common factor; for tasks with normal inputs.
    public var correlation = 0.0

    /// A generated data set. What is left out has the task's default: a teacher has 64 inputs and 10 classes unless
    /// `targets` asks for a regression.
    public init(
        task: Task, samples: Int, inputs: Int? = nil, classes: Int? = nil, targets: Int? = nil,
        seed: UInt64 = 1,
        noise: Double? = nil, hidden: [Int]? = nil, activation: TeacherActivation = .tanh, gain: Double? = nil,
        clusterStd: Double = 1, centerBox: [Double] = [-10, 10], turns: Double = 1, informative: Int? = nil,
        bias: Double = 0
    ) {
        self.task = task
        self.samples = samples
        self.inputs = inputs ?? task.defaultInputs
        self.classes = classes ?? task.defaultClasses(targets: targets)
        self.targets = targets ?? 1
        self.seed = seed
        self.noise = noise ?? task.defaultNoise
        self.hidden = hidden ?? task.defaultHidden
        self.activation = activation
        self.gain = gain ?? task.defaultGain
        self.clusterStd = clusterStd
        self.centerBox = centerBox
        self.turns = turns
        self.informative = informative
        self.bias = bias
    }

    /// The number of features of a sample: the task's own, redundant and irrelevant ones.
    public var featureCount: Int { inputs &+ redundant &+ irrelevant }

    /// The outputs of a teacher.
    var outputCount: Int { classes ?? targets }

    /// The same task without what is done to its samples afterwards.
    var unaltered: SyntheticDescription {
        var result = self
        (result.labelNoise, result.redundant, result.irrelevant) = (0, 0, 0)
        return result
    }
}
