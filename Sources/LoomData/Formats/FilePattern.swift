import Foundation

/// Files that a user names one by one, or by a pattern.
package enum FilePattern {
    /// The files that `paths` mean, in their order: a path with `*` (any letters) or `?` (one letter) in its last part stands
    /// for the files of such a name, in natural order, unless there is a file of exactly that name.
    /// - Throws: `DataError` where no file has such a name.
    package static func files(_ paths: [String]) throws(DataError) -> [String] {
        var files: [String] = []
        for path in paths { files += try matches(path) }
        return files
    }

    private static func matches(_ path: String) throws(DataError) -> [String] {
        guard path.contains(where: { $0 == "*" || $0 == "?" }), access(path, F_OK) != 0 else { return [path] }
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { String(path[..<$0]) } ?? "."
        let pattern = slash.map { path[path.index(after: $0)...] } ?? path[...]
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.isEmpty ? "/" : directory)) ?? []
        let found = names.filter { matches($0, pattern) }.sorted(by: isBefore)
        guard !found.isEmpty else {
            throw DataError(
                .missingInput, source: path, problem: "no file has such a name",
                remedy: "check the path; * and ? stand for letters of a file's name, not for directories")
        }
        return found.map { slash == nil ? $0 : "\(directory)/\($0)" }
    }

    /// Whether all of `name` is as `pattern` says. A hidden name has to be asked for.
    static func matches(_ name: String, _ pattern: some StringProtocol) -> Bool {
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        let (name, pattern) = (Array(name.utf8), Array(pattern.utf8))
        var (n, p) = (0, 0)
        // Where the last star was, and where in the name what follows it was looked for last.
        var retry: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                (n, p) = (n + 1, p + 1)
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (n, p) = (last.name + 1, last.pattern + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// Whether `left` comes before `right`: runs of digits are compared as numbers.
    static func isBefore(_ left: String, _ right: String) -> Bool {
        var (left, right) = (Array(left.utf8)[...], Array(right.utf8)[...])
        let all = (left, right)
        func digits(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            let digits = text.prefix { (0x30...0x39).contains($0) }
            text = text.dropFirst(digits.count)
            return digits.drop { $0 == 0x30 }
        }
        while let l = left.first, let r = right.first {
            if (0x30...0x39).contains(l), (0x30...0x39).contains(r) {
                let (a, b) = (digits(&left), digits(&right))
                if a.count != b.count { return a.count < b.count }
                if a != b { return a.lexicographicallyPrecedes(b) }
            } else if l != r {
                return l < r
            } else {
                left.removeFirst()
                right.removeFirst()
            }
        }
        if left.isEmpty != right.isEmpty { return left.isEmpty }
        return all.0.lexicographicallyPrecedes(all.1)
    }
}
