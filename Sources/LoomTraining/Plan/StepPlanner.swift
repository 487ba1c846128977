import LoomKernels
import LoomModel

/// Makes the plans of a run.
struct StepPlanner<Scalar: LoomScalar> {
    let network: Network<Scalar>
    let workers: Int
    /// The samples of a shard, if they were chosen by hand.
    let requestedShardRows: Int?
    /// Whether results must not depend on the number of workers.
    let sameBitsForAnyWorkers: Bool
    /// Bytes of second-level cache of one core.
    let cacheBytes: Int
    let gradients: ParameterBuffer<Scalar>
    let state: OptimizerState<Scalar>
    /// Whether all parameters are updated by the same numbers, and nobody asks for the norm of some of them.
    let updatesAlike: Bool
    private let requestedForm: GradientForm?
    /// Made with the first plan.
    private(set) var columnsMemory: GradientColumnsMemory<Scalar>?
    /// The parameters, and a copy for the second worker where each has its own; complete with the first plan.
    private(set) var parameters: [ParameterBuffer<Scalar>]
    private var merging: CallMerging<Scalar>

    init(
        network: Network<Scalar>, workers: Int, requestedShardRows: Int?, sameBitsForAnyWorkers: Bool,
        cacheBytes: Int, provider: GemmProvider, form: GradientForm?, updatesAlike: Bool,
        parameters: ParameterBuffer<Scalar>, gradients: ParameterBuffer<Scalar>, state: OptimizerState<Scalar>
    ) {
        self.network = network
        self.workers = workers
        self.requestedShardRows = requestedShardRows
        self.sameBitsForAnyWorkers = sameBitsForAnyWorkers
        self.cacheBytes = cacheBytes
        merging = CallMerging(provider: provider)
        requestedForm = form
        self.updatesAlike = updatesAlike
        self.parameters = [parameters]
        self.gradients = gradients
        self.state = state
    }

    /// The plan for batches of `batchRows` samples, in shards of the full batch's size.
    mutating func plan(batchRows: Int, fullBatchRows: Int) -> StepPlan<Scalar> {
        let runsMerge = shardRunsMerge(fullBatchRows: fullBatchRows)
        let shardRows =
            requestedShardRows ?? GridSizes.shardRows(batchRows: fullBatchRows, runsMerge: runsMerge)
        let grid = ShardGrid(batchRows: batchRows, shardRows: shardRows)
        let memory =
            columnsMemory
            ?? makeColumnsMemory(ShardGrid(batchRows: fullBatchRows, shardRows: shardRows))
        columnsMemory = memory
        let (columnGrid, columns) = memory.columns(grid, workers: workers, provider: merging.provider)
        let writtenColumns = columns.count > 0 ? columnGrid : nil
        let halves = memory.choice.addsHalves ? ColumnGrid(halvesOf: grid) : nil
        let runs = shardRuns(grid, columns: memory.choice.exchangesHalves ? halves : writtenColumns)
        let shardBlocks = runs.map { self.shardBlocks(of: $0, grid: grid, columns: writtenColumns) }
        let (blocks, pieces) =
            writtenColumns.map { Self.piecesOfBlocks(shardBlocks, columns: $0) }
            ?? (
                shardBlocks.map { $0.map { ShardBlock($0) } },
                Self.piecesOfBatch(grid, columns: memory.choice.form == .columns ? columnGrid : halves)
            )
        let callShapes = callShapes(grid: grid, blocks: shardBlocks.flatMap { $0 })
        let (slices, unitCount) =
            columns.count > 0 && updatesAlike
            ? flatOperations()
            : sliceOperations(batchRows: batchRows, choice: memory.choice, addsColumns: columns.count > 0)
        return StepPlan(
            grid: grid, choice: memory.choice, columns: columns,
            shardRuns: runs.map { ShardRun(firstShard: $0.lowerBound, endShard: $0.upperBound) }, blocks: blocks,
            pieces: pieces, slices: slices, callShapes: callShapes, unitCount: unitCount)
    }

