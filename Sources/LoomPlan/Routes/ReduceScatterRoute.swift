/// Reduce-scatter: each worker forms the gradient of its groups of samples; after the barrier, the owner of a slice adds up
/// what all have formed for it, and updates its parameters.
///
///     samples     gather forward loss backward gradient    of its groups, for all slices
///     ─ barrier
///     parameters  update                                   of its slices, addends of all workers
///     ─ barrier
///
/// With an all-gather each worker has its own copy of the parameters. It leaves the gradients for others in it, where these
/// parameters are not read again before the owner writes the new ones: each line of memory travels between the same two
/// workers, there and back. The gradients for its own slices it forms after the barrier.
extension ProgramDraft {
    mutating func reduceScatter() -> ([Phase], recovery: [[Operation]]) {
        planner.route == .reduceScatterAllGather ? reduceScatterAllGather() : reduceScatterIntoShared()
    }

    /// The leaves of each worker, in buffers of its own: the node of the tree with this index among them is at `buffer`.
    func ownLeaves(
        _ buffer: (_ worker: Int, _ index: Int) -> GradientBuffer
    ) -> [[(leaf: GradientLeaf, buffer: GradientBuffer)]] {
        (0..<workers).map { worker in
            sum.leaves(of: Partition.range(of: worker, parts: workers, count: sum.groups)).enumerated().map {
                ($1, buffer(worker, $0))
            }
        }
    }

    /// A worker's samples, each leaf's gradient as soon as a block has its last sample.
    func passesWithGradients(_ leaves: [(leaf: GradientLeaf, buffer: GradientBuffer)], worker: Int) -> [Operation] {
        let groups = Partition.range(of: worker, parts: workers, count: sum.groups)
        var chunks = leaves.flatMap { leaf, buffer in
            leaf.chunks.enumerated().map { (rows: $1, buffer: buffer, accumulates: $0 > 0) }
        }[...]
        return passes(groupBlocks(groups)) { rows in
            let complete = chunks.prefix { $0.rows.upperBound <= rows.upperBound }
            chunks = chunks.dropFirst(complete.count)
            return complete.flatMap { chunk in
                allTensors.map {
                    .gradient($0, rows: chunk.rows, into: chunk.buffer, accumulates: chunk.accumulates)
                }
            }
        }
    }

    private mutating func reduceScatterIntoShared() -> ([Phase], recovery: [[Operation]]) {
        let leaves = ownLeaves { .partial($0 * planner.buffers.partialsPerWorker + $1) }
        let addends = addends(leaves.flatMap { $0 })
        // Packed weights are updated in whole blocks.
        let parts =
            planner.update.isUniform && !planner.request.packsFactors ? elementParts : slicedParts(withProducts: false)
        let samples = (0..<workers).map { worker in
            penalties(parts[worker]) + passesWithGradients(leaves[worker], worker: worker)
                + (use == .update ? prefetches(parts[worker]) : [])
        }
        let parameters = parts.map { parts in parts.flatMap { complete($0, addends) } }
        let phases = [Phase(.samples, samples), Phase(.parameters, parameters)] + updatePhases(parts)
        return (phases, Array(repeating: [], count: workers))
    }

    private mutating func reduceScatterAllGather() -> ([Phase], recovery: [[Operation]]) {
        func partial(_ worker: Int, _ index: Int) -> GradientBuffer {
            .partial(worker * planner.buffers.partialsPerWorker + index - 1)
        }
        let forOthers = ownLeaves { $1 == 0 ? .parameters(worker: $0) : partial($0, $1) }
        let forItself = ownLeaves { $1 == 0 ? .gradient : partial($0, $1) }
        let parts = slicedParts(withProducts: true)
        func others(than worker: Int) -> [Int] { (0..<workers).filter { $0 != worker } }
        let samples = (0..<workers).map { worker in
            let groups = Partition.range(of: worker, parts: workers, count: sum.groups)
            return penalties(parts[worker]) + passes(groupBlocks(groups))
                + others(than: worker).flatMap { owner in
                    parts[owner].flatMap { part in
                        forOthers[worker].flatMap { gradient(part, $0.leaf, into: $0.buffer) }
                    }
                }
        }
        let parameters = (0..<workers).map { owner in
            let addends = addends((0..<workers).flatMap { ($0 == owner ? forItself : forOthers)[$0] })
            return parts[owner].flatMap { part in
                forItself[owner].flatMap { gradient(part, $0.leaf, into: $0.buffer) }
                    + complete(part, addends, mirrors: others(than: owner))
            }
        }
        let recovery = (0..<workers).map { owner in
            parts[owner].map { Operation.copy($0, to: others(than: owner)) }
        }
        let phases =
            [Phase(.samples, samples), Phase(.parameters, parameters)] + updatePhases(parts, mirrors: others)
        return (phases, recovery)
    }
}
