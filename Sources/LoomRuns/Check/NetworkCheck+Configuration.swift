import LoomConfiguration
import LoomModel
import LoomReference

extension NetworkCheck {
    /// Checks what `configuration` trains, at its first parameters.
    /// - Throws: `RequestError` for a layer that does not exist or whose gradient cannot be corrupted, and whatever the
    ///   configuration's data and network are refused for.
    public init(_ configuration: Configuration, options: Options = Options()) throws {
        let configured = try ConfiguredProblem(configuration, samples: .first(options.samples))
        let problem = configured.reference
        let corrupted = try options.corrupted.map { name throws(RequestError) in
            try problem.graph.layer(named: name)
        }
        let fast = try FastComparison(configured, workers: options.workers)
        guard !problem.network.hasThreshold else {
            guard corrupted == nil else {
                throw RequestError("a network with a threshold has no gradient that could be corrupted")
            }
            self.init(samples: problem.rows.count, rows: try fast.predictionRows(), kinks: [])
            return
        }
        let trainer = try problem.trainer()
        var gradients = try trainer.gradients(
            inputs: problem.inputs, targets: problem.targets!, weights: problem.weights)
        if let corrupted { try Self.corrupt(corrupted, in: &gradients, of: problem) }
        let differences = try CentralDifferences(
            problem, trainer: trainer, gradients: gradients, elements: options.elements, seed: options.seed)
        self.init(
            samples: problem.rows.count,
            rows: try differences.rows + fast.gradientRows(reference: gradients) + fast.workerRows(),
            kinks: differences.kinks)
    }

    private static func corrupt(
        _ layer: Int, in gradients: inout ReferenceGradients, of problem: ReferenceProblem
    ) throws(RequestError) {
        guard gradients.layers[layer].allWeights.contains(where: { $0 != 0 }) else {
            throw RequestError(
                "all gradients of layer '\(problem.graph.layers[layer].name)' are 0 on these samples, so scaling them "
                    + "changes nothing")
        }
        gradients.layers[layer] = ReferenceLayer.map(gradients.layers[layer]) { values, _ in values[0] * 1.01 }
    }
}
