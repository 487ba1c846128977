import LoomKernels
import LoomModel

/// What is asked for when steps are planned, beside shapes.
package struct StepRequest: Sendable {
    /// The number of workers.
    package var workers: Int
    /// Samples of a shard; nil: chosen from the batch.
    package var shardRows: Int?
    /// Groups of samples; nil: chosen from shapes. Part of a result's bits.
    package var groups: Int?
    /// The route; nil: chosen. One that the number of workers rules out is replaced by `partition`.
    package var route: GradientRoute?
    /// Whether results have the same bits for every number of workers.
    package var sameBitsForAnyWorkers: Bool
    /// Who multiplies matrices.
    package var gemmBackend: GemmBackend
    /// Whether the factors of products are packed in bfloat16, in blocks that are not cut.
    package var packsFactors: Bool
    /// The numbers that decide about speed alone.
    package var tuning: StepTuning

    /// A request; see the properties.
    package init(
        workers: Int, shardRows: Int? = nil, groups: Int? = nil, route: GradientRoute? = nil,
        sameBitsForAnyWorkers: Bool = true, gemmBackend: GemmBackend = .preferred, packsFactors: Bool = false,
        tuning: StepTuning = StepTuning()
    ) {
        self.workers = workers
        self.shardRows = shardRows
        self.groups = groups
        self.route = route
        self.sameBitsForAnyWorkers = sameBitsForAnyWorkers
        self.gemmBackend = gemmBackend
        self.packsFactors = packsFactors
        self.tuning = tuning
    }

    /// Whether every product of training has the same bits however it is cut.
    package var cutsFreely: Bool { packsFactors || gemmBackend.isPartitionInvariant }

    /// Rows and columns that are never cut apart.
    var blockLength: Int { packsFactors ? PackedMatrix.side : 1 }

    /// The number of workers, if bits may depend on it.
    var fixedWorkers: Int? { sameBitsForAnyWorkers ? nil : workers }

    /// The groups asked for, or as many as have enough samples.
    func mostGroups(_ shards: ShardGrid) -> Int { groups ?? GradientSum.mostGroups(shards, fixedWorkers: fixedWorkers) }
}

/// What of an optimizer and a loss decides how steps are planned.
package struct UpdateTraits: Sendable, Equatable {
    /// Whether weights and biases are updated by the same numbers, without the norm of all.
    package let isUniform: Bool
    /// Whether a product that adds to its result computes the update: W ← W − η·G, or V ← μV + G.
    package let fitsProduct: Bool
    /// Whether the loss has an L2 penalty.
    package let hasPenalty: Bool
    /// Whether the gradient is clipped by its norm.
    package let clips: Bool

    /// The traits of an optimizer with a loss.
    package init(isUniform: Bool, fitsProduct: Bool, hasPenalty: Bool, clips: Bool) {
        self.isUniform = isUniform
        self.fitsProduct = fitsProduct
        self.hasPenalty = hasPenalty
        self.clips = clips
    }
}

/// Makes the programs of a training: the scheme of all steps first, then one program for each size of batch.
package struct StepPlanner: Sendable {
    package let shapes: StepShapes
    package let request: StepRequest
    package let update: UpdateTraits
    /// Samples of a full batch.
    package let fullBatchRows: Int
    /// Samples of a shard.
    package let shardRows: Int
    /// The sum of a full batch.
    package let sum: GradientSum
    /// The route of all steps.
    package let route: GradientRoute
    /// The memory of all programs.
    package let buffers: BufferPlan
    var merging: CallMerging

    /// Decides about sum, route and memory of all steps.
    package init(shapes: StepShapes, update: UpdateTraits, fullBatchRows: Int, request: StepRequest) {
        var merging = CallMerging(provider: request.gemmBackend, precision: shapes.precision)
        let runsMerge = Self.shardRunsMerge(shapes, request, batchRows: fullBatchRows, merging: &merging)
        let shardRows =
            request.shardRows.map { ($0 + request.blockLength - 1) / request.blockLength * request.blockLength }
            ?? ShardGrid.rows(batchRows: fullBatchRows, runsMerge: runsMerge, multiple: request.blockLength)
        let shards = ShardGrid(batchRows: fullBatchRows, shardRows: shardRows)
        let choice = RouteChoice(shapes: shapes, update: update, shards: shards, request: request)
        self.shapes = shapes
        self.request = request
        self.update = update
        self.fullBatchRows = fullBatchRows
        self.shardRows = shardRows
        self.merging = merging
        sum = choice.sum
        route = choice.route
        buffers = Self.buffers(choice.route, sum: choice.sum, workers: request.workers)
    }

    /// The program of a step on `batchRows` samples, at most those of a full batch.
    package mutating func program(batchRows: Int) -> StepProgram {
        program(batchRows: batchRows, use: update.clips ? .clipThenUpdate : .update)
    }

    /// The program that forms the gradient of `batchRows` samples and leaves the parameters as they are.
    package mutating func gradientProgram(batchRows: Int) -> StepProgram { program(batchRows: batchRows, use: .keep) }

    private mutating func program(batchRows: Int, use: GradientUse) -> StepProgram {
        let shards = ShardGrid(batchRows: batchRows, shardRows: shardRows)
        let groups = min(sum.groups, request.mostGroups(shards))
        var draft = ProgramDraft(planner: self, sum: GradientSum(shards, groups: groups), use: use)
        let (phases, recovery) =
            switch route {
            case .partition: draft.partition()
            case .reduceScatter, .reduceScatterAllGather: draft.reduceScatter()
            case .allReduce: draft.allReduce()
            }
        let callRows = callRows(of: phases, shards: shards)
        merging = draft.planner.merging
        return StepProgram(
            workers: request.workers, sum: draft.sum, route: route, use: use, buffers: buffers, phases: phases,
            recovery: recovery, callRows: callRows, sliceCount: draft.sliceCount)
    }

    /// The memory of a route: enough for a full batch, and so for smaller ones, whose leaves are no more.
    private static func buffers(_ route: GradientRoute, sum: GradientSum, workers: Int) -> BufferPlan {
        var plan = BufferPlan()
        if route.copiesParameters {
            plan.parameterCopies = workers
            plan.activationCopies = workers
        }
        guard route != .partition else {
            let leaves = sum.leaves(of: 0..<sum.groups).count
            plan.partials = leaves > 1 ? sum.groups : 0
            return plan
        }
        // A smaller batch has no more groups, but may cut them in another way.
        let ownGroups = (sum.groups + workers - 1) / workers
        // The first gradient that a worker sends lies in its copy of the parameters.
        plan.partialsPerWorker = route == .reduceScatterAllGather ? ownGroups - 1 : ownGroups
        plan.partials = workers * plan.partialsPerWorker
        if route == .allReduce {
            plan.stateCopies = workers
            let counts = sequence(first: sum.groups) { $0 > 1 ? $0 / 2 : nil }
            plan.messageNodes =
                counts.flatMap { count in
                    (0..<workers).map { worker in
                        let groups = Partition.range(of: worker, parts: workers, count: count)
                        return GradientSum.merges(of: groups.map { $0..<$0 + 1 }).roots.count
                    }
                }.max() ?? 0
        }
        return plan
    }
}
