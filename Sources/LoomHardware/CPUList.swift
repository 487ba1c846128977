/// Lists of CPU indices in the notation of the Linux kernel and of `taskset`: `0,2,4-7`.
package enum CPUList {
    /// Reads a list such as `0,2,4-7`, in the order written.
    ///
    /// - Throws: `PlacementError.invalidCPUList` when an entry is no index and no ascending range.
    package static func parse(_ text: String) throws(PlacementError) -> [Int] {
        var indices: [Int] = []
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = entry.split(separator: "-", omittingEmptySubsequences: false).map { bound in
                bound.allSatisfy { $0.isASCII && $0.isNumber } ? Int(bound) : nil
            }
            guard let first = bounds.first ?? nil, bounds.count <= 2, let last = bounds.last ?? nil,
                first <= last, last < largestNumber, indices.count + last - first < largestCount
            else {
                throw .invalidCPUList(text: text, entry: String(entry))
            }
            indices.append(contentsOf: first...last)
        }
        return indices
    }

    /// Writes `indices` in ascending order with ranges: `0,2,4-7`; an empty list is `none`.
    package static func format(_ indices: some Sequence<Int>) -> String {
        var ranges: [ClosedRange<Int>] = []
        for index in indices.sorted() {
            if let last = ranges.last, index <= last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...max(index, last.upperBound)
            } else {
                ranges.append(index...index)
            }
        }
        guard !ranges.isEmpty else { return "none" }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    // Far above any machine.
    private static let largestNumber = 1 << 20
    // Eight times what Linux can be built for; keeps a typing error such as 0-999999,0-999999 from filling the memory.
    private static let largestCount = 1 << 16
}
