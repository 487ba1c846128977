import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import Testing

@testable import LoomMeasurement

/// Steps at rates that are easy to count with.
@Suite struct StepPredictionTests {
    /// 32–64–10 in float32 with momentum, a batch of 128 as one group.
    private static func step(workers: Int) -> PlannedProgram {
        let network = try! Network<Float>(
            NetworkDescription(
                inputs: 32,
                layers: [
                    LayerDescription(name: "hidden", units: 64, activation: .relu),
                    LayerDescription(name: "output", units: 10, activation: .identity),
                ], output: .softmax))
        let shapes = StepShapes(network)
        var planner = StepPlanner(
            shapes: shapes, update: UpdateTraits(isUniform: true, fitsProduct: true, hasPenalty: false, clips: false),
            fullBatchRows: 128, request: StepRequest(workers: workers, groups: 1, gemmBackend: .builtin))
        return PlannedProgram(planner.program(batchRows: 128), shapes: shapes, stateBuffers: 1)
    }

    /// 20 GFLOP/s alone and 10 together, 16 and 8 GB/s, and a µs for a barrier of two.
    private static func rates(_ steps: PlannedProgram...) -> StepRates {
        var rates = StepRates()
        for shape in steps.flatMap(\.productShapes) { rates.products[shape] = .init(alone: 20, together: 10) }
        rates.gigabytesPerSecond = .init(alone: 16, together: 8)
        rates.barrier = (2, 1e-6)
        return rates
    }

    private static func place(
        workers: Int, workersOnCore: Int = 1, nodes: Int = 1, cacheBytes: Double = .infinity
    ) -> SimulatedPlace {
        SimulatedPlace(
            nodes: (0..<workers).map { $0 % nodes }, workersOnCore: Array(repeating: workersOnCore, count: workers),
            coresOfNode: [0: 2, 1: 2], cacheBytes: cacheBytes)
    }

    // Of each of two workers with 64 samples. Products: forward 64 · 64 · 32 and 64 · 10 · 64, backward 64 · 64 · 10.
    private static let productsOfSamples: Double = 2 * 64 * (2048 + 640 + 640)
    // Gathered samples read and written, losses and deltas, and deltas of the first layer, which has no backward product.
    private static let plainBytesOfSamples: Double = 4 * 2 * (2048 + 640 + 4096)
    /// The samples of one of the workers, once.
    private static let sampleBytes: Double = 4 * 64 * 32

    @Test func phasesAreCountedByHand() throws {
        let step = Self.step(workers: 2)
        let prediction = StepPrediction(step, at: Self.place(workers: 2), rates: Self.rates(step), dataBytes: 1e12)
        #expect(prediction.phases.map(\.name) == [.samples, .parameters])
        let samples = Self.productsOfSamples / 10e9 + Self.plainBytesOfSamples / 8e9
        #expect(prediction.phases[0].secondsByWorker.allSatisfy { isClose($0, samples) })
        // The gradients of both weights are products; those of 64 and 10 biases read all deltas, and write and update.
        let gradients: Double = 2 * 128 * (2048 + 640)
        let biases: Double = 4 * (128 * 74 + 74 + 5 * 74)
        let parameters = prediction.phases[1].secondsByWorker
        #expect(isClose(parameters.reduce(0, +), gradients / 10e9 + biases / 8e9))
        #expect(isClose(prediction.stepSeconds, samples + parameters.max()! + 2e-6))
        #expect(isClose(prediction.samplesPerSecond, 128 / prediction.stepSeconds, within: 1e-9))
        #expect(isClose(prediction.secondsByKind[.gather], 4 * Self.sampleBytes / 8e9))
        let slowest = parameters[0] >= parameters[1] ? 0 : 1
        #expect(prediction.phases[1].slowestWorker == slowest)
        // Two workers on one core have half of it each.
        let shared = StepPrediction(
            step, at: Self.place(workers: 2, workersOnCore: 2), rates: Self.rates(step), dataBytes: 0)
        #expect(isClose(shared.phases[0].longestSeconds, 2 * samples))
    }

