import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomReference
import LoomTraining

/// The fast trainer beside the reference, beside itself in the other precision, and with other numbers of workers.
struct FastComparison {
    private let configured: ConfiguredProblem
    private var problem: ReferenceProblem { configured.reference }
    private let workers: Int

    /// Float64: sums of some thousand products in another order.
    private static let exactThreshold = 1e-10
    /// Float32: 2⁻²⁴ per operation, some thousand operations.
    private static let singleThreshold = 1e-4
    /// Steps of the comparison of workers.
    private static let steps = 3

    /// - Throws: `BLASError` when OpenBLAS cannot serve so many workers.
    init(_ configured: ConfiguredProblem, workers: Int) throws {
        self.configured = configured
        self.workers = workers
        _ = try BLASRuntime.prepare(workers: workers)
    }

    // MARK: Gradients

    /// Float64 against `reference`, and float32 against float64.
    func gradientRows(reference: ReferenceGradients) throws -> [NetworkCheck.Row] {
        let double = try gradients(Double.self)
        let single = try gradients(Float.self)
        let wanted = GradientArrays(reference.layers, inputs: nil, graph: problem.graph)
        return rows(
            "fast trainer, float64", double.gradients, wanted, loss: (double.loss, reference.totalLoss),
            threshold: Self.exactThreshold)
            + rows(
                "float32 against float64", single.gradients, double.gradients, loss: (single.loss, double.loss),
                threshold: Self.singleThreshold)
    }

    private func gradients<Scalar: LoomScalar>(
        _: Scalar.Type
    ) throws -> (loss: Double, gradients: GradientArrays) {
        let trainer = try trainer(Scalar.self, workers: 1)
        let result = trainer.gradient()
        let layers = result.gradient.referenceLayers(of: trainer.network)
        return (result.loss, GradientArrays(layers, inputs: nil, graph: problem.graph))
    }

    private func rows(
        _ title: String, _ found: GradientArrays, _ wanted: GradientArrays, loss: (Double, Double),
        threshold: Double
    ) -> [NetworkCheck.Row] {
        // An array whose terms cancel has errors of the size of the terms.
        let least = max(wanted.largest * 0.01, .leastNormalMagnitude)
        let lossRow = NetworkCheck.Row(
            check: title, array: "loss",
            worstError: NetworkCheck.worstError([loss.0], [loss.1], scale: max(abs(loss.1), 1e-3)),
            threshold: threshold, checked: 1, count: 1, kinks: 0)
        return [lossRow]
            + zip(found.entries, wanted.entries).map { found, wanted in
                NetworkCheck.Row(
                    check: title, array: wanted.name,
                    worstError: NetworkCheck.worstError(
                        found.values, wanted.values, scale: max(wanted.largest, least)),
                    threshold: threshold, checked: found.values.count, count: wanted.values.count, kinks: 0)
            }
    }

    // MARK: Workers

    /// Parameters after some steps, bit for bit, with 2, 3 … workers against one.
    func workerRows() throws -> [NetworkCheck.Row] {
        switch configured.configuration.training.precision.scalar {
        case .float32: try workerRows(Float.self)
        case .float64: try workerRows(Double.self)
        }
    }

    private func workerRows<Scalar: LoomScalar>(_: Scalar.Type) throws -> [NetworkCheck.Row] {
        func parameters(_ workers: Int) throws -> [Double] {
            let trainer = try trainer(Scalar.self, workers: workers)
            _ = trainer.run(steps: Self.steps)
            return trainer.network.layout.tensors.indices.flatMap { trainer.parameters.values($0).map { Double($0) } }
        }
        let alone = try parameters(1)
        return try (2...max(2, workers)).map { count in
            sameBitsRow("parameters after \(Self.steps) steps", try parameters(count), alone, workers: count)
        }
    }

