import LoomKernels

/// How trials are chosen.
package enum SweepSearch: String, Sendable, CaseIterable, Codable {
    /// every combination of values
    case grid
    /// random combinations
    case random
    /// successive halving: many trials begin, and the best ones go on
    case halving
}

/// All keys of a search.
package struct SweepSpace: Sendable, Equatable {
    /// The keys, in the order in which they were given.
    package let keys: [SweepKey]

    /// The number of random trials where none is given.
    package static let defaultTrials = 20
    /// Keys that differ between the trainings of one search in any case.
    private static let ownKeys = ["parallel.workers", "parallel.placement", "run.directory"]

    /// Reads texts KEY.PATH=VALUES.
    /// - Throws: `SweepError.values`, `.repeatedKey` or `.ownKey`.
    package init(_ texts: [String]) throws(SweepError) {
        var keys: [SweepKey] = []
        for text in texts {
            let key = try SweepKey(text)
            guard !keys.contains(where: { $0.path == key.path }) else { throw .repeatedKey(key.path) }
            guard !Self.ownKeys.contains(key.path) else { throw .ownKey(key.path) }
            keys.append(key)
        }
        self.keys = keys
    }

    /// The search where none is named: all combinations of lists, and random ones where a key has a range.
    package var defaultSearch: SweepSearch { keys.allSatisfy(\.isList) ? .grid : .random }

    /// The number of combinations; the largest number there is where they are more.
    package var gridCount: Int {
        keys.reduce(1) { count, key in
            let (product, isTooLarge) = count.multipliedReportingOverflow(by: key.gridCount)
            return isTooLarge ? .max : product
        }
    }

    /// Every combination, one value a key, the last key changing first.
    /// - Throws: `SweepError.tooManyTrials`.
    package func grid() throws(SweepError) -> [[String]] {
        guard gridCount <= SweepError.mostTrials else { throw .tooManyTrials(gridCount) }
        return keys.reduce([[]]) { combinations, key in
            let values = key.gridValues
            return combinations.flatMap { combination in values.map { combination + [$0] } }
        }
    }

    /// `count` different combinations, drawn by `seed`: the first ones are the same for every `count`. Fewer where the space
    /// has no more.
    /// - Throws: `SweepError.tooManyTrials`.
    package func random(_ count: Int, seed: UInt64) throws(SweepError) -> [[String]] {
        guard count <= SweepError.mostTrials else { throw .tooManyTrials(count) }
        let streams = keys.indices.map {
            CounterRandom(seed: seed, purpose: .search, subStream: UInt32(truncatingIfNeeded: $0))
        }
        var (combinations, known) = ([[String]](), Set<[String]>())
        // The last ones of a small space are hit seldom.
        for attempt in 0..<UInt64(100 * count) where combinations.count < count {
            let combination = zip(keys, streams).map { key, stream in key.drawn(stream.uniform(at: attempt)) }
            if known.insert(combination).inserted { combinations.append(combination) }
        }
        return combinations
    }
}
