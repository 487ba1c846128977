import LoomKernels
import LoomModel

/// How the samples of a batch are cut into shards, from shapes alone: never from the worker count.
///
/// A shard is the unit of work and of the sum of losses; workers take contiguous runs of shards.
public struct ShardGrid: Sendable, Equatable, BitwiseCopyable {
    /// Samples of the batch.
    public let batchRows: Int
    /// Samples of a shard; the last one may have fewer.
    public let shardRows: Int

    /// A grid of shards of `shardRows` samples.
    public init(batchRows: Int, shardRows: Int) {
        precondition(batchRows > 0 && shardRows > 0, "batches and shards have at least one sample")
        self.batchRows = batchRows
        self.shardRows = min(shardRows, batchRows)
    }

    /// The number of shards.
    public var count: Int { (batchRows + shardRows - 1) / shardRows }

    /// The samples of a run of shards.
    public func rows(of shards: Range<Int>) -> Range<Int> {
        let start = min(batchRows, shards.lowerBound * shardRows)
        return start..<min(batchRows, shards.upperBound * shardRows)
    }
}

/// How the shards of a batch are grouped into gradient columns: the samples whose gradients are one sum.
///
/// The number of columns is a power of two, and each has as many shards as its neighbours or one more, so that most
/// numbers of workers find equal shares. It follows from shapes alone, unless `fixedWorkers` says how many are to be fed.
struct ColumnGrid: Sendable, Equatable {
    let shards: ShardGrid
    /// The number of columns.
    let count: Int

    /// At most this many columns: they feed as many workers.
    private static let largestCount = 16
    /// Samples of a column at least: with fewer, products are short and columns many. Small networks on two workers, steps
    /// with columns of 32 samples against steps with two columns: 6 to 13 % longer with batches of 128 to 512.
    private static func smallestRows(columns count: Int, fixedWorkers: Int?) -> Int {
        count == 2 || fixedWorkers != nil ? 32 : 64
    }

    init(_ shards: ShardGrid, fixedWorkers: Int?) {
        var count = min(fixedWorkers ?? Self.largestCount, Self.largestCount)
        func hasSamples(_ count: Int) -> Bool {
            shards.count >= count
                && shards.batchRows >= count * Self.smallestRows(columns: count, fixedWorkers: fixedWorkers)
        }
        while count > 1, !hasSamples(count) { count /= 2 }
        self.shards = shards
        self.count = count
    }

    /// The halves of a batch, or all of it if it is one shard.
    init(halvesOf shards: ShardGrid) {
        self.shards = shards
        count = min(2, shards.count)
    }

    /// The shards of some neighbouring columns.
    func shards(of columns: Range<Int>) -> Range<Int> {
        columns.lowerBound * shards.count / count..<columns.upperBound * shards.count / count
    }

    /// The samples of a column.
    func rows(of column: Int) -> Range<Int> { shards.rows(of: shards(of: column..<column + 1)) }
}

extension Range<Int> {
    /// Pieces of `count`, the last one with what is left.
    func pieces(of count: Int) -> [Range<Int>] {
        stride(from: lowerBound, to: upperBound, by: count).map { $0..<Swift.min(upperBound, $0 + count) }
    }
}

/// How one parameter tensor is cut into slices, from shapes alone.
///
/// A slice is the unit of the gradient product and of the optimizer's update. Every cut lies on a 64-byte boundary.
/// Products that may be cut freely are cut along the longer side of the weights: a worker then reads the smaller part of
/// activations and deltas that lie in another one's cache (784 → 128 units: 2 % of the step). Others are cut along rows
/// (units), but along columns (inputs) for narrow output layers.
public struct SliceGrid: Sendable, Equatable, BitwiseCopyable {
    /// The direction in which units follow each other.
    public enum Axis: Sendable, BitwiseCopyable {
        /// Slices are blocks of rows.
        case rows
        /// Slices are blocks of columns.
        case columns
    }
    /// The direction in which slices follow each other.
    public let axis: Axis
    /// Rows or columns of the tensor along the axis.
    public let extent: Int
    /// Rows or columns of one slice; the last one may have fewer.
    public let unit: Int

