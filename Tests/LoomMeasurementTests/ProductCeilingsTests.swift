import LoomConfiguration
import LoomKernels
import LoomPlan
import LoomRuns
import LoomTraining
import Testing

@testable import LoomMeasurement

/// The products of a real program, from speeds that are given.
@Suite struct ProductCeilingsTests {
    private static func step() throws -> PlannedStep {
        let configuration = try Configuration(
            yaml: """
                data:
                  synthetic: {task: teacher, samples: 1_000, inputs: 8, classes: 3, seed: 7}
                network:
                  layers: [{units: 16, activation: relu}, {units: 3}]
                  output: softmax
                parallel: {shard_rows: 32, route: partition, groups: 1}
                training: {batch: 48}

                """, file: "a.yaml")
        return try configuration.plannedStep(on: MachineSetup(workers: 2, policy: .none))
    }

    @Test func everyCallHasAWorker() throws {
        let step = try Self.step()
        let byWorker = (0..<2).map { step.program.products(step.shapes, of: $0) }
        for (products, rows) in zip(byWorker, step.workerRows) {
            let forward = products.filter { $0.layer == "layer1" && $0.shape.role == .forward }
            #expect(forward.reduce(0) { $0 + $1.callsPerStep * $1.shape.rows } == rows)
        }
        for product in step.products {
            let calls = byWorker.joined().filter { $0.layer == product.layer && $0.shape == product.shape }
            #expect(calls.reduce(0) { $0 + $1.callsPerStep } == product.callsPerStep)
        }
    }

    /// Each worker's forward products of the first layer at as many GFLOP/s as they have rows.
    @Test func ceilingsOfWorkers() throws {
        let step = try Self.step()
        let speeds = Dictionary(
            step.products.map { ($0.shape, $0.shape.role == .forward ? Double($0.shape.rows) : 7) }
        ) { first, _ in first }
        let ceilings = ProductCeilings(step.program, shapes: step.shapes, gflops: speeds)
        for worker in 0..<2 {
            let found = ceilings.gflops(worker: worker)
            let rows = Double(step.workerRows[worker])
            // One call, or calls of fewer rows that are as much slower.
            let calls = step.program.products(step.shapes, of: worker).filter {
                $0.layer == "layer1" && $0.shape.role == .forward
            }.reduce(0) { $0 + $1.callsPerStep }
            let forward = try #require(found[.init(layer: "layer1", role: .forward)])
            #expect(abs(forward - rows / Double(calls)) < 1e-9)
            #expect(found[.init(layer: "layer2", role: .backward)].map { abs($0 - 7) < 1e-9 } == true)
            // The data need no delta.
            #expect(found[.init(layer: "layer1", role: .backward)] == nil)
        }
        // Without a speed there is no ceiling.
        #expect(ProductCeilings(step.program, shapes: step.shapes, gflops: [:]).gflops(worker: 0).isEmpty)
    }
}
