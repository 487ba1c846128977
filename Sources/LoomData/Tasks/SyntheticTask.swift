extension SyntheticDescription {
    /// What the samples are.
    public enum Task: String, Sendable, CaseIterable, Codable {
        /// Standard normal inputs, labelled by a random network `inputs`-`hidden`-`classes` (or `targets`).
        /// Classification: the class with the largest output. Regression: the outputs, of variance about 1. `noise` is
        /// the deviation of normal noise added to the outputs.
        case teacher
        /// Normal clouds of deviation `cluster_std` around one random centre per class, the centres uniform in
        /// `center_box`
        case blobs
        /// The same with `clusters` centres per class, equally likely
        case mixture
        /// One spiral arm of `turns` turns per class in two dimensions, radius 0 to 1; `noise` is the deviation of
        /// normal noise on the inputs
        case spirals
        /// One circle per class around 0 in two dimensions, the radii evenly spaced up to 1; `noise` is the deviation
        /// of normal noise on the inputs
        case rings
        /// Standard normal inputs, class 1 where exactly one of the first two is positive; `noise` is the deviation
        /// of normal noise on the inputs, added after labelling
        case xor
        /// Inputs −1 or 1, class 1 where an odd number of the first `bits` of them is 1; `noise` is the deviation of
        /// normal noise on the inputs, added after labelling
        case parity
        /// Standard normal inputs, class 1 with the probability σ(`gain` w·x + `bias`), with a random direction w of
        /// the first `informative` inputs
        case logistic
        /// One input uniform in (0, 4), class 0 from 1 to below 3: a threshold network with two hidden units
        case intervals
        /// Two inputs uniform in (−¼, 1), class 1 where x₀ ≥ 0, x₁ ≥ 0 and x₀ + x₁ < 1: one with three hidden units
        case triangle
        /// Standard normal inputs, labelled by a random network with `hidden` threshold units and one threshold unit
        /// as output; both classes are equally likely
        case threshold
        /// Standard normal inputs; targets are `bias` plus a random linear function, of variance 1 for inputs without
        /// correlation, of the first `informative` inputs, plus normal noise of deviation `noise`. (make_regression draws coefficients
        /// between 0 and 100 instead.)
        case linear
        /// 10 sin(π x₀ x₁) + 20 (x₂ − ½)² + 10 x₃ + 5 x₄ plus normal noise of deviation `noise`, with inputs
        /// uniform in (0, 1), those from the sixth on without influence (Friedman 1991, doi:10.1214/aos/1176347963)
        case friedman1
        /// √(x₀² + (x₁ x₂ − 1 / (x₁ x₃))²) plus noise, with inputs uniform in (0, 100), (40π, 560π), (0, 1) and (1, 11)
        case friedman2
        /// arctan((x₁ x₂ − 1 / (x₁ x₃)) / x₀) plus noise, with the same inputs
        case friedman3
        /// Standard normal inputs; targets are Σⱼ αⱼ exp(wⱼ·x + bⱼ) with `hidden` terms, of variance about 1, plus
        /// noise. The wⱼ have the length `gain`.
        case exponentials
        /// One of the letters A, B, …, drawn as an image of 20 × 20 pixels, row by row, 0 to 1, with random shift,
        /// rotation, slant, size and thickness; `noise` is the deviation of normal noise on the pixels
        case letters
        /// 120 values of a logarithmic spectrum of a voice, up to 4 kHz, of one of two speakers; `noise` is the
        /// deviation of normal noise on them
        case voices
        /// The prices of five days, and as target that of the next one; daily changes follow an autoregressive
        /// process, 0.6 times the last change plus normal noise of deviation `noise`
        case prices
    }
}

/// Which keys have a meaning for which tasks.
extension SyntheticDescription.Task {
    /// Tasks whose number of classes can be given.
    package static let choosesClasses: [Self] = [.teacher, .blobs, .mixture, .spirals, .rings, .xor, .letters]
    /// Tasks that have, or can have, classes.
    package static let withClasses: [Self] = [
        .teacher, .blobs, .mixture, .spirals, .rings, .xor, .parity, .logistic, .intervals, .triangle, .threshold,
        .letters, .voices,
    ]
    /// Tasks that choose a sample's class before its inputs.
    package static let choosesClassFirst: [Self] = [.blobs, .mixture, .spirals, .rings, .letters, .voices]
    /// Tasks whose inputs can have a common factor.
    package static let correlates: [Self] = [.teacher, .logistic, .threshold, .linear, .exponentials]
    /// Tasks whose number of targets can be given.
    package static let choosesTargets: [Self] = [.teacher, .linear, .friedman1, .exponentials]
    /// Tasks with normal noise.
    package static let withNoise: [Self] = [
        .teacher, .spirals, .rings, .xor, .parity, .linear, .friedman1, .friedman2, .friedman3, .exponentials, .letters,
        .voices, .prices,
    ]
    /// Tasks with a gain.
    package static let withGain: [Self] = [.teacher, .logistic, .exponentials]
    /// Tasks with hidden units or terms.
    package static let withHidden: [Self] = [.teacher, .threshold, .exponentials]

    /// The number of inputs of tasks that leave no choice.
    var fixedInputs: Int? {
        switch self {
        case .spirals, .rings, .triangle: 2
        case .intervals: 1
        case .friedman2, .friedman3: 4
        case .letters: LettersTask.side * LettersTask.side
        case .voices: VoicesTask.features
        case .prices: PricesTask.days
        case .teacher, .blobs, .mixture, .xor, .parity, .logistic, .threshold, .linear, .friedman1, .exponentials: nil
        }
    }

    var defaultInputs: Int {
        if let fixedInputs { return fixedInputs }
        return switch self {
        case .teacher: 64
        case .blobs, .mixture, .xor: 2
        default: 10
        }
    }

    func defaultClasses(targets: Int?) -> Int? {
        switch self {
        case .teacher: targets == nil ? 10 : nil
        case .blobs, .mixture: 3
        case .spirals, .rings, .xor, .parity, .logistic, .intervals, .triangle, .threshold, .voices: 2
        case .letters: 26
        case .linear, .friedman1, .friedman2, .friedman3, .exponentials, .prices: nil
        }
    }

    var defaultNoise: Double {
        switch self {
        case .spirals, .prices: 0.02
        case .rings: 0.05
        case .letters: 0.1
        case .voices: 0.5
        default: 0
        }
    }

    var defaultGain: Double { self == .logistic ? 3 : 0.5 }

    var defaultHidden: [Int] {
        switch self {
        case .threshold: [8]
        case .exponentials: [4]
        default: [32]
        }
    }
}

/// The activation of a random teacher's hidden units.
public enum TeacherActivation: String, Sendable, CaseIterable, Codable {
    /// tanh z
    case tanh
    /// max(0, z)
    case relu
    /// 1 / (1 + e⁻ᶻ)
    case sigmoid
    /// arctan z
    case arctan
}
