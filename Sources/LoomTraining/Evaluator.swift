import LoomData
import LoomKernels
import LoomModel
import LoomPlan

/// The value of a loss on a data set, without training on it.
public struct Evaluation: Sendable, Equatable {
    /// The loss: the sum or mean over all samples, plus the penalty.
    public let loss: Double
    /// The share of right decisions, if the task has any.
    public let accuracy: Double?
    /// Samples.
    public let samples: Int
}

/// Runs a network forward over a data set, all workers at once.
///
/// The data is cut into chunks of a fixed number of samples, whose sums are added in their order: results do not
/// depend on the number of workers.
public final class Evaluator<Scalar: LoomScalar> {
    static var chunkRows: Int { 256 }
    let network: Network<Scalar>
    private let parameters: ParameterBuffer<Scalar>
    let team: WorkerTeam
    private let workspaces: [Workspace<Scalar>]

    /// An evaluator of `network` with `parameters`, which it reads anew at every call; `gemmBackend` multiplies matrices.
    public init(
        network: Network<Scalar>, parameters: ParameterBuffer<Scalar>, team: WorkerTeam,
        gemmBackend: GemmBackend = .preferred
    ) {
        self.network = network
        self.parameters = parameters
        self.team = team
        workspaces = (0..<team.workers).map { _ in
            Workspace(
                network: network, parameters: parameters, capacity: Self.chunkRows, training: false,
                gemmBackend: gemmBackend)
        }
    }

    /// The loss and accuracy on `data`.
    /// - Throws: `ModelError` when loss and output do not go together.
    public func evaluate(_ data: Dataset<Scalar>, loss description: LossDescription) throws -> Evaluation {
        try evaluate(.resident(data), loss: description)
    }

    /// The loss and accuracy on `samples`.
    /// - Throws: `ModelError` when loss and output do not go together.
    public func evaluate(_ samples: SampleFeed<Scalar>, loss description: LossDescription) throws -> Evaluation {
        try evaluate(samples, loss: description, until: StopRequest())!
    }

    /// The loss and accuracy on `samples`, and the measures of their predictions.
    /// - Throws: `ModelError` when loss and output do not go together.
    public func measure(
        _ samples: SampleFeed<Scalar>, loss description: LossDescription
    ) throws -> PredictionMeasures {
        try measure(samples, loss: description, mostPortions: 1024)
    }

    func measure(
        _ samples: SampleFeed<Scalar>, loss description: LossDescription, mostPortions: Int
    ) throws -> PredictionMeasures {
        let memory = PredictionMeasuresMemory<Scalar>(
            output: network.description.output, outputs: network.outputs, loss: description.kind,
            samples: samples.sampleCount, chunks: chunkCount(samples.sampleCount), workers: team.workers,
            mostPortions: mostPortions)
        let evaluation = try evaluate(samples, loss: description, until: StopRequest(), measuring: memory)!
        return memory.measures(evaluation)
    }

    /// The loss and accuracy on `samples`, given up when `stop` is raised: nil.
    package func evaluate(
        _ samples: SampleFeed<Scalar>, loss description: LossDescription, until stop: StopRequest
    ) throws -> Evaluation? {
        try evaluate(samples, loss: description, until: stop, measuring: nil)
    }

    private func evaluate(
        _ samples: SampleFeed<Scalar>, loss description: LossDescription, until stop: StopRequest,
        measuring measures: PredictionMeasuresMemory<Scalar>?
    ) throws -> Evaluation? {
        let loss = try Loss<Scalar>(description, output: network.description.output)
        let count = samples.sampleCount
        let results = AlignedBuffer(count: chunkCount(count), repeating: ShardResult(loss: 0, correct: 0))
        forEachChunk(of: samples, portions: measures?.portions, until: stop) { place, rows, network, targets in
            var correct = 0
            let sum = loss.evaluate(
                network, rows: 0..<rows.count, targets: targets, scale: 1, writesDeltas: false, correct: &correct)
            results.pointer[place.chunk] = ShardResult(loss: sum, correct: correct)
            measures?.add(network, rows: rows, targets: targets, at: place)
        }
        guard !stop.isRaised else { return nil }
        var sum = 0.0
        var correct = 0
        for result in results.elements {
            sum += result.loss
            correct += result.correct
        }
        let decisions = loss.decisionsPerSample(outputs: network.outputs) * count
        return Evaluation(
            loss: loss.scale(samples: count) * sum + penalty(l2: description.l2),
            accuracy: decisions > 0 ? Double(correct) / Double(decisions) : nil, samples: count)
    }

