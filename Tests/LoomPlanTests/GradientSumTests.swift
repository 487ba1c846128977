import LoomKernels
import LoomModel
import Testing

@testable import LoomPlan

/// Groups of samples, the tree that adds them up, and the routes that they take.
@Suite struct GradientSumTests {
    /// One of two groups has 32 samples or more, one of several 64; their number is a power of two up to 16, or as many as
    /// feed the workers where bits may depend on them.
    @Test(
        arguments: [
            (64, 16, nil, [32, 32]), (96, 16, nil, [48, 48]), (255, 16, nil, [128, 127]), (100, 16, nil, [48, 52]),
            (300, 32, nil, [64, 96, 64, 76]), (33, 16, nil, [33]), (64, 40, nil, [40, 24]), (64, 64, nil, [64]),
            (160, 16, 3, [32, 48, 32, 48]), (160, 16, 1, [160]), (5, 1, nil, [5]), (128, 16, 4, [32, 32, 32, 32]),
            (1024, 64, nil, [Int](repeating: 64, count: 16)),
        ] as [(Int, Int, Int?, [Int])])
    func groups(batchRows: Int, shardRows: Int, workers: Int?, rows: [Int]) {
        let shards = ShardGrid(batchRows: batchRows, shardRows: shardRows)
        let sum = GradientSum(shards, groups: GradientSum.mostGroups(shards, fixedWorkers: workers))
        let found = (0..<sum.groups).map { sum.rows(of: $0..<$0 + 1) }
        #expect(found.flatMap(Array.init) == Array(0..<batchRows))
        #expect(found.map(\.count) == rows)
    }

    /// Groups of more than 512 samples are rounded to memory in between, at the same places for everybody.
    @Test func chunks() {
        let sum = GradientSum(ShardGrid(batchRows: 10_000, shardRows: 256), groups: 16)
        let chunks = (0..<16).flatMap(sum.chunks)
        #expect(chunks.flatMap(Array.init) == Array(0..<10_000))
        #expect(chunks.count == 24 && chunks.allSatisfy { $0.count <= 512 })
        #expect(GradientSum(ShardGrid(batchRows: 10_000, shardRows: 256), groups: 1).chunks(of: 0) == [0..<10_000])
    }

    /// Two groups are one leaf where the second is one product, which is added to the first.
    @Test func leaves() {
        let small = GradientSum(ShardGrid(batchRows: 64, shardRows: 8), groups: 8)
        #expect(small.leaves(of: 0..<8).map(\.groups) == [0..<2, 2..<4, 4..<6, 6..<8])
        #expect(small.leaves(of: 1..<6).map(\.groups) == [1..<2, 2..<4, 4..<6])
        #expect(small.leaves(of: 0..<2)[0].chunks == [0..<8, 8..<16])
        let large = GradientSum(ShardGrid(batchRows: 1200, shardRows: 100), groups: 2)
        #expect(large.leaves(of: 0..<2).map(\.chunks) == [[0..<500, 500..<600], [600..<1100, 1100..<1200]])
    }

    @Test func mergesOfATree() {
        func merges(_ nodes: [Range<Int>]) -> [Int] { GradientSum.merges(of: nodes).merges }
        #expect(merges([0..<1, 1..<2, 2..<3, 3..<4]) == [0, 1, 0, 2])
        #expect(merges([0..<4, 4..<5, 5..<6, 6..<8]) == [0, 0, 1, 2])
        #expect(GradientSum.merges(of: (6..<11).map { $0..<$0 + 1 }).roots == [6..<8, 8..<10, 10..<11])
        // Neighbours of one size that have different parents stay apart.
        #expect(GradientSum.merges(of: [1..<2, 2..<3]).roots == [1..<2, 2..<3])
    }

    private static func planner(
        _ layers: [Int], _ batchRows: Int, workers: Int, update: UpdateTraits = StepProgramTests.traits[0],
        provider: GemmBackend = .builtin
    ) throws -> StepPlanner {
        StepPlanner(
            shapes: try StepProgramTests.shapes(layers), update: update, fullBatchRows: batchRows,
            request: StepRequest(workers: workers, gemmBackend: provider))
    }

    /// Many groups for networks that are small beside their batches, two or one for others.
    @Test(arguments: [
        ([32, 64, 10], 64, 2), ([37, 93, 61, 11], 96, 2), ([300, 1], 500, 4), ([4, 32, 16, 4], 10_000, 16),
        ([784, 128, 10], 4096, 16), ([784, 128, 10], 128, 2), ([256, 512, 10], 256, 2), ([100, 200, 10], 1000, 2),
        ([512, 512, 256, 128, 1], 2048, 1), ([784, 1024, 1024, 10], 256, 1), ([8, 8, 2], 32, 1), ([4, 4, 2], 63, 1),
        ([784, 128, 10], 48, 1), ([784, 256, 10], 1200, 1),
    ]) func groupsOfNetworks(layers: [Int], batchRows: Int, expected: Int) throws {
        for workers in [1, 2, 5] {
            #expect(try Self.planner(layers, batchRows, workers: workers).sum.groups == expected, "\(workers) workers")
        }
    }

    /// The route of two and of more workers.
    @Test(arguments: [
        ([32, 64, 10], 64, [GradientRoute.allReduce, .partition, .partition]),
        ([20, 30, 5], 1024, [.allReduce, .allReduce, .allReduce]),
        ([4, 32, 16, 4], 10_000, [.reduceScatter, .reduceScatter, .reduceScatter]),
        ([784, 128, 10], 128, [.reduceScatterAllGather, .partition, .partition]),
        ([100, 200, 10], 1000, [.reduceScatterAllGather, .partition, .partition]),
        ([784, 1024, 1024, 10], 256, [.partition, .partition, .partition]),
    ]) func routes(layers: [Int], batchRows: Int, expected: [GradientRoute]) throws {
        let found = try [2, 4, 8].map { try Self.planner(layers, batchRows, workers: $0).route }
        #expect(found == expected)
        // Alone: by slices, unless the gradients of a batch larger than the cache follow its blocks.
        let isLarge = [10_000, 1000].contains(batchRows)
        #expect(try Self.planner(layers, batchRows, workers: 1).route == (isLarge ? .reduceScatter : .partition))
    }

    /// Penalties and norms are added up slice by slice, which no worker does for all.
    @Test func notEveryRouteSuitsEveryUpdate() throws {
        for update in StepProgramTests.traits where !update.isUniform {
            #expect(try Self.planner([32, 64, 10], 64, workers: 2, update: update).route != .allReduce)
        }
        let openBLAS = try Self.planner([784, 128, 10], 4096, workers: 1, provider: .openBLAS)
        #expect(openBLAS.route == .reduceScatter && openBLAS.sum.groups == 16)
    }

    /// Groups that most of the workers' time would not go into are cut by slices.
    @Test(arguments: [
        (64, [2], [3, 4, 5, 16]), (256, [2, 4, 5], [3, 6]), (512, [2, 3, 4, 5, 8, 10], [6, 7, 11]),
        (1024, [3, 5, 6, 10, 16, 20], [7, 11, 21]),
    ]) func feedsWorkers(batchRows: Int, sharing: [Int], slicing: [Int]) throws {
        for workers in sharing + slicing {
            let route = try Self.planner([4, 32, 4], batchRows, workers: workers).route
            #expect((route != .partition) == sharing.contains(workers), "\(workers) workers: \(route)")
        }
    }
}
