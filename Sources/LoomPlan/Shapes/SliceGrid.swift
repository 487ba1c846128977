import LoomKernels
import LoomModel

/// How one parameter tensor is cut into slices, from shapes alone.
///
/// A slice is the unit of the gradient product and of the optimizer's update. Every cut lies on a 64-byte boundary.
/// Products that may be cut freely are cut along the longer side of the weights: a worker then reads the smaller part of
/// activations and deltas that lie in another one's cache (784 → 128 units: 2 % of the step). Others are cut along rows
/// (units), but along columns (inputs) for narrow output layers.
package struct SliceGrid: Sendable, Hashable, Codable, BitwiseCopyable {
    /// A direction in a matrix.
    package enum Axis: String, Sendable, Codable, BitwiseCopyable {
        /// Slices are blocks of rows.
        case rows
        /// Slices are blocks of columns.
        case columns
    }
    /// The direction in which slices follow each other.
    package let axis: Axis
    /// Rows or columns of the tensor along the axis.
    package let extent: Int
    /// Rows or columns of one slice; the last one may have fewer.
    package let length: Int

    /// The number of slices.
    package var count: Int { (extent + length - 1) / length }

    /// The rows or columns of a run of slices.
    @inlinable package func range(of slices: Range<Int>) -> Range<Int> {
        min(extent, slices.lowerBound * length)..<min(extent, slices.upperBound * length)
    }

    /// The part of `matrix` that a range along the axis covers.
    @inlinable package func block<Scalar>(_ range: Range<Int>, of matrix: MatrixView<Scalar>) -> MatrixView<Scalar> {
        axis == .rows ? matrix.rows(range) : matrix.columns(range)
    }

    /// 16 columns are 64 bytes of float32 and 128 of float64: one grid for both precisions.
    private static let lanes = 16

    /// The grid of a row of `elements`: up to 64 slices.
    package init(elements: Int) {
        self.init(axis: .columns, extent: elements, slices: 64, minimumLength: 1, multiple: Self.lanes)
    }

    /// The grid of `tensor` for work that looks at each element by itself: up to 64 slices, which lie in one piece where
    /// there are rows enough.
    package init(elementwise tensor: ParameterTensor) {
        let byRows = tensor.role == .weights && tensor.rows * Self.lanes >= tensor.columns
        self.init(
            axis: byRows ? .rows : .columns, extent: byRows ? tensor.rows : tensor.columns, slices: 64,
            minimumLength: 1, multiple: byRows ? 1 : Self.lanes)
    }

    /// The grid of `weights`, whose gradient is a product, with about `slices` slices of at least `minimumLength` rows or
    /// columns.
    package init(product weights: ParameterTensor, slices: Int, minimumLength: Int, cutsFreely: Bool) {
        let isNarrow = cutsFreely || weights.rows < 4 * Self.lanes
        let byRows = !isNarrow || weights.rows >= weights.columns
        self.init(
            axis: byRows ? .rows : .columns, extent: byRows ? weights.rows : weights.columns, slices: slices,
            minimumLength: minimumLength, multiple: byRows && cutsFreely ? 1 : Self.lanes)
    }

    /// The grid of `weights` that are packed in blocks of `block` rows and columns: up to 64 slices of whole blocks along the
    /// longer side.
    package init(packed weights: ParameterTensor, block: Int) {
        let byRows = weights.rows >= weights.columns
        self.init(
            axis: byRows ? .rows : .columns, extent: byRows ? weights.rows : weights.columns, slices: 64,
            minimumLength: block, multiple: block)
    }

    private init(axis: Axis, extent: Int, slices: Int, minimumLength: Int, multiple: Int) {
        func roundedUp(_ count: Int) -> Int { (count + multiple - 1) / multiple * multiple }
        self.axis = axis
        self.extent = extent
        length = min(roundedUp(max(minimumLength, (extent + slices - 1) / slices)), roundedUp(extent))
    }
}
