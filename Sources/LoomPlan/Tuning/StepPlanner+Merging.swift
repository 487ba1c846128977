import LoomKernels
import LoomModel

/// Which products may be joined or cut. With a provider whose bits do not depend on cuts all of this is decided by shapes;
/// with others, one product over a run of shards or slices is used where a test finds the bits of one product for each.
extension StepPlanner {
    /// Whether updates of weights are part of their gradient's product: of those that a product can compute by adding to its
    /// result; after packed factors, of all.
    var fusesUpdates: Bool {
        sum.groups == 1 && request.cutsFreely && (update.fitsProduct || request.packsFactors)
    }

    // MARK: Shards

    /// Whether small shards can be the unit: for most of the work they merge into whole batches, or their products are
    /// small ones.
    static func shardRunsMerge(
        _ shapes: StepShapes, _ request: StepRequest, batchRows: Int, merging: inout CallMerging
    ) -> Bool {
        guard request.sameBitsForAnyWorkers, !request.cutsFreely else { return true }
        let unit = ShardGrid.rows(batchRows: batchRows, runsMerge: true)
        guard batchRows > unit, !hasSmallProducts(shapes, rows: unit) else { return true }
        var mergingOperations = 0.0
        var allOperations = 0.0
        for (isForward, weights) in shapes.shardProducts {
            let operations = Double(weights.count)
            allOperations += operations
            let merges =
                isSmall(rows: unit, weights: weights.count)
                || merging.merges(
                    shape(isForward, unit: unit, run: batchRows / unit * unit, weights: weights, accumulates: false))
            if merges { mergingOperations += operations }
        }
        return mergingOperations >= 0.5 * allOperations
    }

    private static func shape(
        _ isForward: Bool, unit: Int, run: Int, weights: ParameterTensor, accumulates: Bool
    ) -> CallMerging.Shape {
        // x · Wᵀ with a W that lies transposed is what δ · W is otherwise.
        let product: CallMerging.Product = isForward && !weights.isTransposed ? .forward : .backward
        let (fixed, inner) =
            product == .forward ? (weights.rows, weights.columns) : (weights.columns, weights.rows)
        return CallMerging.Shape(
            product: product, unit: unit, run: run, fixed: fixed, inner: inner, accumulates: accumulates)
    }

    /// Whether a product of this many samples and weights is so small that one call per unit costs nothing: up to 100³
    /// multiplications OpenBLAS has kernels for small matrices, faster than a merged product (measured, 32 → 64 on
    /// Zen 5: 16 rows a call 113 GFLOP/s by them, 32 rows without them no more).
    private static func isSmall(rows: Int, weights: Int) -> Bool { Double(rows) * Double(weights) <= 1e6 }

    /// Whether at least half of the work on shards of `rows` samples is in small products.
    private static func hasSmallProducts(_ shapes: StepShapes, rows: Int) -> Bool {
        let weights = shapes.shardProducts.map(\.weights.count)
        let small = weights.filter { isSmall(rows: rows, weights: $0) }
        return 2 * small.reduce(0, +) >= weights.reduce(0, +)
    }

    /// For every connection, how many rows one product covers: as many as have the bits of one product per shard.
    mutating func callRows(of phases: [Phase], shards: ShardGrid) -> [CallRows] {
        var lengths = Set<Int>()
        for case .forward(let rows, _) in phases[0].operations.joined() { lengths.insert(rows.count) }
        return shapes.layers.flatMap(\.connections).map { connection in
            let tensor = shapes.tensors[connection.tensor]
            var rows = CallRows()
            rows.forward = rowsPerCall(
                isForward: true, shards, lengths, tensor.parameters, accumulates: connection.accumulatesForward)
            if tensor.source != nil {
                rows.backward = rowsPerCall(
                    isForward: false, shards, lengths, tensor.parameters, accumulates: connection.accumulatesBackward)
            }
            return rows
        }
    }

    /// The rows of one product when blocks of `lengths` rows are to be covered: whole blocks, or else the largest power
    /// of two of shards that merges, the rests of the blocks included.
    private mutating func rowsPerCall(
        isForward: Bool, _ shards: ShardGrid, _ lengths: Set<Int>, _ weights: ParameterTensor, accumulates: Bool
    ) -> Int? {
        guard request.sameBitsForAnyWorkers, !request.cutsFreely, let longest = lengths.max()
        else {
            return nil
        }
        func merge(_ run: Int) -> Bool {
            merging.merges(
                Self.shape(isForward, unit: shards.shardRows, run: run, weights: weights, accumulates: accumulates))
        }
        if lengths.allSatisfy(merge) { return nil }
        var rows = shards.shardRows
        while 2 * rows < longest { rows *= 2 }
        while rows > shards.shardRows {
            if Set(lengths.map { $0 % rows } + [rows]).allSatisfy(merge) { return rows }
            rows /= 2
        }
        return shards.shardRows
    }

    // MARK: Slices

    /// The grid of a tensor. Part of a result's bits where squares are added slice by slice: from shapes alone.
    mutating func grid(of tensor: ParameterTensor, batchRows: Int) -> SliceGrid {
        if request.packsFactors, tensor.role == .weights {
            return SliceGrid(packed: tensor, block: request.blockLength)
        }
        guard sum.groups == 1, tensor.role == .weights else { return SliceGrid(elementwise: tensor) }
        if request.cutsFreely { return SliceGrid(product: tensor, slices: 64, minimumLength: 2, cutsFreely: true) }
        // Where a run of slices is one product, small slices cost nothing and feed many workers; if every slice is a
        // product of its own, larger ones are faster (784 → 1024 on Zen 5: 16 rows a call 107 GFLOP/s, 64 rows 179, 256
        // rows 223).
        let grid = SliceGrid(product: tensor, slices: 16, minimumLength: 16, cutsFreely: false)
        let otherSide = grid.axis == .rows ? tensor.columns : tensor.rows
        guard request.sameBitsForAnyWorkers, grid.count > 1,
            !Self.isSmall(rows: batchRows, weights: grid.length * otherSide),
            !gradientMerges(tensor, grid, slices: 0..<grid.count, batchRows: batchRows)
        else { return grid }
        return SliceGrid(product: tensor, slices: 16, minimumLength: 64, cutsFreely: false)
    }

    /// How many of `count` slices from `first` on go into one product.
    mutating func slicesPerProduct(
        _ tensor: ParameterTensor, _ grid: SliceGrid, first: Int, count: Int, batchRows: Int
    ) -> Int {
        guard tensor.role == .weights, request.sameBitsForAnyWorkers, !request.cutsFreely else {
            return count
        }
        var length = count
        while length > 1 {
            if gradientMerges(tensor, grid, slices: first..<first + length, batchRows: batchRows) { return length }
            length = (length + 1) / 2
        }
        return 1
    }

    private mutating func gradientMerges(
        _ tensor: ParameterTensor, _ grid: SliceGrid, slices: Range<Int>, batchRows: Int
    ) -> Bool {
        merging.merges(
            .init(
                product: grid.axis == .rows ? .gradientByRows : .gradientByColumns, unit: grid.length,
                run: grid.range(of: slices).count, fixed: grid.axis == .rows ? tensor.columns : tensor.rows,
                inner: batchRows))
    }
}