    private mutating func makeColumnsMemory(_ fullBatch: ShardGrid) -> GradientColumnsMemory<Scalar> {
        let fixedWorkers = sameBitsForAnyWorkers ? nil : workers
        let choice = GradientChoice(
            requested: requestedForm, network: network, grid: fullBatch, workers: workers, fixedWorkers: fixedWorkers,
            updatesAlike: updatesAlike, provider: merging.provider)
        if choice.separatesWorkers { parameters.append(ParameterBuffer(layout: network.layout)) }
        return GradientColumnsMemory(choice, network: network, gradients: gradients, fixedWorkers: fixedWorkers)
    }

    // MARK: Shards

    /// Whether small shards can be the unit: for most of the work they merge into whole batches, or their products are
    /// small ones.
    private mutating func shardRunsMerge(fullBatchRows: Int) -> Bool {
        guard sameBitsForAnyWorkers else { return true }
        let unit = GridSizes.shardRows(batchRows: fullBatchRows, runsMerge: true)
        guard fullBatchRows > unit, !GridSizes.hasSmallProducts(network, rows: unit) else { return true }
        var merging = 0.0
        var all = 0.0
        for (product, weights) in network.shardProducts {
            let run = fullBatchRows / unit * unit
            let operations = Double(weights.count)
            all += operations
            if GridSizes.isSmall(rows: unit, weights: weights.count)
                || merges(product, unit: unit, run: run, weights: weights)
            {
                merging += operations
            }
        }
        return merging >= 0.5 * all
    }

    private mutating func merges(
        _ product: CallMerging<Scalar>.Product, unit: Int, run: Int, weights: ParameterTensor,
        accumulates: Bool = false
    ) -> Bool {
        // x · Wᵀ with a W that lies transposed is what δ · W is otherwise.
        let product = weights.isTransposed ? .backward : product
        let (fixed, inner) =
            product == .forward ? (weights.rows, weights.columns) : (weights.columns, weights.rows)
        return merging.merges(
            .init(
                product: product, unit: unit, run: run, fixed: fixed, inner: inner, accumulates: accumulates))
    }

    /// For every connection, how many rows one product covers: as many as have the bits of one product per shard.
    private mutating func callShapes(grid: ShardGrid, blocks: [Range<Int>]) -> [CallShape] {
        let lengths = Set(blocks.map { grid.rows(of: $0).count })
        return network.layers.flatMap(\.connections).map { connection in
            let weights = network.layout.tensors[connection.weights]
            return CallShape(
                rowsPerForwardCall: rowsPerCall(
                    .forward, grid: grid, lengths: lengths, weights: weights,
                    accumulates: connection.accumulatesForward),
                rowsPerBackwardCall: connection.source == .data
                    ? .max
                    : rowsPerCall(
                        .backward, grid: grid, lengths: lengths, weights: weights,
                        accumulates: connection.accumulatesBackward))
        }
    }

    /// The rows of one product when blocks of `lengths` rows are to be covered: whole blocks, or else the largest power
    /// of two of shards that merges, the rests of the blocks included.
    private mutating func rowsPerCall(
        _ product: CallMerging<Scalar>.Product, grid: ShardGrid, lengths: Set<Int>, weights: ParameterTensor,
        accumulates: Bool
    ) -> Int {
        guard sameBitsForAnyWorkers, let longest = lengths.max() else { return .max }
        func merge(_ run: Int) -> Bool {
            merges(product, unit: grid.shardRows, run: run, weights: weights, accumulates: accumulates)
        }
        if lengths.allSatisfy(merge) { return .max }
        var rows = grid.shardRows
        while 2 * rows < longest { rows *= 2 }
        while rows > grid.shardRows {
            let pieces = Set(lengths.map { $0 % rows } + [rows])
            if pieces.allSatisfy(merge) { return rows }
            rows /= 2
        }
        return grid.shardRows
    }

    // MARK: Slices