    /// The number of slices.
    public var count: Int { (extent + unit - 1) / unit }

    /// The rows or columns of a run of slices.
    public func range(of slices: Range<Int>) -> Range<Int> {
        min(extent, slices.lowerBound * unit)..<min(extent, slices.upperBound * unit)
    }

    /// The part of `matrix` that a range along the axis covers.
    @inline(__always)
    func block<Scalar>(_ range: Range<Int>, of matrix: MatrixView<Scalar>) -> MatrixView<Scalar> {
        axis == .rows ? matrix.rows(range) : matrix.columns(range)
    }

    /// 16 columns are 64 bytes of float32 and 128 of float64: one grid for both precisions.
    private static let lanes = 16

    /// The grid of a row of `elements`: up to 64 slices.
    init(elements: Int) {
        self.init(axis: .columns, extent: elements, slices: 64, minimumUnit: 1, multiple: Self.lanes)
    }

    /// The grid of `tensor` for work that looks at each element by itself: up to 64 slices, which lie in one piece where
    /// there are rows enough.
    init(elementwise tensor: ParameterTensor) {
        let byRows = tensor.role == .weights && tensor.rows * Self.lanes >= tensor.columns
        self.init(
            axis: byRows ? .rows : .columns, extent: byRows ? tensor.rows : tensor.columns, slices: 64,
            minimumUnit: 1, multiple: byRows ? 1 : Self.lanes)
    }

    /// The grid of `weights`, whose gradient is a product, with about `slices` slices of at least `minimumUnit` rows or
    /// columns.
    init(product weights: ParameterTensor, slices: Int, minimumUnit: Int, cutsFreely: Bool) {
        let isNarrow = cutsFreely || weights.rows < 4 * Self.lanes
        let byRows = !isNarrow || weights.rows >= weights.columns
        self.init(
            axis: byRows ? .rows : .columns, extent: byRows ? weights.rows : weights.columns, slices: slices,
            minimumUnit: minimumUnit, multiple: byRows && cutsFreely ? 1 : Self.lanes)
    }

    private init(axis: Axis, extent: Int, slices: Int, minimumUnit: Int, multiple: Int) {
        func roundedUp(_ length: Int) -> Int { (length + multiple - 1) / multiple * multiple }
        self.axis = axis
        self.extent = extent
        unit = min(roundedUp(max(minimumUnit, (extent + slices - 1) / slices)), roundedUp(extent))
    }
}

/// The sizes that the grids of a network are made with.
///
/// They follow from shapes, and from whether the BLAS gives a run of units in one product the same bits as unit by unit:
/// if so, small units cost nothing and feed many workers; if not, every unit is a product of its own, and larger ones
/// are faster (measured, 784 → 1024 on Zen 5: 16 rows a call 107 GFLOP/s, 64 rows 179, 256 rows 223).
enum GridSizes {
    /// Whether a product of this many samples and weights is so small that one call per unit costs nothing: up to 100³
    /// multiplications OpenBLAS has kernels for small matrices, faster than a merged product (measured, 32 → 64 on
    /// Zen 5: 16 rows a call 113 GFLOP/s by them, 32 rows without them no more).
    static func isSmall(rows: Int, weights: Int) -> Bool {
        Double(rows) * Double(weights) <= 1e6
    }

    /// Samples of a shard for batches of `batchRows`.
    static func shardRows(batchRows: Int, runsMerge: Bool) -> Int {
        let lanes = 16
        let smallest = runsMerge ? 16 : 64
        // Sixteen shards feed up to sixteen workers; beyond 256 samples a larger shard costs nothing.
        let wanted = min(256, (batchRows + 15) / 16)
        return max(smallest, (wanted + lanes - 1) / lanes * lanes)
    }

    /// The grid of weights whose gradient is a product.
    static func slices(of weights: ParameterTensor, runsMerge: Bool, cutsFreely: Bool) -> SliceGrid {
        cutsFreely
            ? SliceGrid(product: weights, slices: 64, minimumUnit: 2, cutsFreely: true)
            : SliceGrid(product: weights, slices: 16, minimumUnit: runsMerge ? 16 : 64, cutsFreely: false)
    }
}
