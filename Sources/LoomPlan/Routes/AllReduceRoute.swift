/// All-reduce: each worker forms the gradient of its groups of samples, adds up what it can and sends that to all others.
/// After the only barrier each updates its own copy of all parameters and of the optimizer's state, by the same numbers.
///
///     samples     gather forward loss backward gradient sum    of its groups
///     ─ barrier
///     parameters  update                                       all parameters
extension ProgramDraft {
    mutating func allReduce() -> ([Phase], recovery: [[Operation]]) {
        let leaves = ownLeaves { .partial($0 * planner.buffers.partialsPerWorker + $1) }
        let none = Array(repeating: [Operation](), count: workers)
        guard use == .update else {
            let samples = (0..<workers).map { passesWithGradients(leaves[$0], worker: $0) }
            let addends = addends(leaves.flatMap { $0 })
            let parameters = elementParts.map { parts in parts.flatMap { complete($0, addends) } }
            return ([Phase(.samples, samples), Phase(.parameters, parameters)], none)
        }
        let nodes = leaves.map { subtrees(of: $0) }
        let samples = (0..<workers).map { worker in
            passesWithGradients(leaves[worker], worker: worker)
                + nodes[worker].enumerated().compactMap { index, node in
                    let messages = (0..<workers).filter { $0 != worker }.map {
                        GradientBuffer.message(from: worker, to: $0, node: index)
                    }
                    let own = node.addends[0].buffer
                    let destinations = node.addends.count > 1 ? [own] + messages : messages
                    return destinations.isEmpty ? nil : .sum(allElements, node.addends, into: destinations)
                }
        }
        let parameters = (0..<workers).map { receiver -> [Operation] in
            let all = (0..<workers).flatMap { sender in
                nodes[sender].enumerated().map { index, node in
                    (
                        groups: node.groups,
                        buffer: sender == receiver
                            ? node.addends[0].buffer : .message(from: sender, to: receiver, node: index)
                    )
                }
            }
            let merges = GradientSum.merges(of: all.map(\.groups)).merges
            return [.update(allElements, zip(all, merges).map { Addend(buffer: $0.buffer, merges: $1) }, mirrors: [])]
        }
        return ([Phase(.samples, samples), Phase(.parameters, parameters, endsWithBarrier: false)], none)
    }

    /// The largest aligned subtrees of a worker's leaves, with the addends of each.
    private func subtrees(
        of leaves: [(leaf: GradientLeaf, buffer: GradientBuffer)]
    ) -> [(groups: Range<Int>, addends: [Addend])] {
        GradientSum.merges(of: leaves.map(\.leaf.groups)).roots.map { root in
            (root, addends(leaves.filter { root.contains($0.leaf.groups.lowerBound) }))
        }
    }
}
