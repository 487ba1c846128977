import LoomKernels
import LoomModel

/// A program in the making: what all routes put together their phases of.
struct ProgramDraft {
    var planner: StepPlanner
    let sum: GradientSum
    let use: GradientUse
    /// The slices of every tensor, and the place of its first one among all slices.
    let grids: [(grid: SliceGrid, firstSlice: Int)]
    let sliceCount: Int

    init(planner: StepPlanner, sum: GradientSum, use: GradientUse) {
        var planner = planner
        var (grids, sliceCount): ([(grid: SliceGrid, firstSlice: Int)], Int) = ([], 0)
        for tensor in planner.shapes.tensors {
            let grid = planner.grid(of: tensor.parameters, batchRows: sum.shards.batchRows)
            grids.append((grid, sliceCount))
            sliceCount += grid.count
        }
        self.planner = planner
        self.sum = sum
        self.use = use
        self.grids = grids
        self.sliceCount = sliceCount
    }

    var workers: Int { planner.request.workers }
    var shapes: StepShapes { planner.shapes }
    var tuning: StepTuning { planner.request.tuning }

    // MARK: Samples

    /// The gathering of the samples of `shards`, and their way through the network, `blocks` of shards at a time; `then`
    /// follows each block.
    func passes(_ blocks: [Range<Int>], then: (Range<Int>) -> [Operation] = { _ in [] }) -> [Operation] {
        guard let first = blocks.first, let last = blocks.last else { return [] }
        // All rows at once, though they are used block by block: gathering prefetches rows, and would begin anew with
        // every block.
        let all = first.lowerBound..<last.upperBound
        return [.gather(rows: sum.shards.rows(of: all))]
            + blocks.flatMap { block in
                let rows = sum.shards.rows(of: block)
                return [.forward(rows: rows), .loss(shards: block), .backward(rows: rows)] + then(rows)
            }
    }

    /// Blocks of shards whose activations and deltas stay in the second-level cache.
    func cacheBlocks(_ shards: Range<Int>) -> [Range<Int>] {
        let shardRows = sum.shards.shardRows
        let cacheBytes = Double(tuning.secondLevelCacheBytes) * tuning.blockCacheFraction
        let fitting = Int(cacheBytes) / (shardRows * shapes.activationBytesPerSample)
        return shards.chunks(of: max(1, fitting, tuning.smallestBlockRows / shardRows))
    }

    /// Blocks of whole groups of up to 512 samples together, or of chunks of one group: gradients follow each block, while its
    /// activations are in the cache.
    func groupBlocks(_ groups: Range<Int>) -> [Range<Int>] {
        let limit = max(1, GradientSum.chunkRows / sum.shards.shardRows)
        var result: [Range<Int>] = []
        for group in groups {
            let shards = sum.shards(of: group..<group + 1)
            if let last = result.last, shards.upperBound - last.lowerBound <= limit {
                result[result.count - 1] = last.lowerBound..<shards.upperBound
            } else {
                result += shards.chunks(of: limit)
            }
        }
        return result
    }

    // MARK: Parameters

    /// All slices of one tensor.
    func whole(_ tensor: Int) -> ParameterPart {
        let (grid, firstSlice) = grids[tensor]
        return .slices(tensor: tensor, grid: grid, range: 0..<grid.count, firstSlice: firstSlice)
    }

    /// All tensors, each as a whole, in the order of the layers.
    var allTensors: [ParameterPart] { shapes.tensors.indices.map(whole) }

    /// All parameters as one row.
    var allElements: ParameterPart { .elements(0..<shapes.elementCount) }

    /// One run of the row of all parameters for each worker.
    var elementParts: [[ParameterPart]] {
        let grid = SliceGrid(elements: shapes.elementCount)
        return (0..<workers).map { worker in
            let range = grid.range(of: Partition.range(of: worker, parts: workers, count: grid.count))
            return range.isEmpty ? [] : [.elements(range)]
        }
    }

