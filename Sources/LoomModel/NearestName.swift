/// Finds the name that a mistyped one was meant to be.
package enum NearestName {
    /// The name among `names` that `text` was meant to be, the first of equals; nil when there is none.
    ///
    /// That is the one with the fewest letters to change, if these are a third of the letters at most (`learing_rate`
    /// for `learning_rate`); otherwise one with these initials (`lr`) or with a part of its words (`batch_size` for
    /// `batch`, `decay` for `weight_decay`).
    package static func find(_ text: String, in names: [String]) -> String? {
        let limit = text.count / 3
        var best: (name: String, distance: Int)?
        for name in names {
            let distance = editDistance(Array(text.lowercased()), Array(name.lowercased()))
            if distance <= limit, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best?.name ?? names.first { areAbbreviations(words(text), words($0)) }
    }

    private static func words(_ name: String) -> [Substring] { name.lowercased().split(separator: "_") }

    private static func areAbbreviations(_ text: [Substring], _ name: [Substring]) -> Bool {
        if text.count == 1, name.count > 1, String(name.compactMap(\.first)) == text[0] { return true }
        let (short, long) = text.count < name.count ? (text, name) : (name, text)
        // One-letter words say too little.
        guard short.count < long.count, short.contains(where: { $0.count > 2 }) else { return false }
        return long.starts(with: short) || long.reversed().starts(with: short.reversed())
    }

    /// The least number of insertions, deletions, replacements and exchanges of neighbours that turn `first` into
    /// `second` (Damerau 1964, doi:10.1145/363958.363994; no letter is edited twice).
    package static func editDistance(_ first: [Character], _ second: [Character]) -> Int {
        guard !first.isEmpty, !second.isEmpty else { return max(first.count, second.count) }
        var beforePrevious: [Int] = []
        var previous = Array(0...second.count)
        for i in 1...first.count {
            var current = [i]
            for j in 1...second.count {
                let replacement = previous[j - 1] + (first[i - 1] == second[j - 1] ? 0 : 1)
                var least = min(replacement, previous[j] + 1, current[j - 1] + 1)
                if i > 1, j > 1, first[i - 1] == second[j - 2], first[i - 2] == second[j - 1] {
                    least = min(least, beforePrevious[j - 2] + 1)
                }
                current.append(least)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[second.count]
    }
}

extension [String] {
    /// `a, b or c`.
    package var alternatives: String { joined(with: "or") }
    /// `a, b and c`.
    package var enumeration: String { joined(with: "and") }

    private func joined(with word: String) -> String {
        guard count > 1 else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " \(word) " + last!
    }
}