    @Test func oneWorkerHasTheRatesOfOne() {
        let step = Self.step(workers: 1)
        let prediction = StepPrediction(step, at: Self.place(workers: 1), rates: Self.rates(step), dataBytes: 0)
        let samples = 2 * Self.productsOfSamples / 20e9 + 2 * Self.plainBytesOfSamples / 16e9
        #expect(isClose(prediction.phases[0].longestSeconds, samples))
        #expect(prediction.phases.allSatisfy { $0.barrierSeconds == 0 && $0.memorySeconds == 0 })
    }

    @Test func memoryIsSharedByTheWorkersOfANode() {
        let step = Self.step(workers: 2)
        var rates = Self.rates(step)
        rates.memoryGigabytesPerSecond = { Double($0) * 0.5 }
        // Of a worker: x, W and z of both layers and once more z; the deltas of the last layer back; and what has no product.
        let hidden: Double = 4 * (64 * 96 + 2048 + 2 * 4096)
        let output: Double = 4 * (64 * 74 + 640 + 2 * 640)
        let bytes = hidden + 2 * output + Self.plainBytesOfSamples
        let together = StepPrediction(step, at: Self.place(workers: 2, cacheBytes: 0), rates: rates, dataBytes: 0)
        #expect(isClose(together.phases[0].memorySeconds, 2 * bytes / 1e9))
        #expect(isClose(together.phases[0].seconds, 2 * bytes / 1e9 + 1e-6))
        let apart = StepPrediction(
            step, at: Self.place(workers: 2, nodes: 2, cacheBytes: 0), rates: rates, dataBytes: 0)
        #expect(isClose(apart.phases[0].memorySeconds, bytes / 1e9))
        // Caches that hold a step, but not all samples: these are read from memory.
        let place = Self.place(workers: 2, cacheBytes: step.workingSetBytes + 1000)
        let gathered = StepPrediction(step, at: place, rates: rates, dataBytes: 1001)
        #expect(isClose(gathered.phases[0].memorySeconds, 2 * Self.sampleBytes / 1e9))
        let held = StepPrediction(step, at: place, rates: rates, dataBytes: 1000)
        #expect(held.phases[0].memorySeconds == 0)
    }

    /// Parameters, gradient and momentum, and 32 inputs, and 64 and 10 activations and as many deltas of 128 samples, each
    /// padded to 64 bytes.
    @Test func theWorkingSetIsCountedByHand() {
        let step = Self.step(workers: 1)
        let parameters = Double(step.shapes.elementCount)
        let perSample = Double(step.shapes.elementsPerSample)
        #expect(step.program.buffers.partials == 0)
        let elements: Double = 3 * parameters + 128 * perSample
        #expect(step.workingSetBytes == 4 * elements)
        let adam = PlannedProgram(step.program, shapes: step.shapes, stateBuffers: 2)
        #expect(adam.workingSetBytes == 4 * (elements + parameters))
        #expect(parameters >= 2762)
        #expect(perSample >= 180)
    }

    @Test func barriersGrowWithTheWorkers() {
        var rates = StepRates()
        rates.barrier = (3, 1e-6)
        #expect(isClose(rates.barrierSeconds(workers: 3), 1e-6) && isClose(rates.barrierSeconds(workers: 9), 4e-6))
        #expect(rates.barrierSeconds(workers: 1) == 0)
        rates.barrier = nil
        #expect(rates.barrierSeconds(workers: 9) == 0)
    }

    @Test func operationsKeepTheirRelationToTheirProducts() {
        let (one, two) = (Self.step(workers: 1), Self.step(workers: 2))
        var rates = Self.rates(one, two)
        // One worker took twice as long for the hidden layer as its products take at 20 GFLOP/s, and thrice for the output.
        let hidden: Double = 2 * 128 * 2048 / 20e9
        let output: Double = 2 * 128 * 640 / 20e9
        rates.calibrate(one) { kind, layer in
            guard kind == .forward else { return nil }
            return layer == 0 ? 2 * hidden : 3 * output
        }
        #expect(isClose(rates.seconds(.forward(rows: 0..<64, layers: 0..<1), in: two), 2 * hidden))
        #expect(isClose(rates.seconds(.forward(rows: 0..<64, layers: 1..<2), in: two), 3 * output))
        // A layer that was not measured: as the others of its kind.
        var half = rates
        half.calibrate(one) { kind, layer in kind == .forward && layer == 0 ? 2 * hidden : nil }
        #expect(isClose(half.seconds(.forward(rows: 0..<64, layers: 1..<2), in: two), 2 * output))
        // Of all layers together: as all layers took. What was not measured takes what its bytes do.
        let all = rates.seconds(.forward(rows: 0..<64, layers: 0..<2), in: two)
        #expect(isClose(all, 2 * hidden + 3 * output))
        #expect(isClose(rates.seconds(.gather(rows: 0..<64), in: two), 2 * Self.sampleBytes / 8e9))
    }