    /// Sums of columns and updates of all parameters as one row, one run a worker, and the number of its slices.
    private func flatOperations() -> ([[SliceOperation<Scalar>]], Int) {
        let grid = SliceGrid(elements: network.layout.elementCount)
        let operations = (0..<workers).map { worker in
            let slices = Partition.range(of: worker, parts: workers, count: grid.count)
            return [
                SliceOperation(
                    layer: -1, source: -1, sourceColumns: SourceColumns(0..<0), role: .bias, isTransposed: false,
                    grid: grid, firstSlice: slices.lowerBound, endSlice: slices.upperBound,
                    firstUnit: slices.lowerBound, beginsWithSecondHalf: false,
                    parameters: parameters[0].elements, otherParameters: nil, gradients: gradients.elements,
                    firstState: state.first?.elements, secondState: state.second?.elements)
            ]
        }
        return (operations, grid.count)
    }

    /// Every worker's gradient products, or sums of columns, and updates; and the number of slices of the network.
    private mutating func sliceOperations(
        batchRows: Int, choice: GradientChoice, addsColumns: Bool
    ) -> ([[SliceOperation<Scalar>]], Int) {
        let tensors = slicedTensors(batchRows: batchRows, choice: choice)
        var costs: [Double] = []
        var owners: [(tensor: Int, slice: Int)] = []
        for (index, tensor) in tensors.enumerated() {
            for slice in 0..<tensor.grid.count {
                owners.append((index, slice))
                costs.append(tensor.cost(of: slice, batchRows: addsColumns ? 0 : batchRows))
            }
        }
        // The second of two workers would have the slices from here on.
        let secondHalf = choice.addsHalves ? Partition.weighted(costs: costs, parts: 2)[1].lowerBound : costs.count
        let operations = Partition.weighted(costs: costs, parts: workers).enumerated().map { worker, units in
            var result: [SliceOperation<Scalar>] = []
            var unit = units.lowerBound
            while unit < units.upperBound {
                let (index, firstSlice) = owners[unit]
                let end = unit < secondHalf ? min(secondHalf, units.upperBound) : units.upperBound
                let available = min(tensors[index].grid.count - firstSlice, end - unit)
                let length =
                    addsColumns
                    ? available
                    : sliceRunLength(tensors[index], first: firstSlice, count: available, batchRows: batchRows)
                result.append(
                    operation(
                        tensors[index], slices: firstSlice..<firstSlice + length, firstUnit: unit,
                        exchangingWorker: choice.exchangesHalves ? worker : nil,
                        beginsWithSecondHalf: unit >= secondHalf))
                unit += length
            }
            return result
        }
        return (operations, costs.count)
    }

    /// How many of `count` slices from `first` on go into one product.
    private mutating func sliceRunLength(
        _ tensor: SlicedTensor, first: Int, count: Int, batchRows: Int
    ) -> Int {
        guard tensor.tensor.role == .weights, sameBitsForAnyWorkers else { return count }
        var length = count
        while length > 1 {
            let slices = first..<first + length
            if gradientMerges(tensor.tensor, tensor.grid, slices: slices, batchRows: batchRows) { return length }
            length = (length + 1) / 2
        }
        return 1
    }

    private mutating func gradientMerges(
        _ tensor: ParameterTensor, _ grid: SliceGrid, slices: Range<Int>, batchRows: Int
    ) -> Bool {
        merging.merges(
            .init(
                product: grid.axis == .rows ? .gradientByRows : .gradientByColumns, unit: grid.unit,
                run: grid.range(of: slices).count, fixed: grid.axis == .rows ? tensor.columns : tensor.rows,
                inner: batchRows))
    }

    /// A tensor with its grid and what its gradient is made of.
    private struct SlicedTensor {
        let index: Int
        let tensor: ParameterTensor
        let grid: SliceGrid
        let layer: Int
        let source: Int
        let sourceColumns: Range<Int>

