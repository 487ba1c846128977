import LoomData
import LoomKernels
import LoomModel
import LoomPlan

/// Where a worker's samples go through the network: activations and deltas, gathered rows, and what multiplies matrices.
struct WorkerHandle<Scalar: LoomScalar>: BitwiseCopyable {
    let network: NetworkHandle<Scalar>
    let feed: UnsafePointer<FeedHandle<Scalar>>
    /// The same network in mixed precision.
    let mixedPrecision: MixedPrecisionHandle?
}

/// The memory of the steps of a training, as a `BufferPlan` counts it, and the programs bound to it.
///
/// Workers share one set of activations and write rows of their own, or have a set each where they have parameters of their
/// own: rows of two workers that follow each other in memory would not do, for processors fetch lines ahead, beyond the end
/// of a worker's rows, and take them from the other one (32-64-10 with batches of 64 on two cores of Zen 5 that are far from
/// each other: 9.6 instead of 5.4 million samples a second).
final class StepMemory<Scalar: LoomScalar>: Sendable {
    let plan: BufferPlan
    let workers: Int
    let network: Network<Scalar>
    /// One, or one for each worker; the first is what everybody else sees.
    let parameters: [ParameterBuffer<Scalar>]
    let states: [OptimizerState<Scalar>]
    let gradient: ParameterBuffer<Scalar>
    /// Partial gradients, and behind them messages.
    private let partials: AlignedBuffer<Scalar>
    private let gemm: GemmMemory<Scalar>
    /// What is packed for products in mixed precision.
    let mixedPrecision: MixedPrecisionMemory?
    private let workspaces: [Workspace<Scalar>]
    private let feeds: [FeedMemory<Scalar>]
    private let feedHandles: AlignedBuffer<FeedHandle<Scalar>>
    private let workerMemory: AlignedBuffer<WorkerHandle<Scalar>>

    /// Reserves memory for batches of up to `capacity` samples; `reserveFeed` that of gathered samples.
    init(
        network: Network<Scalar>, plan: BufferPlan, optimizer: OptimizerDescription.Kind, capacity: Int,
        workers: Int, gemmBackend: GemmBackend, bfloat16: BFloat16Products?, reserveFeed: () -> FeedMemory<Scalar>
    ) {
        let parameters =
            [network.initialParameters()]
            + (1..<plan.parameterCopies).map { _ in ParameterBuffer<Scalar>(layout: network.layout) }
        let gemm = GemmMemory<Scalar>(backend: gemmBackend, workers: workers)
        let workspaces = (0..<plan.activationCopies).map { index in
            let parameters = parameters[min(index, parameters.count - 1)]
            return bfloat16 == nil
                ? Workspace(network: network, parameters: parameters, capacity: capacity, gemmBackend: gemmBackend)
                : Workspace(besidePacked: network, parameters: parameters, capacity: capacity, gemmBackend: gemmBackend)
        }
        let packed = bfloat16.map { products in
            guard let workspace = workspaces[0] as? Workspace<Float> else {
                preconditionFailure("mixed precision has parameters in float32")
            }
            return MixedPrecisionMemory(workspace, products: products, workers: workers)
        }
        let feeds = workspaces.map { _ in reserveFeed() }
        let feedHandles = AlignedBuffer(feeds.map(\.handle))
        workerMemory = AlignedBuffer(
            (0..<workers).map { worker in
                let owner = min(worker, workspaces.count - 1)
                var network = workspaces[owner].handle
                network.gemm = gemm.gemms[worker]
                return WorkerHandle(
                    network: network, feed: UnsafePointer(feedHandles.pointer + owner),
                    mixedPrecision: packed?.handle(worker: worker))
            })
        states = (0..<plan.stateCopies).map { _ in OptimizerState(kind: optimizer, layout: network.layout) }
        gradient = ParameterBuffer(layout: network.layout)
        partials = AlignedBuffer(
            count: (plan.partials + plan.messages(workers: workers)) * network.layout.elementCount, repeating: 0)
        self.plan = plan
        self.workers = workers
        self.network = network
        self.parameters = parameters
        self.gemm = gemm
        mixedPrecision = packed
        self.workspaces = workspaces
        self.feeds = feeds
        self.feedHandles = feedHandles
    }

    /// One for each worker; valid while this object lives.
    var workerHandles: UnsafePointer<WorkerHandle<Scalar>> { UnsafePointer(workerMemory.pointer) }

    /// Makes all copies of parameters and state equal to the first, which anybody may have changed between two regions.
    func copyFirst() {
        mixedPrecision?.packWeights()
        for copy in parameters.dropFirst() { copy.copy(from: parameters[0]) }
        for copy in states.dropFirst() { copy.copy(from: states[0]) }
    }

    /// The workspace that `worker` writes.
    func workspace(of worker: Int) -> Workspace<Scalar> { workspaces[min(worker, workspaces.count - 1)] }

    /// Who multiplies matrices.
    var gemmBackend: GemmBackend { gemm.gemms[0].backend }

    /// Bytes reserved, as `MemoryPlan` names them.
    var bytes: (parameters: Int, gradient: Int, optimizer: Int, activations: Int, batch: Int) {
        (
            parameters.reduce(0) { $0 + $1.bytes },
            gradient.bytes + partials.count * MemoryLayout<Scalar>.stride,
            states.reduce(0) { $0 + $1.bytes },
            gemm.bytes + workspaces.reduce(0) { $0 + $1.bytes } + (mixedPrecision?.bytes ?? 0),
            feeds.reduce(0) { $0 + $1.bytes }
        )
    }

    /// Sets every byte of the activations and deltas.
    func fillBytes(_ byte: UInt8) {
        for workspace in workspaces { workspace.fillBytes(byte) }
        mixedPrecision?.fillBytes(byte)
    }

    // MARK: Addresses

    /// Element 0 of a gradient's buffer in even or odd steps.
    func base(of buffer: GradientBuffer, inOddSteps: Bool) -> UnsafeMutablePointer<Scalar> {
        switch buffer {
        case .gradient: gradient.view(0).pointer
        case .partial(let index): partials.pointer + index * network.layout.elementCount
        case .parameters(let worker): parameters[worker].view(0).pointer
        case .message(let sender, let receiver, let node):
            partials.pointer
                + (plan.partials + plan.message(from: sender, to: receiver, node: node, inOddSteps: inOddSteps))
                * network.layout.elementCount
        }
    }
}