    // MARK: Limits

    private func prediction(
        workers: Int, seconds: [Double], memory: Double = 0, barrier: Double = 0, kinds: [OperationKind: Double]
    ) -> StepPrediction {
        StepPrediction(
            workers: workers, batchRows: 128,
            phases: [
                .init(name: .samples, secondsByWorker: seconds, memorySeconds: memory, barrierSeconds: barrier)
            ], secondsByKind: kinds)
    }

    @Test func theLargestLossIsTheLimit() {
        let one = prediction(workers: 1, seconds: [100], kinds: [.forward: 60, .gradient: 40])
        let kinds: [OperationKind: Double] = [.forward: 60, .gradient: 40]
        func limit(_ seconds: [Double], memory: Double = 0, barrier: Double = 0, kinds: [OperationKind: Double])
            -> String
        {
            prediction(workers: 2, seconds: seconds, memory: memory, barrier: barrier, kinds: kinds).limit(over: one)
        }
        // Nothing costs more than 5 %: where the time is.
        #expect(one.limit(over: one) == "forward" && limit([50, 50], barrier: 2, kinds: kinds) == "forward")
        #expect(limit([50, 50], barrier: 10, kinds: kinds) == "barriers")
        #expect(limit([60, 40], barrier: 5, kinds: kinds) == "imbalance")
        #expect(limit([60, 40], memory: 75, barrier: 5, kinds: kinds) == "memory")
        // The gradient takes as long for each of them as for one alone.
        #expect(limit([70, 70], barrier: 5, kinds: [.forward: 60, .gradient: 80]) == "gradient")
        let two = prediction(workers: 2, seconds: [60, 40], memory: 75, barrier: 5, kinds: kinds)
        #expect(isClose(two.stepSeconds, 80) && isClose(two.efficiency(over: one), 100.0 / 80 / 2))
    }

    @Test func aDisturbedMeasurementIsNamed() {
        #expect(StepSimulation.disturbance(nil).isEmpty && StepSimulation.disturbance(0.05).isEmpty)
        #expect(StepSimulation.disturbance(0.25).first?.hasPrefix("other programs had 25.0 % of") == true)
    }

    // MARK: Places

    @Test func placesComeFromTheTopology() throws {
        let topology = try Topology(synthetic: "pack:2 [numa] l3:2(size=32MB) core:4 pu:2")
        func place(_ workers: Int, _ policy: PlacementPolicy) throws -> SimulatedPlace {
            try SimulatedPlace(
                Placement.plan(topology: topology, allowedCPUs: topology.allowedCPUs, workers: workers, policy: policy),
                on: topology)
        }
        let compact = try place(3, .compact)
        #expect(
            compact.nodes == [0, 0, 0] && compact.workersOnCore == [1, 1, 1] && compact.coresOfNode == [0: 8, 1: 8])
        #expect(compact.cacheBytes == 32e6 || compact.cacheBytes == Double(32 << 20))
        let spread = try place(2, .spread)
        #expect(spread.nodes == [0, 1] && spread.cacheBytes == 2 * compact.cacheBytes)
        #expect(try place(32, .compact).workersOnCore == Array(repeating: 2, count: 32))
    }

    @Test func allCoresAreCountedUpToTheirNumber() throws {
        func counts(_ description: String) throws -> [Int] {
            StepSimulation.Request(topology: try Topology(synthetic: description)).counts
        }
        #expect(try counts("pack:2 l3:4 core:3 pu:2") == [1, 2, 4, 8, 16, 24])
        #expect(try counts("core:1 pu:2") == [1])
        #expect(try counts("pack:4 core:128 pu:1").last == 254)
    }
}
