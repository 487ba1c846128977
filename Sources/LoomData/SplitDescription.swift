/// Which samples of one source validate.
public struct SplitDescription: Sendable, Equatable {
    /// How much of the samples validates.
    public enum Part: Sendable, Equatable {
        /// this part of them, 0 or more and below 1
        case fraction(Double)
        /// part `index`, counted from 1, of `count` parts of one size
        case fold(index: Int, count: Int)
    }
    /// What decides about a sample.
    public enum Rule: String, Sendable, CaseIterable, Codable {
        /// chance, for as many samples as there should be
        case random
        /// chance for each sample by its number alone: samples that are added later move none to the other part
        case hash
        /// chance for each group of samples that belong together: none is in both parts
        case group
        /// time: the last samples, or of folds the part behind the first ones; what is behind it takes no part
        case last
    }
    /// How much validates.
    public var part: Part
    /// What decides about a sample.
    public var rule: Rule
    /// Whether both parts have every class in the same proportion; with the rule `random` alone.
    public var isStratified: Bool
    /// Decides where chance does.
    public var seed: UInt64

    /// A split.
    public init(_ part: Part, by rule: Rule = .random, isStratified: Bool = false, seed: UInt64 = 1) {
        (self.part, self.rule, self.isStratified, self.seed) = (part, rule, isStratified, seed)
    }

    /// A random part of the samples.
    public init(fraction: Double, isStratified: Bool = false, seed: UInt64 = 1) {
        self.init(.fraction(fraction), isStratified: isStratified, seed: seed)
    }

    /// How many of `count` samples validate. By hash, by group and stratified, the numbers are those only about: nobody knows
    /// before each sample has been looked at.
    public func validationCount(of count: Int) -> Int {
        switch part {
        case .fraction(let fraction): Self.validationCount(of: count, fraction: fraction)
        case .fold where rule == .last: laterFold(of: count).count
        case .fold(let index, let folds):
            RowSelection.place(index, of: folds, in: count) - RowSelection.place(index - 1, of: folds, in: count)
        }
    }

    /// How many of `count` samples train.
    public func trainingCount(of count: Int) -> Int {
        if case .fold = part, rule == .last {
            laterFold(of: count).lowerBound
        } else {
            count - validationCount(of: count)
        }
    }

    /// round(`fraction` × `count`), at least one unless `fraction` is 0.
    public static func validationCount(of count: Int, fraction: Double) -> Int {
        fraction == 0 ? 0 : max(1, Int((fraction * Double(count)).rounded()))
    }

    /// Both parts where they follow each other in time; nil: the rule is another.
    package func ranges(of count: Int) -> (training: Range<Int>, validation: Range<Int>)? {
        guard rule == .last else { return nil }
        if case .fold = part {
            let validation = laterFold(of: count)
            return (0..<validation.lowerBound, validation)
        }
        let first = count - validationCount(of: count)
        return (0..<first, first..<count)
    }

    /// The samples of the fold, which has `count` ÷ (folds + 1) of them; all before it train.
    private func laterFold(of count: Int) -> Range<Int> {
        guard case .fold(let index, let folds) = part else { preconditionFailure("a fraction is no fold") }
        let size = count / (folds + 1)
        let end = count - (folds - index) * size
        return end - size..<end
    }

    /// Refuses what leaves one part of `count` samples empty.
    package func check(count: Int) throws(DataError) {
        switch part {
        case .fraction(let fraction):
            guard fraction >= 0 && fraction < 1 else {
                throw Self.error(
                    "a validation fraction of \(fraction), expected 0 ≤ fraction < 1",
                    "0.1 keeps a tenth of the samples for validation")
            }
            try Self.check(validation: validationCount(of: count), of: count)
        case .fold(let index, let folds):
            guard folds >= 2, (1...folds).contains(index) else {
                throw Self.error(
                    "fold \(index) of \(folds), expected 1 ≤ fold ≤ folds and 2 folds or more",
                    "1/5 is the first of five")
            }
            // With the rule `last` one more part trains only.
            let least = rule == .last ? folds + 1 : folds
            guard count >= least else {
                throw Self.error("\(folds) folds need \(least) samples, and there are \(count)", "choose fewer folds")
            }
        }
    }

    /// Refuses a validation part that leaves no sample to train on, and an empty one.
    static func check(validation: Int, of count: Int, isWanted: Bool = false) throws(DataError) {
        guard validation < count else {
            throw error(
                "\(validation) of \(count) samples for validation leave none to train on",
                "choose a smaller fraction or give more samples")
        }
        guard validation > 0 || !isWanted else {
            throw error(
                "none of \(count) samples validates", "choose a larger fraction or another seed, or give more samples")
        }
    }

    static func error(_ problem: String, _ remedy: String) -> DataError {
        DataError(.badConfiguration, source: "data.validation", problem: problem, remedy: remedy)
    }
}
