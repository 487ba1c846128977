/// A range of rows, columns or shards as plain numbers: `Range` is not bitwise copyable.
package struct IndexRange: BitwiseCopyable, Sendable {
    private let start: Int
    private let end: Int

    /// The indices of `range`.
    @inlinable
    package init(_ range: Range<Int>) {
        start = range.lowerBound
        end = range.upperBound
    }

    /// The indices.
    @inlinable
    package var range: Range<Int> { start..<end }
}