    private func sameBitsRow(
        _ array: String, _ found: [Double], _ alone: [Double], workers: Int
    ) -> NetworkCheck.Row {
        let differs = zip(found, alone).contains { $0.bitPattern != $1.bitPattern }
        let largest = max(alone.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
        // The smallest error that is one, where the bits differ in a sign of 0 or in NaN.
        let error = max(NetworkCheck.worstError(found, alone, scale: largest), differs ? .leastNonzeroMagnitude : 0)
        return NetworkCheck.Row(
            check: "\(workers) workers, same bits as 1", array: array, worstError: error, threshold: 0,
            checked: found.count, count: alone.count, kinks: 0)
    }

    // MARK: Predictions

    /// For networks that have no gradient: float64 against the reference, float32 against float64, workers.
    func predictionRows() throws -> [NetworkCheck.Row] {
        let pass = try problem.trainer().forward(inputs: problem.inputs)
        let reference = pass.prediction.flatMap { $0 }
        let double = try predictions(Double.self, workers: 1)
        let single = try predictions(Float.self, workers: 1)
        func row(_ title: String, _ found: [Double], _ wanted: [Double], _ threshold: Double) -> NetworkCheck.Row {
            let largest = max(wanted.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
            return NetworkCheck.Row(
                check: title, array: "prediction",
                worstError: NetworkCheck.worstError(found, wanted, scale: largest), threshold: threshold,
                checked: found.count, count: wanted.count, kinks: 0)
        }
        return [
            row("fast forward pass, float64", double, reference, Self.exactThreshold),
            row("float32 against float64", single, double, Self.singleThreshold),
        ]
            + (try (2...max(2, workers)).map { count in
                sameBitsRow("prediction", try predictions(Double.self, workers: count), double, workers: count)
            })
    }

    private func predictions<Scalar: LoomScalar>(_: Scalar.Type, workers: Int) throws -> [Double] {
        let network = try Network<Scalar>(problem.network)
        let parameters = ParameterBuffer<Scalar>(layout: network.layout)
        problem.setParameters(parameters, of: network)
        let evaluator = Evaluator(
            network: network, parameters: parameters, team: WorkerTeam(workers: workers, request: .forkJoin),
            gemmBackend: configured.configuration.parallel.gemmBackend)
        let predictions = evaluator.predict(try configured.samples(Scalar.self))
        return predictions.array.map { Double($0) }
    }

    // MARK: Trainers

    /// A trainer as the configuration asks for, with `count` workers and small shards.
    func trainer<Scalar: LoomScalar>(_: Scalar.Type, workers count: Int) throws -> Trainer<Scalar> {
        let rows = problem.inputs.count
        // Several shards for every worker, or the comparison would say nothing.
        let shard = max(1, rows / (2 * workers))
        let parallel = configured.configuration.parallel
        let trainer = try Trainer<Scalar>(
            network: problem.network, loss: problem.loss,
            optimizer: problem.optimizer,
            schedule: TrainingSchedule(batchRows: rows, epochs: Self.steps, shuffles: false),
            team: TeamPlan(
                workers: count, request: .forkJoin, shardRows: min(parallel.shardRows ?? shard, shard),
                gemmBackend: parallel.gemmBackend, groups: parallel.groups, route: parallel.gradientRoute),
            data: configured.samples(Scalar.self))
        problem.setParameters(trainer.parameters, of: trainer.network)
        return trainer
    }
}

extension ReferenceProblem {
    /// Copies the first parameters to `buffer`.
    fileprivate func setParameters<Scalar: LoomScalar>(_ buffer: ParameterBuffer<Scalar>, of network: Network<Scalar>) {
        for (layer, values) in zip(network.layers, parameters) {
            for (connection, matrix) in zip(layer.connections, values.connections) {
                buffer.setValues(connection.weights, to: matrix.flatMap { $0 }.map { Scalar($0) })
            }
            if let bias = layer.bias, let given = values.bias {
                buffer.setValues(bias, to: given.map { Scalar($0) })
            }
        }
    }
}
