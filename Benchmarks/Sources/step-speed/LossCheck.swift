import GradloomInternals
import Workloads

/// What another program needs to know to train the same workload.
struct WorkloadFacts: Encodable {
    let name: String
    let sizes: [Int]
    let batch: Int
    let batches: Int
    let activation: String
    let output: String
    let optimizer: String
    let operationsPerSample: Double

    enum CodingKeys: String, CodingKey {
        case name, sizes, batch, batches, activation, output, optimizer
        case operationsPerSample = "operations_per_sample"
    }

    init(_ workload: Workload) throws {
        name = workload.name
        sizes = workload.sizes
        batch = workload.batch
        batches = workload.batches
        activation = workload.activation.rawValue
        output = workload.output.rawValue
        optimizer = workload.optimizer.rawValue
        operationsPerSample = try Network<Float>(workload.network).operationsPerSample
    }
}

/// The losses of 20 steps, for a comparison with other programs.
struct CheckedLosses: Encodable {
    let workload: String
    let losses: [Double]
}

/// Trains 20 steps on `inputs.npy` and `targets.npy`, in their order and again from the start after their end, with
/// the first parameters in `parameters.safetensors`; all in `directory`.
func losses(
    of workload: Workload, directory: String, learningRate: Double, machine: MachineSetup,
    adjust: (inout TeamPlan) -> Void
) throws -> CheckedLosses {
    let source = try NpySource(inputs: directory + "/inputs.npy", targets: directory + "/targets.npy")
    let trainer = try workload.trainer(
        Float.self, machine: machine, source: source, learningRate: learningRate, shuffles: false,
        adjust: adjust)
    _ = try Checkpoint.restore(
        Safetensors(contentsOf: directory + "/parameters.safetensors"), parameters: trainer.parameters)
    return CheckedLosses(
        workload: workload.name, losses: try (0..<20).map { _ in try trainer.trained(steps: 1).lastLoss })
}
