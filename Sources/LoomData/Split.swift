import LoomKernels

/// Which samples train and which validate.
public struct Split: Sendable, Equatable {
    /// The samples of the training part, ascending.
    public let training: [UInt32]
    /// The samples of the validation part, ascending.
    public let validation: [UInt32]

    /// Splits `count` samples.
    ///
    /// A fraction gives round(fraction × `count`) samples, at least one, to the validation part: random ones, or with
    /// `shuffle: false` the last ones. Stratified, it gives so many of each class. By hash, the fraction is the probability of
    /// each sample; by group, whole groups are taken in a random order while they bring the number nearer to the fraction's.
    ///
    /// Folds have the same samples but for one: of a random order, stratified of one in which the classes follow each other.
    /// By hash, every sample has one of the folds with the same probability. Groups are dealt, the largest first, each to the
    /// fold with the fewest samples.
    ///
    /// - Parameters:
    ///   - count: The number of samples.
    ///   - description: What validates.
    ///   - labels: The class of every sample, counted from 0; needed to stratify.
    ///   - groups: A number for every sample, the same one for samples that belong together; needed to split by groups.
    ///   - shuffle: Whether chance decides in a random or stratified split; otherwise the order of the samples.
    /// - Throws: `DataError` for a part without a sample, and for more samples than a list can have.
    public init(
        count: Int, _ description: SplitDescription, labels: [Int32]? = nil, groups: [UInt64]? = nil,
        shuffle: Bool = true
    ) throws(DataError) {
        try description.check(count: count)
        guard count < Int(UInt32.max) else {
            throw DataError(
                .badConfiguration, source: "data.validation",
                problem: "\(count) samples are more than the 4,294,967,294 that can be split by chance",
                remedy:
                    "let the last ones validate with data.validation.by last, or give data of their own to validate on")
        }
        let chooser = Chooser(count: count, description: description, shuffle: shuffle)
        let chosen: [UInt32]
        switch description.rule {
        case .random where description.isStratified:
            precondition(labels?.count == count, "one label for each sample")
            chosen = chooser.stratified(labels ?? [])
        case .random: chosen = chooser.random()
        case .hash: chosen = chooser.hashed()
        case .group:
            precondition(groups?.count == count, "one group for each sample")
            chosen = try chooser.grouped(groups ?? [])
        case .last:
            // What is behind a fold takes no part.
            let ranges = description.ranges(of: count)!
            self.init(
                training: ranges.training.map { UInt32($0) }, validation: ranges.validation.map { UInt32($0) })
            return
        }
        try self.init(count: count, validation: chosen, isWanted: description.part != .fraction(0))
    }

    private init(training: [UInt32], validation: [UInt32]) {
        (self.training, self.validation) = (training, validation)
    }

    private init(count: Int, validation: [UInt32], isWanted: Bool) throws(DataError) {
        try SplitDescription.check(validation: validation.count, of: count, isWanted: isWanted)
        var isValidation = [Bool](repeating: false, count: count)
        for sample in validation { isValidation[Int(sample)] = true }
        var training: [UInt32] = []
        training.reserveCapacity(count - validation.count)
        for sample in 0..<UInt32(count) where !isValidation[Int(sample)] { training.append(sample) }
        self.init(training: training, validation: validation.sorted())
    }
}

/// Chooses the samples that validate.
private struct Chooser {
    let count: Int
    let description: SplitDescription
    let shuffle: Bool

    func random() -> [UInt32] {
        let all = 0..<UInt32(count)
        switch description.part {
        case .fraction: return first(description.validationCount(of: count), of: all, stream: Self.plainStream)
        case .fold(let index, let folds):
            let order = first(count, of: all, stream: Self.plainStream)
            let start = RowSelection.place(index - 1, of: folds, in: count)
            return Array(order[start..<start + description.validationCount(of: count)])
        }
    }

    func stratified(_ labels: [Int32]) -> [UInt32] {
        let classes = Int(labels.max() ?? 0) + 1
        var members = [[UInt32]](repeating: [], count: classes)
        for (sample, label) in labels.enumerated() { members[Int(label)].append(UInt32(sample)) }
        var chosen: [UInt32] = []
        switch description.part {
        case .fraction(let fraction):
            for (label, samples) in members.enumerated() {
                let wanted = Int((fraction * Double(samples.count)).rounded())
                chosen += first(wanted, of: samples, stream: UInt32(label) + 1)
            }
            if chosen.isEmpty && fraction > 0 {
                chosen = first(1, of: 0..<UInt32(labels.count), stream: Self.plainStream)
            }
        case .fold(let index, let folds):
            // Dealt one after the other, over the borders of classes: folds differ by one sample in all, and in each class.
            var position = 0
            for (label, samples) in members.enumerated() {
                for sample in first(samples.count, of: samples, stream: UInt32(label) + 1) {
                    if position % folds == index - 1 { chosen.append(sample) }
                    position += 1
                }
            }
        }
        return chosen
    }

