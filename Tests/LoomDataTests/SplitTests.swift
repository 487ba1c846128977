import Foundation
import LoomKernels
import Testing

@testable import LoomData

/// Which samples validate: parts that are disjoint, as large as asked, and chosen as the rule says.
@Suite struct SplitTests {
    @Test(arguments: [(10, 0.2, 2), (10, 0.25, 3), (10, 0.01, 1), (1000, 0.333, 333), (7, 0, 0), (2, 0.5, 1)])
    func partsOfTheSplit(count: Int, fraction: Double, expected: Int) throws {
        for shuffle in [true, false] {
            let split = try Split(count: count, SplitDescription(fraction: fraction), shuffle: shuffle)
            #expect(split.validation.count == expected)
            #expect((split.training + split.validation).sorted() == Array(0..<UInt32(count)))
            #expect(split.training == split.training.sorted())
            #expect(split.validation == split.validation.sorted())
            if !shuffle { #expect(split.validation == Array((0..<UInt32(count)).suffix(expected))) }
        }
    }

    @Test func seededSplit() throws {
        let split = try Split(count: 1000, SplitDescription(fraction: 0.1, seed: 1))
        #expect(try Split(count: 1000, SplitDescription(fraction: 0.1, seed: 1)) == split)
        #expect(try Split(count: 1000, SplitDescription(fraction: 0.1, seed: 2)) != split)
        #expect(split.validation != Array(900..<1000))
    }

    @Test func stratifiedSplit() throws {
        // Classes of 100, 50, 10 and 0 samples, mixed.
        let labels = (0..<160).map { Int32($0 % 16 < 10 ? 0 : $0 % 16 < 15 ? 1 : 3) }
        for shuffle in [true, false] {
            let split = try Split(
                count: labels.count, SplitDescription(fraction: 0.25, isStratified: true, seed: 3), labels: labels,
                shuffle: shuffle)
            let counts = [0, 1, 3].map { label in split.validation.count { labels[Int($0)] == label } }
            #expect(counts == [25, 13, 3])
            #expect((split.training + split.validation).sorted() == Array(0..<160))
        }
        #expect(
            try Split(
                count: 3, SplitDescription(fraction: 0.1, isStratified: true, seed: 3), labels: [0, 1, 2]
            ).validation.count == 1)
        let a = try Split(
            count: labels.count, SplitDescription(fraction: 0.25, isStratified: true, seed: 3), labels: labels)
        #expect(
            try Split(
                count: labels.count, SplitDescription(fraction: 0.25, isStratified: true, seed: 4), labels: labels) != a
        )
    }

    @Test(arguments: [(10, 1.0), (10, -0.1), (10, Double.nan), (1, 0.5), (2, 0.9)])
    func splitsThatLeaveNothing(count: Int, fraction: Double) {
        let failure = dataError { _ = try Split(count: count, SplitDescription(fraction: fraction, seed: 1)) }
        #expect(failure?.category == .badConfiguration)
        #expect(failure?.source == "data.validation")
    }

    // MARK: Folds

    private func folds(
        _ count: Int, _ folds: Int, by rule: SplitDescription.Rule = .random, seed: UInt64 = 1, labels: [Int32]? = nil,
        groups: [UInt64]? = nil, shuffle: Bool = true
    ) throws -> [Split] {
        try (1...folds).map { index in
            try Split(
                count: count,
                SplitDescription(.fold(index: index, count: folds), by: rule, isStratified: labels != nil, seed: seed),
                labels: labels, groups: groups, shuffle: shuffle)
        }
    }

    /// Every sample validates once, and trains in all other folds.
    private func expectPartition(_ splits: [Split], of count: Int) {
        #expect(splits.flatMap(\.validation).sorted() == Array(0..<UInt32(count)))
        for split in splits {
            #expect((split.training + split.validation).sorted() == Array(0..<UInt32(count)))
            #expect(split.training == split.training.sorted() && split.validation == split.validation.sorted())
        }
    }

    @Test(arguments: [(10, 3), (7, 7), (1000, 5), (2, 2)], [true, false]) func randomFolds(
        size: (count: Int, folds: Int), shuffle: Bool
    ) throws {
        let splits = try folds(size.count, size.folds, shuffle: shuffle)
        expectPartition(splits, of: size.count)
        let sizes = splits.map(\.validation.count)
        #expect(sizes.max()! - sizes.min()! <= 1)
        for (split, description) in zip(splits, 1...) {
            let fold = SplitDescription(.fold(index: description, count: size.folds))
            #expect(fold.validationCount(of: size.count) == split.validation.count)
            #expect(fold.trainingCount(of: size.count) == split.training.count)
        }
        if !shuffle { #expect(splits.flatMap(\.validation) == Array(0..<UInt32(size.count))) }
        if size.count == 1000, shuffle {
            #expect(try folds(1000, 5, seed: 2)[0] != splits[0])
            #expect(splits[0].validation != Array(0..<200))
        }
    }

    /// 23 classes of one to five samples: folds differ by one sample in all, and in each class.
    @Test(arguments: [true, false]) func stratifiedFolds(shuffle: Bool) throws {
        let labels = (0..<23).flatMap { label in [Int32](repeating: Int32(label), count: 1 + label % 5) }
        let splits = try folds(labels.count, 4, labels: labels, shuffle: shuffle)
        expectPartition(splits, of: labels.count)
        let counts = splits.map { split in (0..<23).map { label in split.validation.count { labels[Int($0)] == label } }
        }
        let totals = counts.map { $0.reduce(0, +) }
        #expect(totals.max()! - totals.min()! <= 1)
        for label in 0..<23 {
            let own = counts.map { $0[label] }
            #expect(own.max()! - own.min()! <= 1, "class \(label)")
        }
    }

    // MARK: Hash

    @Test func samplesThatAreAddedMoveNone() throws {
        let description = SplitDescription(.fraction(0.2), by: .hash, seed: 4)
        let (few, many) = (try Split(count: 5000, description), try Split(count: 9000, description))
        #expect(many.validation.prefix(few.validation.count) == few.validation[...])
        #expect(many.validation.dropFirst(few.validation.count).allSatisfy { $0 >= 5000 })
        // A fifth within four deviations.
        #expect(abs(many.validation.count - 1800) < 152)
        #expect(try Split(count: 9000, SplitDescription(.fraction(0.2), by: .hash, seed: 5)) != many)
        #expect((many.training + many.validation).sorted() == Array(0..<9000))
        let parts = try folds(9000, 4, by: .hash)
        expectPartition(parts, of: 9000)
        #expect(parts.allSatisfy { abs($0.validation.count - 2250) < 164 })
    }

    // MARK: Groups

    @Test func noGroupIsInBothParts() throws {
        // 40 groups of one to eight samples, mixed.
        let groups = (0..<180).map { UInt64($0 * $0 % 41) &* 0x1234_5678_9abc_def1 }
        func check(_ split: Split) {
            let (training, validation) = (
                Set(split.training.map { groups[Int($0)] }), Set(split.validation.map { groups[Int($0)] })
            )
            #expect(training.isDisjoint(with: validation) && !training.isEmpty && !validation.isEmpty)
        }
        let description = SplitDescription(.fraction(0.25), by: .group, seed: 2)
        let split = try Split(count: 180, description, groups: groups)
        check(split)
        let largest = Dictionary(grouping: groups) { $0 }.values.map(\.count).max()!
        #expect(abs(split.validation.count - 45) <= largest / 2)
        #expect(try Split(count: 180, SplitDescription(.fraction(0.25), by: .group, seed: 3), groups: groups) != split)
        let parts = try folds(180, 5, by: .group, groups: groups)
        expectPartition(parts, of: 180)
        parts.forEach(check)
        let sizes = parts.map(\.validation.count)
        #expect(sizes.max()! - sizes.min()! <= largest)
    }

    /// The largest first, each to the fold with the fewest samples: 5 | 4 | 3, then 2 to the third, 1 to the second.
    @Test func groupsAreDealt() throws {
        let groups = [5, 4, 3, 2, 1].flatMap { [UInt64](repeating: $0, count: Int($0)) }
        let parts = try folds(15, 3, by: .group, groups: groups)
        #expect(parts.map { Set($0.validation.map { groups[Int($0)] }) } == [[5], [4, 1], [3, 2]])
    }

    // MARK: Time

    /// As scikit-learn's TimeSeriesSplit(n_splits=3) of ten samples.
    @Test func laterFolds() throws {
        let parts = try folds(10, 3, by: .last)
        #expect(parts.map(\.training) == [Array(0..<4), Array(0..<6), Array(0..<8)])
        #expect(parts.map(\.validation) == [[4, 5], [6, 7], [8, 9]])
        let last = try Split(count: 10, SplitDescription(.fraction(0.3), by: .last))
        #expect(last.validation == [7, 8, 9] && last.training == Array(0..<7))
        let fold = SplitDescription(.fold(index: 2, count: 3), by: .last)
        #expect(fold.validationCount(of: 10) == 2 && fold.trainingCount(of: 10) == 6)
        let ranges = try #require(fold.ranges(of: 10))
        #expect(ranges.training == 0..<6 && ranges.validation == 6..<8)
        #expect(SplitDescription(fraction: 0.3).ranges(of: 10) == nil)
    }

    // MARK: Refusals

    @Test(arguments: [
        (3, SplitDescription(.fold(index: 1, count: 5)), "5 folds need 5 samples, and there are 3"),
        (3, SplitDescription(.fold(index: 1, count: 3), by: .last), "3 folds need 4 samples, and there are 3"),
        (9, SplitDescription(.fold(index: 4, count: 3)), "fold 4 of 3, expected"),
        (9, SplitDescription(.fold(index: 1, count: 1)), "fold 1 of 1, expected"),
        (2, SplitDescription(.fraction(1e-9), by: .hash), "none of 2 samples validates"),
        (4, SplitDescription(.fold(index: 1, count: 3), by: .group), "3 folds need as many groups, and there are 2"),
    ]) func whatCannotBeSplit(count: Int, description: SplitDescription, problem: String) {
        let groups = (0..<count).map { UInt64($0 % 2) }
        let failure = dataError { _ = try Split(count: count, description, groups: groups) }
        #expect(failure?.problem.contains(problem) == true, "\(failure?.problem ?? "no error")")
        #expect(failure?.source == "data.validation" && failure?.exitCode == 78)
    }

    @Test func oneGroupAlone() {
        let failure = dataError {
            _ = try Split(count: 4, SplitDescription(.fraction(0.25), by: .group), groups: [7, 7, 7, 7])
        }
        #expect(failure?.problem == "4 of 4 samples for validation leave none to train on")
    }
}
