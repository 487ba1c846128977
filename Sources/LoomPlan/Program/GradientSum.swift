/// What the gradient of a batch is the sum of: part of a result's bits, and from shapes alone.
///
/// The batch is cut into 2ᵏ groups of neighbouring shards. The gradient of a group is one chain of multiply-adds in the
/// order of its samples, rounded to memory after every chunk of up to 512 samples. The groups are added by one balanced
/// binary tree: (G₀ + G₁) + (G₂ + G₃). Whoever forms a group, and whoever adds which two, the sum is the same.
public struct GradientSum: Sendable, Equatable, Codable {
    /// The shards of the batch.
    package let shards: ShardGrid
    /// The number of groups, a power of two.
    public let groups: Int

    /// At most this many groups: they feed as many workers.
    package static let largestCount = 16
    /// Samples of a chunk: as many as a product adds up in registers before it rounds to memory.
    package static let chunkRows = 512

    /// `groups` groups, or the next smaller power of two of which the batch has enough shards.
    package init(_ shards: ShardGrid, groups: Int) {
        precondition(groups >= 1, "a batch is at least one group")
        var count = 1
        while 2 * count <= min(groups, shards.count) { count *= 2 }
        self.shards = shards
        self.groups = count
    }

    /// The largest number of groups with enough samples each: two of 32, or more of 64. With fewer, products are short
    /// and sums many (small networks on two workers, batches of 128 to 512: groups of 32 samples took 6 to 13 % longer
    /// than two groups). With `fixedWorkers`, as many as feed these workers, of 32 samples.
    package static func mostGroups(_ shards: ShardGrid, fixedWorkers: Int?) -> Int {
        var count = largestCount
        if let fixedWorkers {
            count = 1
            while count < min(fixedWorkers, largestCount) { count *= 2 }
        }
        while count > 1 {
            let rows = count == 2 || fixedWorkers != nil ? 32 : 64
            if shards.count >= count, shards.batchRows >= count * rows { break }
            count /= 2
        }
        return count
    }

    /// The shards of some neighbouring groups.
    package func shards(of groups: Range<Int>) -> Range<Int> {
        groups.lowerBound * shards.count / self.groups..<groups.upperBound * shards.count / self.groups
    }

    /// The samples of some neighbouring groups.
    package func rows(of groups: Range<Int>) -> Range<Int> { shards.rows(of: shards(of: groups)) }

    /// The samples between two roundings to memory in a group's gradient. A batch of one group is one chunk, which the
    /// product itself cuts.
    package func chunks(of group: Int) -> [Range<Int>] {
        guard groups > 1 else { return [0..<shards.batchRows] }
        return shards(of: group..<group + 1).chunks(of: max(1, Self.chunkRows / shards.shardRows))
            .map { shards.rows(of: $0) }
    }
}

/// A node of the tree that is formed in one place: a group, or two neighbouring ones where the second is added to the first
/// by its own product.
package struct GradientLeaf: Sendable, Equatable {
    /// The groups, an aligned range of one or two.
    package let groups: Range<Int>
    /// The samples of each product, in order; all but the first are added to what is there.
    package let chunks: [Range<Int>]
}

extension GradientSum {
    /// The leaves of some neighbouring groups.
    package func leaves(of groups: Range<Int>) -> [GradientLeaf] {
        var result: [GradientLeaf] = []
        var group = groups.lowerBound
        while group < groups.upperBound {
            let (own, next) = (chunks(of: group), group + 1)
            if group.isMultiple(of: 2), next < groups.upperBound, case let second = chunks(of: next), second.count == 1
            {
                result.append(GradientLeaf(groups: group..<group + 2, chunks: own + second))
                group += 2
            } else {
                result.append(GradientLeaf(groups: group..<next, chunks: own))
                group = next
            }
        }
        return result
    }

    /// For every one of `nodes`, aligned subtrees that follow each other, how many sums end with it: its own subtree and
    /// the one before are added when both have the same size and one parent. `roots` is what is left in the end.
    package static func merges(of nodes: [Range<Int>]) -> (merges: [Int], roots: [Range<Int>]) {
        var stack: [Range<Int>] = []
        let merges = nodes.map { node in
            var count = 0
            stack.append(node)
            while stack.count > 1, case let (left, right) = (stack[stack.count - 2], stack[stack.count - 1]),
                left.count == right.count, left.lowerBound.isMultiple(of: 2 * left.count)
            {
                stack.removeLast(2)
                stack.append(left.lowerBound..<right.upperBound)
                count += 1
            }
            return count
        }
        return (merges, stack)
    }
}
