import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// When gradients are written in columns, which samples each column has, and who adds them up.
@Suite struct GradientColumnsTests {
    /// Where all parameters are updated alike, columns are added up and updated as one row, padding and all.
    @Test(arguments: StepPlanTests.cases) func columnsAsOneRow(_ planned: StepPlanTests.Case) throws {
        try PreparedBLAS.prepare(workers: 1)
        let problem = FastProblem.made(layers: planned.layers, output: .identity, rows: 1, seed: 1)
        let memory = PlanMemory<Float>(network: try Network(problem.network))
        for workers in [1, 2, 3, 9] {
            var planner = memory.planner(
                planned, workers: workers, provider: .openBLAS, form: .columns, updatesAlike: true)
            let plan = planner.plan(batchRows: planned.batchRows, fullBatchRows: planned.batchRows)
            var elements: [Int] = []
            for operation in plan.slices.elements {
                let range = operation.grid.range(of: operation.firstSlice..<operation.endSlice)
                let start = operation.grid.block(range, of: operation.gradients).pointer - memory.start
                #expect(start.isMultiple(of: 16) && operation.gradients.rows == 1)
                elements += start..<start + range.count
            }
            #expect(elements == Array(0..<memory.network.layout.elementCount))
        }
    }

    /// One of two columns has about 32 samples or more, one of several 64; their number is a power of two up to 16, or that
    /// of workers where bits may depend on it.
    @Test(
        arguments: [
            (64, 16, nil, [32, 32]), (96, 16, nil, [48, 48]), (255, 16, nil, [128, 127]),
            (100, 16, nil, [48, 52]),
            (300, 32, nil, [64, 96, 64, 76]), (33, 16, nil, [33]), (64, 40, nil, [40, 24]), (64, 64, nil, [64]),
            (160, 16, 3, [48, 48, 64]), (160, 16, 1, [160]), (5, 1, nil, [5]),
            (128, 16, 4, [32, 32, 32, 32]), (1024, 64, nil, [Int](repeating: 64, count: 16)), (10_000, 256, nil, nil),
        ] as [(Int, Int, Int?, [Int]?)]) func columns(batchRows: Int, shardRows: Int, workers: Int?, rows: [Int]?)
    {
        let grid = ColumnGrid(ShardGrid(batchRows: batchRows, shardRows: shardRows), fixedWorkers: workers)
        let found = (0..<grid.count).map(grid.rows)
        #expect(found.flatMap(Array.init) == Array(0..<batchRows))
        if let rows { #expect(found.map(\.count) == rows) }
        // Halves and quarters of the columns are halves and quarters of the samples.
        guard batchRows == 10_000 else { return }
        #expect(grid.count == 16 && grid.shards(of: 0..<8).count == 20 && grid.shards(of: 4..<8).count == 10)
    }

    /// A column of several blocks is cut at the same places for every run, and never sliced.
    @Test func largeColumns() throws {
        try PreparedBLAS.prepare(workers: 1)
        let problem = FastProblem.made(layers: [4, 32, 4], output: .identity, rows: 1, seed: 1)
        let memory = PlanMemory<Float>(network: try Network(problem.network))
        let planned = StepPlanTests.Case(layers: [], batchRows: 10_000)
        for provider in GemmProvider.allCases {
            let pieces = [1, 2, 3, 16, 40].map { workers in
                var planner = memory.planner(planned, workers: workers, provider: provider, form: .columns)
                let plan = planner.plan(batchRows: 10_000, fullBatchRows: 10_000)
                #expect(plan.columns.count == 16)
                #expect(plan.pieces.elements.filter(\.beginsColumn).map(\.column) == Array(0..<16))
                return plan.pieces.elements.map(\.rows)
            }
            #expect(pieces.allSatisfy { $0 == pieces[0] })
            #expect(pieces[0].flatMap(Array.init) == Array(0..<10_000))
            #expect(pieces[0].count == 24 && pieces[0].allSatisfy { $0.count <= 512 })
        }
    }

    /// Columns that most of the workers' time would not go into are not written.
    @Test(arguments: [
        (64, [2], [1, 3, 4, 5, 16]), (256, [2, 4, 5], [1, 3, 6]), (512, [2, 3, 4, 5, 8, 10], [1, 6, 7, 11]),
        (1024, [3, 5, 6, 10, 16, 20], [1, 7, 11, 21]),
    ]) func columnsForWorkers(batchRows: Int, writing: [Int], slicing: [Int]) throws {
        try PreparedBLAS.prepare(workers: 1)
        let problem = FastProblem.made(layers: [4, 32, 4], output: .identity, rows: 1, seed: 1)
        let memory = PlanMemory<Float>(network: try Network(problem.network))
        for workers in writing + slicing {
            let planned = StepPlanTests.Case(layers: [], batchRows: batchRows)
            var planner = memory.planner(planned, workers: workers, provider: .builtin, form: .columns)
            let plan = planner.plan(batchRows: batchRows, fullBatchRows: batchRows)
            #expect((plan.columns.count > 0) == writing.contains(workers), "\(workers) workers")
        }
    }

    /// Columns for networks that are small beside their batches; see `GradientChoice.form` for the measurements.
    @Test(arguments: [
        ([32, 64, 10], 64, GradientForm.columns), ([37, 93, 61, 11], 96, .sliced), ([13, 50, 1], 96, .columns),
        ([300, 1], 500, .columns), ([4, 32, 16, 4], 10_000, .columns), ([784, 128, 10], 4096, .columns),
        ([784, 128, 10], 128, .sliced), ([256, 512, 10], 256, .sliced), ([64, 64, 10], 64, .columns),
        ([128, 64, 10], 64, .sliced), ([256, 64, 10], 64, .sliced), ([64, 64, 10], 128, .columns),
        ([100, 50, 10], 512, .sliced), ([100, 50, 10], 2048, .columns), ([512, 512, 256, 128, 1], 2048, .sliced),
        // One column would leave all but one worker without work.
        ([8, 8, 2], 32, .sliced), ([4, 4, 2], 63, .sliced),
    ]) func form(layers: [Int], batchRows: Int, expected: GradientForm) throws {
        try PreparedBLAS.prepare(workers: 1)
        let problem = FastProblem.made(layers: layers, output: .identity, rows: 1, seed: 1)
        let memory = PlanMemory<Float>(network: try Network(problem.network))
        for workers in [1, 2, 5] {
            let planned = StepPlanTests.Case(layers: layers, batchRows: batchRows)
            var planner = memory.planner(planned, workers: workers, provider: .builtin, form: nil, updatesAlike: true)
            _ = planner.plan(batchRows: batchRows, fullBatchRows: batchRows)
            #expect(planner.columnsMemory?.choice.form == expected, "\(workers) workers")
        }
    }
}
