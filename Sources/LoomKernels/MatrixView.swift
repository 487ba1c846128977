import CKernels

/// A row-major matrix in memory that somebody else owns: element (row, column) is at `row * stride + column`.
///
/// A view is two words and three integers; it neither retains nor frees. It is valid while the buffer it points
/// into lives. Views that are written to from several threads at a time must not overlap.
public struct MatrixView<Scalar: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: a view carries no ownership; the phases of a step hand every worker views of disjoint rows or slices.

    /// Element (0, 0).
    public let pointer: UnsafeMutablePointer<Scalar>
    /// The number of rows.
    public let rows: Int
    /// The number of columns.
    public let columns: Int
    /// The distance between the starts of two rows, in elements.
    public let stride: Int

    /// A view of `rows` × `columns` elements at `pointer`.
    @inlinable
    public init(pointer: UnsafeMutablePointer<Scalar>, rows: Int, columns: Int, stride: Int) {
        assert(rows >= 0 && columns >= 0 && stride >= columns, "a row must fit into the stride")
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// Element (`row`, `column`).
    @inlinable
    public subscript(row: Int, column: Int) -> Scalar {
        get {
            assert(row >= 0 && row < rows && column >= 0 && column < columns, "index outside the matrix")
            return pointer[row * stride + column]
        }
        nonmutating set {
            assert(row >= 0 && row < rows && column >= 0 && column < columns, "index outside the matrix")
            pointer[row * stride + column] = newValue
        }
    }

    /// The rows of `range`, in place.
    @inlinable
    public func rows(_ range: Range<Int>) -> MatrixView {
        assert(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside the matrix")
        return MatrixView(
            pointer: pointer + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    /// The columns of `range`, in place.
    @inlinable
    public func columns(_ range: Range<Int>) -> MatrixView {
        assert(range.lowerBound >= 0 && range.upperBound <= columns, "columns outside the matrix")
        return MatrixView(pointer: pointer + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// Prefetches the cache lines of all elements for writing.
    @inlinable
    public func prefetchForWriting() {
        for row in 0..<rows {
            loom_prefetch_for_writing(pointer + row * stride, columns * MemoryLayout<Scalar>.stride)
        }
    }
}

/// Padding: rows of workspace matrices and parameters start on 64-byte boundaries, so that kernels work on whole
/// vectors and two workers never write to one cache line.
public enum Padding {
    /// The bytes that every row is a multiple of.
    public static let alignmentBytes = 64

    /// A stride, in elements of `Scalar`, that holds `columns` elements and is a multiple of 64 bytes: the smallest one, or
    /// 64 bytes more. A column's elements lie in only a few sets of a cache where the stride has many factors of two: rows of
    /// eight cache lines and more are never a multiple of four of them (256 → 512 units on Zen 5: 3 % of the step,
    /// 784 → 1024 → 1024: 6 %).
    @inlinable
    public static func stride<Scalar>(columns: Int, of _: Scalar.Type) -> Int {
        let lanes = alignmentBytes / MemoryLayout<Scalar>.stride
        let lines = (columns + lanes - 1) / lanes
        return (lines >= 8 && lines % 4 == 0 ? lines + 1 : lines) * lanes
    }
}
