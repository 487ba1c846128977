import LoomKernels
import LoomModel
import Testing

@testable import LoomPlan

/// Shards and slices cover everything once, and follow from shapes alone.
@Suite struct GridTests {
    @Test(arguments: [1, 2, 7, 16, 64, 1000])
    func shardsCoverTheBatchOnceInOrder(shardRows: Int) {
        for batchRows in 1...130 {
            let grid = ShardGrid(batchRows: batchRows, shardRows: shardRows)
            let shards = (0..<grid.count).map { grid.rows(of: $0..<$0 + 1) }
            #expect(shards.flatMap(Array.init) == Array(0..<batchRows))
            #expect(shards.dropLast().allSatisfy { $0.count == grid.shardRows })
            #expect(shards.allSatisfy { !$0.isEmpty && $0.count <= shardRows })
            #expect(grid.rows(of: 0..<grid.count) == 0..<batchRows)
            #expect(grid.rows(of: grid.count..<grid.count).isEmpty)
        }
    }

    @Test func shardSizesFollowFromTheBatch() {
        let sizes = [1, 16, 17, 256, 257, 1000, 4096, 10_000].map {
            ShardGrid.rows(batchRows: $0, runsMerge: true)
        }
        #expect(sizes == [16, 16, 16, 16, 32, 64, 256, 256])
        let unmerged = [1, 64, 1000, 1024, 1025, 10_000].map {
            ShardGrid.rows(batchRows: $0, runsMerge: false)
        }
        #expect(unmerged == [64, 64, 64, 64, 80, 256])
    }

    @Test func slicesCoverATensorOnceAtCacheLines() throws {
        for rows in [1, 3, 10, 15, 16, 17, 63, 64, 65, 200, 1024] {
            for columns in [1, 4, 15, 16, 17, 64, 100, 784] {
                try checkSlices(rows: rows, columns: columns, Float.self)
                try checkSlices(rows: rows, columns: columns, Double.self)
            }
        }
    }

    private func checkSlices<Scalar: LoomScalar>(rows: Int, columns: Int, _: Scalar.Type) throws {
        let network = try Network<Scalar>(
            NetworkDescription(
                inputs: columns, layers: [LayerDescription(name: "a", units: rows)], output: .identity))
        for tensor in network.layout.tensors {
            let elementwise = SliceGrid(elementwise: tensor)
            let byRows = tensor.role == .weights && 16 * tensor.rows >= tensor.columns
            #expect((elementwise.axis == .rows) == byRows)
            check(elementwise, of: tensor, slices: 64, cutsRowsFreely: true)
            check(SliceGrid(elements: tensor.stride), of: nil, slices: 64, cutsRowsFreely: false)
            guard tensor.role == .weights else { continue }
            for (runsMerge, cutsFreely) in [(false, false), (true, false), (true, true)] {
                let grid = SliceGrid(
                    product: tensor, slices: cutsFreely ? 64 : 16, minimumLength: cutsFreely ? 2 : runsMerge ? 16 : 64,
                    cutsFreely: cutsFreely)
                let isNarrow = (cutsFreely || tensor.rows < 64) && tensor.rows < tensor.columns
                #expect((grid.axis == .columns) == isNarrow)
                check(grid, of: tensor, slices: cutsFreely ? 64 : 16, cutsRowsFreely: cutsFreely)
                let extent = grid.extent
                if cutsFreely, grid.axis == .rows { #expect(grid.length == min(extent, max(2, (extent + 63) / 64))) }
                if !runsMerge { #expect(grid.length >= min(64, (extent + 15) / 16 * 16)) }
            }
        }
    }

    private func check(_ grid: SliceGrid, of tensor: ParameterTensor?, slices count: Int, cutsRowsFreely: Bool) {
        if let tensor { #expect(grid.extent == (grid.axis == .rows ? tensor.rows : tensor.columns)) }
        let slices = (0..<grid.count).map { grid.range(of: $0..<$0 + 1) }
        #expect(slices.flatMap(Array.init) == Array(0..<grid.extent))
        #expect(slices.allSatisfy { !$0.isEmpty } && slices.dropLast().allSatisfy { $0.count == grid.length })
        #expect(grid.range(of: 0..<grid.count) == 0..<grid.extent)
        // Slices of rows and of 16 columns begin at multiples of 64 bytes, so no line has two owners.
        #expect(grid.length.isMultiple(of: 16) || cutsRowsFreely && grid.axis == .rows)
        #expect(grid.count <= count)
    }

    @Test func epochLayout() {
        for samples in 1...40 {
            for batchRows in 1...samples {
                for dropsLast in [false, true] {
                    let layout = EpochLayout(samples: samples, batchRows: batchRows, dropsLast: dropsLast)
                    let steps = (0..<layout.stepsPerEpoch).map { step in
                        layout.start(of: step)..<layout.start(of: step)
                            + (layout.isLastOfEpoch(step) ? layout.lastBatchRows : batchRows)
                    }
                    let covered = dropsLast ? samples / batchRows * batchRows : samples
                    #expect(steps.flatMap(Array.init) == Array(0..<covered))
                    #expect(layout.lastBatchRows >= 1 && layout.lastBatchRows <= batchRows)
                    let next = layout.stepsPerEpoch
                    #expect(layout.start(of: next) == 0 && layout.epoch(of: next) == 1)
                    #expect(layout.epoch(of: next - 1) == 0)
                }
            }
        }
    }
}
