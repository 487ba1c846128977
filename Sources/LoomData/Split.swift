import LoomKernels

/// Which samples train and which validate.
public struct Split: Sendable, Equatable {
    /// The samples of the training part, ascending.
    public let training: [UInt32]
    /// The samples of the validation part, ascending.
    public let validation: [UInt32]

    /// Gives round(`fraction` × `count`) samples, at least one, to the validation part: random ones, or with
    /// `shuffle: false` the last ones. A fraction of 0 leaves the validation part empty.
    ///
    /// Throws when the fraction is outside 0 ..< 1 or leaves no sample to train on.
    public init(
        count: Int, fraction: Double, seed: UInt64, shuffle: Bool = true
    ) throws(DataError) {
        try Self.check(fraction: fraction)
        guard count < Int(UInt32.max) else {
            throw DataError(
                .badConfiguration, source: "data.validation",
                problem: "\(count) samples are more than the 4,294,967,294 that can be split by chance",
                remedy: "give data of their own to validate on")
        }
        let wanted = Self.validationCount(of: count, fraction: fraction)
        let chosen = Self.choose(wanted, of: 0..<UInt32(count), stream: 0, seed: seed, shuffle: shuffle)
        try self.init(count: count, validation: chosen)
    }

    /// Gives round(`fraction` × n) samples of each class of n samples to the validation part, so that both parts
    /// have the classes in the same proportions; at least one sample in all.
    ///
    /// `labels` are the samples' class indices, counted from 0. Throws as the plain split does.
    public init(
        stratifiedBy labels: [Int32], fraction: Double, seed: UInt64, shuffle: Bool = true
    ) throws(DataError) {
        try Self.check(fraction: fraction)
        let classes = Int(labels.max() ?? 0) + 1
        var members = [[UInt32]](repeating: [], count: classes)
        for (sample, label) in labels.enumerated() {
            members[Int(label)].append(UInt32(sample))
        }
        var chosen: [UInt32] = []
        for (label, samples) in members.enumerated() {
            let wanted = Int((fraction * Double(samples.count)).rounded())
            // Sub-stream 0 is the plain split's.
            chosen += Self.choose(
                wanted, of: samples, stream: UInt32(label) + 1, seed: seed, shuffle: shuffle)
        }
        if chosen.isEmpty && fraction > 0 {
            chosen = Self.choose(1, of: 0..<UInt32(labels.count), stream: 0, seed: seed, shuffle: shuffle)
        }
        try self.init(count: labels.count, validation: chosen)
    }

    private init(count: Int, validation: [UInt32]) throws(DataError) {
        try Self.check(validation: validation.count, of: count)
        var isValidation = [Bool](repeating: false, count: count)
        for sample in validation {
            isValidation[Int(sample)] = true
        }
        self.validation = validation.sorted()
        var training: [UInt32] = []
        training.reserveCapacity(count - validation.count)
        for sample in 0..<UInt32(count) where !isValidation[Int(sample)] { training.append(sample) }
        self.training = training
    }

    /// Refuses a validation part that leaves no sample to train on.
    package static func check(validation: Int, of count: Int) throws(DataError) {
        guard validation < count else {
            throw DataError(
                .badConfiguration, source: "data.validation",
                problem: "\(validation) of \(count) samples for validation leave none to train on",
                remedy: "choose a smaller fraction or give more samples")
        }
    }

    /// The samples of `count` that validate: round(`fraction` × `count`), at least one unless `fraction` is 0. A
    /// stratified split rounds for each class.
    public static func validationCount(of count: Int, fraction: Double) -> Int {
        fraction == 0 ? 0 : max(1, Int((fraction * Double(count)).rounded()))
    }

    private static func check(fraction: Double) throws(DataError) {
        guard fraction >= 0 && fraction < 1 else {
            throw DataError(
                .badConfiguration, source: "data.validation",
                problem: "a validation fraction of \(fraction), expected 0 ≤ fraction < 1",
                remedy: "0.1 keeps a tenth of the samples for validation")
        }
    }

    /// `wanted` of the `members`: the first of their seeded permutation, or the last of them.
    private static func choose(
        _ wanted: Int, of members: some RandomAccessCollection<UInt32>, stream: UInt32, seed: UInt64, shuffle: Bool
    ) -> [UInt32] {
        guard wanted > 0 else { return [] }
        guard shuffle else { return Array(members.suffix(wanted)) }
        let bits = CounterRandom(seed: seed, purpose: .split, subStream: stream).bits(at: 0)
        let positions = [UInt64](unsafeUninitializedCapacity: wanted) { buffer, initializedCount in
            RandomPermutation(key: UInt64(bits.y) << 32 | UInt64(bits.x), size: members.count)
                .indices(start: 0, count: wanted, into: buffer.baseAddress!)
            initializedCount = wanted
        }
        return positions.map { members[members.index(members.startIndex, offsetBy: Int($0))] }
    }
}
