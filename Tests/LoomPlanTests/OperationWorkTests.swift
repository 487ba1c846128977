import LoomKernels
import LoomModel
import Testing

@testable import LoomPlan

/// What operations compute and move, against counts by hand.
@Suite struct OperationWorkTests {
    /// 32–64–10 in float32, batches of 128: momentum.
    private static let shapes: StepShapes = {
        let network = try! Network<Float>(
            NetworkDescription(
                inputs: 32,
                layers: [
                    LayerDescription(name: "hidden", units: 64, activation: .relu),
                    LayerDescription(name: "output", units: 10, activation: .identity),
                ], output: .softmax))
        return StepShapes(network)
    }()

    private static func program(workers: Int) -> StepProgram {
        var planner = StepPlanner(
            shapes: shapes, update: UpdateTraits(isUniform: true, fitsProduct: true, hasPenalty: false, clips: false),
            fullBatchRows: 128, request: StepRequest(workers: workers, gemmBackend: .builtin))
        return planner.program(batchRows: 128)
    }

    private func work(_ operation: Operation) -> OperationWork {
        Self.shapes.work(of: operation, in: Self.program(workers: 1), stateBuffers: 1)
    }

    @Test func countsByHand() {
        #expect(work(.gather(rows: 0..<128)).bytes == 2 * 128 * 32 * 4)
        let hidden = work(.forward(rows: 0..<128, layers: 0..<1))
        #expect(hidden.floatingPointOperations == 2 * 128 * 64 * 32 && hidden.multiplies)
        // x, W and z, and once more z for the activation, which is read and written.
        let (inputs, weights, outputs) = (128 * 32, 64 * 32, 128 * 64)
        #expect(hidden.bytes == Double((inputs + weights + 3 * outputs) * 4))
        // The data have no gradient.
        let first = work(.backward(rows: 0..<128, layers: 0..<1))
        #expect(first.floatingPointOperations == 0 && !first.multiplies)
        #expect(work(.backward(rows: 0..<128, layers: 1..<2)).floatingPointOperations == 2 * 128 * 64 * 10)
        let whole = work(.forward(rows: 0..<128))
        #expect(whole.floatingPointOperations == 2 * 128 * (64 * 32 + 10 * 64))
        // Σ of two matrices to one place, and their update with a velocity.
        let addends = [Addend(buffer: .partial(0), merges: 0), Addend(buffer: .partial(1), merges: 1)]
        let sum = work(.sum(.elements(0..<100), addends, into: [.gradient]))
        #expect(sum.floatingPointOperations == 100 && sum.bytes == 100 * 3 * 4)
        let update = work(.update(.elements(0..<100), addends, mirrors: [1]))
        #expect(update.bytes == 100 * (2 + 2 + 2 + 1) * 4)
        #expect(work(.copy(.elements(0..<100), to: [1, 2])).bytes == 100 * 3 * 4)
    }

    /// All products of a step together are the network's operations, less the backward product of the data.
    @Test(arguments: [1, 2, 3]) func aStepHasTheNetworksOperations(workers: Int) {
        let program = Self.program(workers: workers).separatingLayers(Self.shapes)
        let works = program.phases.flatMap { $0.operations.joined() }
            .map { Self.shapes.work(of: $0, in: program, stateBuffers: 1) }.filter(\.multiplies)
        let forward = 2.0 * 128 * (64 * 32 + 10 * 64)
        let expected: Double = 2 * forward + 2 * 128 * 64 * 10
        #expect(works.map(\.floatingPointOperations).reduce(0, +) == expected)
    }

    @Test func layersAreSeparated() {
        let whole = Self.program(workers: 2)
        let program = whole.separatingLayers(Self.shapes)
        for (phase, separated) in zip(whole.phases, program.phases) {
            #expect(phase.name == separated.name && phase.endsWithBarrier == separated.endsWithBarrier)
        }
        let layers = program.phases[0].operations[0].compactMap { operation -> Range<Int>? in
            switch operation {
            case .forward(_, let layers), .backward(_, let layers): layers
            default: nil
            }
        }
        #expect(layers == [0..<1, 1..<2, 1..<2, 0..<1])
        let names = program.phases[0].operations[0].map { Self.shapes.layer(of: $0) }
        #expect(names.prefix(5) == [nil, 0, 1, 1, 1])
    }
}
