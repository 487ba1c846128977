import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

@Suite struct StepPlanTests {
    @Test func explore() throws {
        for layers in [[256, 300, 10], [784, 128, 10], [100, 200, 10], [64, 256, 10], [300, 70, 3], [37, 93, 11]] {
            for (full, last) in [(200, 100), (128, 44), (64, 3), (64, 22), (512, 7), (128, 1)] {
                let network = try Network<Float>(FastProblem.made(layers: layers, output: .softmax, rows: 1, seed: 1).network)
                let p = network.initialParameters()
                let g = ParameterBuffer<Float>(layout: network.layout)
                var planner = StepPlanner(network: network, workers: 2, requestedShardRows: nil, sameBitsForAnyWorkers: true, cacheBytes: 1<<20, parameters: p, gradients: g, state: OptimizerState(kind: .sgd, layout: network.layout))
                let a = planner.plan(batchRows: full, fullBatchRows: full)
                let b = planner.plan(batchRows: last, fullBatchRows: full)
                print("EXPLORE", layers, full, last, a.unitCount, b.unitCount, a.grid.shardRows, b.grid.shardRows, a.slices.count, b.slices.count, a.callShapes.elements.map { [$0.rowsPerForwardCall == .max ? 0: $0.rowsPerForwardCall, $0.rowsPerBackwardCall == .max ? 0: $0.rowsPerBackwardCall] })
            }
        }
    }
}
