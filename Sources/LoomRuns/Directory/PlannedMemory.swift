import LoomTraining

/// The memory plan of a run as events have it, in bytes.
package struct PlannedMemory: Codable, Sendable, Equatable {
    /// The program, its libraries and what it had read when the plan was made.
    package var programBytes: Int
    /// The samples to train on.
    package var dataBytes: Int
    /// The samples to validate on.
    package var validationBytes: Int
    /// The parameters.
    package var parameterBytes: Int
    /// The gradient.
    package var gradientBytes: Int
    /// The optimizer's state.
    package var optimizerBytes: Int
    /// Activations and deltas of a batch.
    package var activationBytes: Int
    /// The gathered samples of a batch.
    package var batchBytes: Int
    /// Activations of an evaluation.
    package var evaluationBytes: Int
    /// The best parameters so far, and copies of the state while it is written to a checkpoint.
    package var checkpointBytes: Int
    /// Needed only while the data are read.
    package var loadingBytes: Int
    /// Needed only while the steps are planned.
    package var planningBytes: Int
    /// The most that is in use at a time.
    package var totalBytes: Int

    /// The bytes of `plan`.
    package init(_ plan: MemoryPlan) {
        programBytes = plan.programBytes
        dataBytes = plan.dataBytes
        validationBytes = plan.validationBytes
        parameterBytes = plan.parameterBytes
        gradientBytes = plan.gradientBytes
        optimizerBytes = plan.optimizerBytes
        activationBytes = plan.activationBytes
        batchBytes = plan.batchBytes
        evaluationBytes = plan.evaluationBytes
        checkpointBytes = plan.checkpointBytes
        loadingBytes = plan.loadingBytes
        planningBytes = plan.planningBytes
        totalBytes = plan.totalBytes
    }

    enum CodingKeys: String, CodingKey {
        case programBytes = "program_bytes"
        case dataBytes = "data_bytes"
        case validationBytes = "validation_bytes"
        case parameterBytes = "parameter_bytes"
        case gradientBytes = "gradient_bytes"
        case optimizerBytes = "optimizer_bytes"
        case activationBytes = "activation_bytes"
        case batchBytes = "batch_bytes"
        case evaluationBytes = "evaluation_bytes"
        case checkpointBytes = "checkpoint_bytes"
        case loadingBytes = "loading_bytes"
        case planningBytes = "planning_bytes"
        case totalBytes = "total_bytes"
    }
}

/// "memory: 212 MiB planned: data 95.4 MiB, parameters 38.1 MiB …": one line; what needs nothing is left out.
package func memoryPlanLine(_ plan: MemoryPlan) -> String {
    let parts = [
        ("data", plan.dataBytes), ("validation", plan.validationBytes), ("parameters", plan.parameterBytes),
        ("gradient", plan.gradientBytes), ("optimizer", plan.optimizerBytes),
        ("activations", plan.activationBytes), ("batch", plan.batchBytes),
        ("evaluation", plan.evaluationBytes), ("checkpoints", plan.checkpointBytes), ("program", plan.programBytes),
        ("only while loading", plan.loadingBytes), ("only while planning", plan.planningBytes),
    ]
    let list = parts.filter { $0.1 > 0 }.map { "\($0.0) \(NumberFormat.bytes($0.1))" }
    return "memory: \(NumberFormat.bytes(plan.totalBytes)) planned: " + list.joined(separator: ", ")
}
