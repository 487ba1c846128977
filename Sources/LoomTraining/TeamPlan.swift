import LoomKernels
import LoomPlan

/// Who works, and where.
public struct TeamPlan: Sendable {
    /// The number of workers.
    public var workers: Int
    /// How the workers are kept together.
    public var request: TeamRequest
    /// How a worker's thread is bound to its place; nil: not at all.
    public var binding: WorkerBinding?
    /// Samples of a shard; nil: chosen from the batch.
    public var shardRows: Int?
    /// Whether results have the same bits for every number of workers.
    public var sameBitsForAnyWorkers: Bool
    /// Bytes of second-level cache of one core.
    public var cacheBytes: Int {
        get { tuning.secondLevelCacheBytes }
        set { tuning.secondLevelCacheBytes = newValue }
    }
    /// Who multiplies matrices.
    public var gemmBackend: GemmBackend
    /// What multiplies in mixed precision; nil: factors have the precision of the parameters.
    public var bfloat16: BFloat16Products?
    /// Groups of samples whose gradients are added as a tree; nil: chosen from shapes. Part of a result's bits.
    public var groups: Int?
    /// How the gradient travels; nil: chosen. Never part of a result's bits with built-in products.
    public var route: GradientRoute?
    /// The numbers that steps are planned by.
    public var tuning = StepTuning()
    /// Whether samples pass layer by layer, each an operation of its own: for profiles. It changes no result.
    package var separatesLayers = false

    /// A team.
    public init(
        workers: Int, request: TeamRequest = .auto, binding: WorkerBinding? = nil, shardRows: Int? = nil,
        sameBitsForAnyWorkers: Bool = true, cacheBytes: Int = 1 << 20, gemmBackend: GemmBackend = .preferred,
        groups: Int? = nil, route: GradientRoute? = nil
    ) {
        self.workers = workers
        self.request = request
        self.binding = binding
        self.shardRows = shardRows
        self.sameBitsForAnyWorkers = sameBitsForAnyWorkers
        tuning.secondLevelCacheBytes = cacheBytes
        self.gemmBackend = gemmBackend
        self.groups = groups
        self.route = route
    }
}

extension TeamPlan {
    /// The format of the factors of products; nil: the precision of the parameters.
    var operands: OperandFormat? { bfloat16 == nil ? nil : .bfloat16 }

    /// What steps are planned from.
    package var stepRequest: StepRequest {
        StepRequest(
            workers: workers, shardRows: shardRows, groups: groups, route: route,
            sameBitsForAnyWorkers: sameBitsForAnyWorkers, gemmBackend: gemmBackend, packsFactors: bfloat16 != nil,
            tuning: tuning)
    }
}