    func hashed() -> [UInt32] {
        let random = CounterRandom(seed: description.seed, purpose: .split, subStream: Self.hashStream)
        return (0..<UInt32(count)).filter { sample in
            let bits = random.bits(at: UInt64(sample))
            let number = UInt64(bits.y) << 32 | UInt64(bits.x)
            return switch description.part {
            // 53 bits: the fraction as it is.
            case .fraction(let fraction): Double(number >> 11) * 0x1p-53 < fraction
            case .fold(let index, let folds): Int(UInt64(folds).multipliedFullWidth(by: number).high) == index - 1
            }
        }
    }

    func grouped(_ groups: [UInt64]) throws(DataError) -> [UInt32] {
        var places: [UInt64: Int] = [:]
        // Every sample's group, numbered in the order in which they come, and the groups' sizes.
        let numbers = groups.map { group in
            if let place = places[group] { return place }
            places[group] = places.count
            return places.count - 1
        }
        var sizes = [Int](repeating: 0, count: places.count)
        for number in numbers { sizes[number] += 1 }
        let isChosen: [Bool]
        switch description.part {
        case .fraction: isChosen = nearest(sizes, to: description.validationCount(of: count))
        case .fold(let index, let folds):
            guard sizes.count >= folds else {
                throw SplitDescription.error(
                    "\(folds) folds need as many groups, and there are \(sizes.count)", "choose fewer folds")
            }
            isChosen = dealt(sizes, folds: folds).map { $0 == index - 1 }
        }
        return (0..<UInt32(count)).filter { isChosen[numbers[Int($0)]] }
    }

    /// Groups in a random order, each taken if it brings the samples nearer to `wanted`, and one at least.
    private func nearest(_ sizes: [Int], to wanted: Int) -> [Bool] {
        var isChosen = [Bool](repeating: false, count: sizes.count)
        var total = 0
        let order = first(sizes.count, of: 0..<UInt32(sizes.count), stream: Self.groupStream)
        for group in order where abs(total + sizes[Int(group)] - wanted) < abs(total - wanted) {
            isChosen[Int(group)] = true
            total += sizes[Int(group)]
        }
        // Each alone is too large: the smallest.
        if total == 0, wanted > 0, let smallest = sizes.indices.min(by: { sizes[$0] < sizes[$1] }) {
            isChosen[smallest] = true
        }
        return isChosen
    }

    /// The fold of every group: the largest group first, each to the fold with the fewest samples.
    private func dealt(_ sizes: [Int], folds: Int) -> [Int] {
        var totals = [Int](repeating: 0, count: folds)
        var foldOfGroup = [Int](repeating: 0, count: sizes.count)
        for group in sizes.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
            let fold = totals.indices.min { (totals[$0], $0) < (totals[$1], $1) }!
            foldOfGroup[group] = fold
            totals[fold] += sizes[group]
        }
        return foldOfGroup
    }

    // MARK: Chance

    // Sub-streams of random numbers: those between are the classes' of a stratified split.
    private static let plainStream: UInt32 = 0
    private static let hashStream = UInt32.max
    private static let groupStream = UInt32.max - 1

    /// `wanted` of the `members`: the first of their seeded permutation, or the last of them.
    private func first(
        _ wanted: Int, of members: some RandomAccessCollection<UInt32>, stream: UInt32
    ) -> [UInt32] {
        guard wanted > 0 else { return [] }
        guard shuffle || stream == Self.groupStream else { return Array(members.suffix(wanted)) }
        let bits = CounterRandom(seed: description.seed, purpose: .split, subStream: stream).bits(at: 0)
        let positions = [UInt64](unsafeUninitializedCapacity: wanted) { buffer, initializedCount in
            RandomPermutation(key: UInt64(bits.y) << 32 | UInt64(bits.x), size: members.count)
                .indices(start: 0, count: wanted, into: buffer.baseAddress!)
            initializedCount = wanted
        }
        return positions.map { members[members.index(members.startIndex, offsetBy: Int($0))] }
    }
}