        /// An estimate in nanoseconds, for a fair division of the work; it has no influence on results. Measured on
        /// Zen 5: products 220 operations and sums over the batch 40 elements a nanosecond, updates 8.
        func cost(of slice: Int, batchRows: Int) -> Double {
            let length = grid.range(of: slice..<slice + 1).count
            let elements = Double(length * (grid.axis == .rows ? tensor.columns : tensor.rows))
            guard tensor.role == .weights else { return elements * (Double(batchRows) / 40 + 0.5) }
            return elements * (2 * Double(batchRows) / 220 + 0.125)
        }
    }

    private mutating func slicedTensors(batchRows: Int, choice: GradientChoice) -> [SlicedTensor] {
        var result: [SlicedTensor] = []
        for (index, layer) in network.layers.enumerated() {
            for connection in layer.connections {
                let tensor = network.layout.tensors[connection.weights]
                result.append(
                    SlicedTensor(
                        index: connection.weights, tensor: tensor,
                        grid: choice.form == .columns || choice.addsHalves
                            ? SliceGrid(elementwise: tensor) : productGrid(tensor, batchRows: batchRows),
                        layer: index, source: connection.source.index,
                        sourceColumns: connection.sourceColumns))
            }
            if let bias = layer.bias {
                let tensor = network.layout.tensors[bias]
                result.append(
                    SlicedTensor(
                        index: bias, tensor: tensor, grid: SliceGrid(elementwise: tensor), layer: index, source: -1,
                        sourceColumns: 0..<0))
            }
        }
        return result
    }

    /// The grid of weights whose gradient is a product over the batch.
    private mutating func productGrid(_ tensor: ParameterTensor, batchRows: Int) -> SliceGrid {
        let cutsFreely = merging.provider.keepsBitsWhenCut
        let grid = GridSizes.slices(of: tensor, runsMerge: true, cutsFreely: cutsFreely)
        let otherSide = grid.axis == .rows ? tensor.columns : tensor.rows
        guard sameBitsForAnyWorkers, grid.count > 1,
            !GridSizes.isSmall(rows: batchRows, weights: grid.unit * otherSide),
            !gradientMerges(tensor, grid, slices: 0..<grid.count, batchRows: batchRows)
        else { return grid }
        return GridSizes.slices(of: tensor, runsMerge: false, cutsFreely: cutsFreely)
    }

    private func operation(
        _ sliced: SlicedTensor, slices: Range<Int>, firstUnit: Int, exchangingWorker: Int?, beginsWithSecondHalf: Bool
    ) -> SliceOperation<Scalar> {
        SliceOperation(
            layer: sliced.layer, source: sliced.source, sourceColumns: SourceColumns(sliced.sourceColumns),
            role: sliced.tensor.role, isTransposed: sliced.tensor.isTransposed, grid: sliced.grid,
            firstSlice: slices.lowerBound, endSlice: slices.upperBound, firstUnit: firstUnit,
            beginsWithSecondHalf: beginsWithSecondHalf,
            parameters: parameters[exchangingWorker ?? 0].view(sliced.index),
            otherParameters: exchangingWorker.map { parameters[1 - $0].view(sliced.index) },
            gradients: gradients.view(sliced.index), firstState: state.first?.view(sliced.index),
            secondState: state.second?.view(sliced.index))
    }
}

extension Network {
    /// The forward and backward products with their weights.
    fileprivate var shardProducts: [(CallMerging<Scalar>.Product, ParameterTensor)] {
        var result: [(CallMerging<Scalar>.Product, ParameterTensor)] = []
        for connection in layers.flatMap(\.connections) {
            let weights = layout.tensors[connection.weights]
            result.append((.forward, weights))
            if connection.source != .data { result.append((.backward, weights)) }
        }
        return result
    }
}

extension GridSizes {
    /// Whether at least half of the work on shards of `rows` samples is in small products.
    static func hasSmallProducts<Scalar>(_ network: Network<Scalar>, rows: Int) -> Bool {
        let weights = network.shardProducts.map(\.1.count)
        let small = weights.filter { isSmall(rows: rows, weights: $0) }
        return 2 * small.reduce(0, +) >= weights.reduce(0, +)
    }
}
