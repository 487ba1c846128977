import LoomKernels
import LoomModel

/// Which shards a worker takes, and which of them together.
extension StepPlanner {
    /// A run of shards for every worker, of whole columns if these are written.
    func shardRuns(_ grid: ShardGrid, columns: ColumnGrid?) -> [Range<Int>] {
        (0..<workers).map { worker in
            guard let columns else { return Partition.range(of: worker, parts: workers, count: grid.count) }
            return columns.shards(of: Partition.range(of: worker, parts: workers, count: columns.count))
        }
    }

    /// The blocks of a run of shards, in their order.
    ///
    /// Blocks of columns hold whole columns, or else a column consists of several blocks: where a column is cut does not
    /// depend on the runs.
    func shardBlocks(of run: Range<Int>, grid: ShardGrid, columns: ColumnGrid?) -> [Range<Int>] {
        guard let columns else { return run.pieces(of: shardsPerBlock(shardRows: grid.shardRows)) }
        let limit = max(1, GradientColumnsMemory<Scalar>.blockRows / grid.shardRows)
        var result: [Range<Int>] = []
        for column in 0..<columns.count {
            let shards = columns.shards(of: column..<column + 1)
            guard run.contains(shards.lowerBound) else { continue }
            if let last = result.last, shards.upperBound - last.lowerBound <= limit {
                result[result.count - 1] = last.lowerBound..<shards.upperBound
            } else {
                result += shards.pieces(of: limit)
            }
        }
        return result
    }

    /// Shards whose activations and deltas fill about half of the second-level cache, but at least 256 rows: the weights
    /// are read again for every block.
    private func shardsPerBlock(shardRows: Int) -> Int {
        let bytesPerShard = shardRows * Workspace.bytesPerSample(of: network)
        return max(1, cacheBytes / 2 / bytesPerShard, 256 / shardRows)
    }

    /// The blocks of all workers with what each adds to columns, and these pieces.
    static func piecesOfBlocks(
        _ blocks: [[Range<Int>]], columns: ColumnGrid
    ) -> (blocks: [[ShardBlock]], pieces: [GradientPiece]) {
        var pieces: [GradientPiece] = []
        let planned = blocks.map { blocks in
            blocks.map { block in
                let firstPiece = pieces.count
                for column in 0..<columns.count {
                    let shards = columns.shards(of: column..<column + 1)
                    let part = shards.clamped(to: block)
                    guard !part.isEmpty else { continue }
                    pieces.append(
                        GradientPiece(
                            columns.shards.rows(of: part), column: column,
                            beginsColumn: part.lowerBound == shards.lowerBound))
                }
                return ShardBlock(block, pieces: firstPiece..<pieces.count)
            }
        }
        return (planned, pieces)
    }

    /// What slices of a gradient are the sums of: the batch as a whole, or each of its columns.
    static func piecesOfBatch(_ grid: ShardGrid, columns: ColumnGrid?) -> [GradientPiece] {
        guard let columns else { return [GradientPiece(0..<grid.batchRows, column: 0, beginsColumn: true)] }
        return (0..<columns.count).map { GradientPiece(columns.rows(of: $0), column: $0, beginsColumn: true) }
    }
}
