/// How the samples of a batch are cut into shards, from shapes alone: never from the worker count.
///
/// A shard is the unit of work and of the sum of losses; workers take contiguous runs of shards.
package struct ShardGrid: Sendable, Equatable, Codable, BitwiseCopyable {
    /// Samples of the batch.
    package let batchRows: Int
    /// Samples of a shard; the last one may have fewer.
    package let shardRows: Int

    /// A grid of shards of `shardRows` samples.
    package init(batchRows: Int, shardRows: Int) {
        precondition(batchRows > 0 && shardRows > 0, "batches and shards have at least one sample")
        self.batchRows = batchRows
        self.shardRows = min(shardRows, batchRows)
    }

    /// The number of shards.
    @inlinable package var count: Int { (batchRows + shardRows - 1) / shardRows }

    /// The samples of a run of shards.
    @inlinable package func rows(of shards: Range<Int>) -> Range<Int> {
        let start = min(batchRows, shards.lowerBound * shardRows)
        return start..<min(batchRows, shards.upperBound * shardRows)
    }
}

extension Range<Int> {
    /// Consecutive ranges of `count`, the last one with what is left.
    package func chunks(of count: Int) -> [Range<Int>] {
        stride(from: lowerBound, to: upperBound, by: count).map { $0..<Swift.min(upperBound, $0 + count) }
    }
}

extension ShardGrid {
    /// Samples of a shard for batches of `batchRows`: sixteen shards feed up to sixteen workers, and beyond 256 samples a
    /// larger shard costs nothing. Where products of neighbouring shards must not be joined, a shard has 64 samples or more.
    /// - Parameter multiple: A shard's rows are a multiple of this, too.
    static func rows(batchRows: Int, runsMerge: Bool, multiple: Int = 1) -> Int {
        let lanes = max(16, multiple)
        let wanted = min(256, (batchRows + 15) / 16)
        return max(runsMerge ? lanes : 64, (wanted + lanes - 1) / lanes * lanes)
    }
}
