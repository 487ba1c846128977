/// Partition: after the barrier, each worker forms the gradient of its slices over all samples, and updates them.
///
///     samples     gather forward loss backward          of its shards
///     ─ barrier
///     parameters  gradient … update, or fusedUpdate     of its slices, all samples
///     ─ barrier
extension ProgramDraft {
    mutating func partition() -> ([Phase], recovery: [[Operation]]) {
        let parts = slicedParts(withProducts: true)
        let samples = (0..<workers).map { worker in
            penalties(parts[worker])
                + passes(cacheBlocks(Partition.range(of: worker, parts: workers, count: sum.shards.count)))
        }
        let leaves = sum.leaves(of: 0..<sum.groups)
        let buffered = leaves.enumerated().map { index, leaf in
            (leaf: leaf, buffer: leaves.count == 1 ? GradientBuffer.gradient : .partial(index))
        }
        let addends = addends(buffered)
        let parameters = parts.map { parts in
            parts.flatMap { part -> [Operation] in
                if fuses(part) { return [.fusedUpdate(part, rows: 0..<sum.shards.batchRows)] }
                return buffered.flatMap { gradient(part, $0.leaf, into: $0.buffer) } + complete(part, addends)
            }
        }
        let phases = [Phase(.samples, samples), Phase(.parameters, parameters)] + updatePhases(parts)
        return (phases, Array(repeating: [], count: workers))
    }

    /// Whether the update of weights is part of their gradient's product. Part of a result's bits: a batch of more than 512
    /// samples is then rounded into the weights chunk by chunk. Only products whose bits do not depend on cuts are used so.
    private func fuses(_ part: ParameterPart) -> Bool {
        shapes.isWeights(part) && use == .update && planner.fusesUpdates
    }
}
