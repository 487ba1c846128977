import LoomKernels
import LoomModel

/// What a worker passes its samples through: activations and deltas, gathered rows, and what multiplies matrices.
struct WorkerPass<Scalar: LoomScalar>: BitwiseCopyable {
    let network: NetworkPass<Scalar>
    let batches: BatchSource<Scalar>
}

/// The memory of the steps of a training: activations, gathered samples, scratch memory and, where every worker has them
/// for itself, copies of the parameters.
///
/// Workers share one workspace and write rows of their own. Two that exchange halves of the gradient, or that are
/// replicas, have a workspace and a batch each: rows of two workers that follow each other in memory would not do, for
/// processors fetch lines ahead, beyond the end of a worker's rows, and take them from the other one (32-64-10 with batches
/// of 64 on two cores of Zen 5 that are far from each other: 9.6 instead of 5.4 million samples a second).
final class StepMemory<Scalar: LoomScalar>: Sendable {
    private let gemm: GemmMemory<Scalar>
    /// One, or one for each worker; so are workspaces and batches.
    private let parameters: [ParameterBuffer<Scalar>]
    private let workspaces: [Workspace<Scalar>]
    private let batches: [BatchMemory<Scalar>]
    private let passMemory: AlignedBuffer<WorkerPass<Scalar>>
    private let replicaMemory: ReplicaMemory<Scalar>?

    /// Memory for `team`. `parameters` are those of all workers, or of each; the state is the first one's. `makeBatches`
    /// reserves memory for gathered samples.
    init(
        network: Network<Scalar>, parameters: [ParameterBuffer<Scalar>], state: OptimizerState<Scalar>,
        optimizer: OptimizerDescription.Kind, capacity: Int, team: TeamPlan, usesReplicas: Bool,
        makeBatches: () -> BatchMemory<Scalar>
    ) {
        let replicas =
            usesReplicas ? ReplicaMemory(parameters: parameters, state: state, optimizer: optimizer) : nil
        let gemm = GemmMemory<Scalar>(provider: team.gemmProvider, workers: team.workers)
        let workspaces = parameters.map {
            Workspace(network: network, parameters: $0, capacity: capacity, gemmProvider: team.gemmProvider)
        }
        let batches = workspaces.map { _ in makeBatches() }
        passMemory = AlignedBuffer(
            (0..<team.workers).map { worker in
                let owner = parameters.count > 1 ? worker : 0
                var pass = workspaces[owner].pass
                pass.gemm = gemm.gemms[worker]
                return WorkerPass(network: pass, batches: batches[owner].source)
            })
        self.gemm = gemm
        self.workspaces = workspaces
        self.batches = batches
        replicaMemory = replicas
        self.parameters = parameters
    }

    /// One for each worker; valid while this object lives.
    var passes: UnsafePointer<WorkerPass<Scalar>> { UnsafePointer(passMemory.pointer) }

    /// One for each worker, if each has its own parameters; valid while this object lives.
    var replicas: UnsafePointer<Replica<Scalar>>? { replicaMemory?.replicas }

    /// Makes the second worker's parameters and state those of the first, which anybody may have changed between two
    /// regions.
    func copyFirst() {
        if parameters.count > 1 { parameters[1].copy(from: parameters[0]) }
        replicaMemory?.copyFirstState()
    }

    /// The workspace that `worker` writes.
    func workspace(of worker: Int) -> Workspace<Scalar> { workspaces[workspaces.count > 1 ? worker : 0] }

    /// Who multiplies matrices.
    var gemmProvider: GemmProvider { gemm.gemms[0].provider }

    /// Bytes reserved for activations, deltas and the scratch memory of products.
    var activationBytes: Int { gemm.bytes + workspaces.reduce(0) { $0 + $1.bytes } }

    /// Bytes reserved for gathered samples.
    var batchBytes: Int { batches.reduce(0) { $0 + $1.bytes } }

    /// Bytes reserved for copies of the parameters and for the gradients on their way.
    var copyBytes: Int { parameters.dropFirst().reduce(replicaMemory?.messageBytes ?? 0) { $0 + $1.bytes } }

    /// Bytes reserved for copies of the optimizer's state.
    var replicaStateBytes: Int { replicaMemory?.stateBytes ?? 0 }

    /// Sets every byte of the activations and deltas.
    func fillBytes(_ byte: UInt8) {
        for workspace in workspaces { workspace.fillBytes(byte) }
    }
}