    /// The predictions on `inputs`: samples × outputs, without padding.
    public func predict(_ data: Dataset<Scalar>) -> AlignedBuffer<Scalar> {
        let outputs = network.outputs
        let predictions = AlignedBuffer<Scalar>(uninitializedCount: data.count * outputs)
        forEachChunk(of: data.count, data: data.inputs) { [workspaces, data] place, rows, products in
            let network = workspaces[place.worker].handle
            network.forward(rows: 0..<rows.count, data: data.inputs.rows(rows), products: products)
            network.predict(rows: 0..<rows.count)
            for row in 0..<rows.count {
                (predictions.pointer + (rows.lowerBound + row) * outputs).update(
                    from: network.logits.rows(row..<row + 1).pointer, count: outputs)
            }
        }
        return predictions
    }

    func chunkCount(_ samples: Int) -> Int { (samples + Self.chunkRows - 1) / Self.chunkRows }

    /// Runs the network forward over the chunks of `samples`, and hands out each with its targets.
    /// - Parameter portions: Each is done by one worker, chunk after chunk; nil: every chunk by itself.
    func forEachChunk(
        of samples: SampleFeed<Scalar>, portions: Int?, until stop: StopRequest,
        _ body: @escaping @Sendable (ChunkPlace, Range<Int>, NetworkHandle<Scalar>, BatchTargets<Scalar>) -> Void
    ) {
        let count = samples.sampleCount
        let memory = FeedMemory(
            samples, order: SampleOrder(seed: 0, count: count, shuffle: false), capacity: Self.chunkRows * team.workers)
        forEachChunk(of: count, portions: portions, data: memory.handle.anyData) {
            [workspaces, memory] place, rows, products in
            guard !stop.isRaised else { return }
            let network = workspaces[place.worker].handle
            let feed = memory.handle.window(start: place.worker * Self.chunkRows, rows: Self.chunkRows)
            feed.load(rows: 0..<rows.count, epoch: 0, start: rows.lowerBound)
            network.forward(
                rows: 0..<rows.count, data: feed.data(start: rows.lowerBound, rows: rows.count), products: products)
            body(place, rows, network, feed.batchTargets)
        }
    }

    /// - Parameters:
    ///   - portions: Each is done by one worker, chunk after chunk; nil: every chunk by itself.
    ///   - data: Inputs as those of every chunk lie.
    private func forEachChunk(
        of samples: Int, portions: Int? = nil, data: MatrixView<Scalar>,
        _ body: @escaping @Sendable (ChunkPlace, Range<Int>, NetworkProducts<Scalar>) -> Void
    ) {
        let count = chunkCount(samples)
        let workers = team.workers
        // All workspaces have the same strides.
        let (whole, last) = (min(samples, Self.chunkRows), (samples - 1) % Self.chunkRows + 1)
        let products = [whole, last].map {
            NetworkProductsMemory(workspaces[0].handle, rows: $0, training: false, data: data)
        }
        let work = ChunkWork { worker in
            let portions = portions ?? count
            for portion in Partition.range(of: worker, parts: workers, count: portions) {
                for chunk in Partition.range(of: portion, parts: portions, count: count) {
                    let start = chunk * Self.chunkRows
                    let rows = start..<min(start + Self.chunkRows, samples)
                    let place = ChunkPlace(worker: worker, portion: portion, chunk: chunk)
                    body(place, rows, products[rows.count == whole ? 0 : 1].products)
                }
            }
        }
        _ = withExtendedLifetime(workspaces) { team.run(work, steps: 0..<1) }
    }

    private func penalty(l2: Double) -> Double {
        guard l2 != 0 else { return 0 }
        let weights = network.layout.tensors.indices.filter { network.layout.tensors[$0].role == .weights }
        return l2 * weights.reduce(0) { $0 + Scalar.sumOfSquares(parameters.view($1)) }
    }
}

/// Who evaluates a chunk, and where what is added up belongs.
struct ChunkPlace: BitwiseCopyable, Sendable {
    let worker, portion, chunk: Int
}

/// One phase of work, once.
private struct ChunkWork: PhasedWork {
    let body: @Sendable (_ worker: Int) -> Void
    var phaseCount: Int { 1 }
    func perform(phase: Int, step: Int, worker: Int) { body(worker) }
    func endFirstPhase(step: Int) -> Bool { false }
}