    /// The slices of every worker, tensor by tensor, so that all have about as much work: products over the samples of the
    /// batch, or updates alone.
    mutating func slicedParts(withProducts: Bool) -> [[ParameterPart]] {
        var costs: [Double] = []
        var owners: [(tensor: Int, slice: Int)] = []
        for (index, tensor) in shapes.tensors.enumerated() {
            for slice in 0..<grids[index].grid.count {
                owners.append((index, slice))
                costs.append(cost(of: slice, tensor.parameters, grids[index].grid, withProducts: withProducts))
            }
        }
        var result: [[ParameterPart]] = []
        for places in Partition.weighted(costs: costs, parts: workers) {
            var parts: [ParameterPart] = []
            var place = places.lowerBound
            while place < places.upperBound {
                let (tensor, first) = owners[place]
                let (grid, firstSlice) = grids[tensor]
                let available = min(grid.count - first, places.upperBound - place)
                let count =
                    withProducts
                    ? planner.slicesPerProduct(
                        shapes.tensors[tensor].parameters, grid, first: first, count: available,
                        batchRows: sum.shards.batchRows)
                    : available
                parts.append(
                    .slices(tensor: tensor, grid: grid, range: first..<first + count, firstSlice: firstSlice + first))
                place += count
            }
            result.append(parts)
        }
        return result
    }

    /// An estimate in nanoseconds, for a fair division of the work.
    private func cost(of slice: Int, _ tensor: ParameterTensor, _ grid: SliceGrid, withProducts: Bool) -> Double {
        let length = grid.range(of: slice..<slice + 1).count
        let elements = Double(length * (grid.axis == .rows ? tensor.columns : tensor.rows))
        let rows = withProducts ? Double(sum.shards.batchRows) : 0
        guard tensor.role == .weights else {
            return elements * (rows / tuning.summedElementsPerNanosecond + 1 / tuning.updatedBiasElementsPerNanosecond)
        }
        return elements
            * (2 * rows / tuning.productOperationsPerNanosecond + 1 / tuning.updatedElementsPerNanosecond)
    }

    // MARK: Gradients and updates

    /// The penalty of a worker's parts, which belongs to the loss of the parameters before their update.
    func penalties(_ parts: [ParameterPart]) -> [Operation] {
        planner.update.hasPenalty ? parts.map { .penalty($0) } : []
    }

    /// The gradient of a leaf for one part.
    func gradient(_ part: ParameterPart, _ leaf: GradientLeaf, into buffer: GradientBuffer) -> [Operation] {
        leaf.chunks.enumerated().map { index, rows in
            .gradient(part, rows: rows, into: buffer, accumulates: index > 0)
        }
    }

    /// The addends of leaves in these buffers.
    func addends(_ leaves: [(leaf: GradientLeaf, buffer: GradientBuffer)]) -> [Addend] {
        let merges = GradientSum.merges(of: leaves.map(\.leaf.groups)).merges
        return zip(leaves, merges).map { Addend(buffer: $0.buffer, merges: $1) }
    }

    /// What follows when the addends of a part are complete: its update; or its sum, which clipping or a caller looks at.
    func complete(_ part: ParameterPart, _ addends: [Addend], mirrors: [Int] = []) -> [Operation] {
        guard use != .update else { return [.update(part, addends, mirrors: mirrors)] }
        var operations: [Operation] = []
        if addends.map(\.buffer) != [.gradient] { operations.append(.sum(part, addends, into: [.gradient])) }
        if planner.update.hasPenalty, shapes.isWeights(part) { operations.append(.addPenalty(part)) }
        if use == .clipThenUpdate { operations.append(.squares(part)) }
        if use == .keep, !mirrors.isEmpty { operations.append(.copy(part, to: mirrors)) }
        return operations
    }

    /// The third phase of clipping: the update of every worker's parts by the scaled gradient.
    func updatePhases(_ parts: [[ParameterPart]], mirrors: (Int) -> [Int] = { _ in [] }) -> [Phase] {
        guard use == .clipThenUpdate else { return [] }
        let gradient = [Addend(buffer: .gradient, merges: 0)]
        return [
            Phase(
                .update,
                parts.enumerated().map { worker, parts in
                    parts.map { .update($0, gradient, mirrors: mirrors(worker)) }
                })
        ]
    }

    /// Requests for the parameters that a worker will write after the barrier and that others have just read, as far as its
    /// first-level cache holds them.
    func prefetches(_ parts: [ParameterPart]) -> [Operation] {
        parts.filter { elementCount($0) * shapes.elementBytes <= tuning.firstLevelCacheBytes }.map { .prefetch($0) }
    }

    private func elementCount(_ part: ParameterPart) -> Int {
        switch part {
        case .elements(let range): return range.count
        case .slices(let index, let grid, let slices, _):
            let tensor = shapes.tensors[index].parameters
            return grid.range(of: slices).count * (grid.axis == .rows ? tensor.columns : tensor.rows)
        }
    }
}
