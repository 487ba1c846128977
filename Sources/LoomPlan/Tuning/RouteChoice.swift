import LoomKernels

/// The sum and the route of all steps of a training.
struct RouteChoice {
    let sum: GradientSum
    let route: GradientRoute

    /// Chooses both for full batches in `shards`. The sum follows from shapes, and from the number of workers only if bits
    /// may depend on it.
    init(shapes: StepShapes, update: UpdateTraits, shards: ShardGrid, request: StepRequest) {
        let groups = Self.groups(shapes, shards: shards, request: request)
        sum = GradientSum(shards, groups: groups)
        route = Self.route(shapes, update: update, sum: sum, request: request)
    }

    // MARK: The sum

    /// As many groups as have enough samples where all their gradients together are small beside the activations and deltas of
    /// the batch. Otherwise two, so that two workers or teams of them can share the samples; or one, where the gradient is so
    /// large that forming it twice costs more than that saves.
    ///
    /// All numbers here are part of a result's bits, so none of them is tuned.
    private static func groups(_ shapes: StepShapes, shards: ShardGrid, request: StepRequest) -> Int {
        if let groups = request.groups { return groups }
        let most = request.mostGroups(shards)
        guard most > 1 else { return 1 }
        let ratio = gradientRatio(shapes, groups: most, batchRows: shards.batchRows)
        if ratio <= 0.3 { return most }
        // What halves are for is a copy of the parameters for each of two workers.
        let canHalve =
            request.gemmBackend.isPartitionInvariant && !request.packsFactors && (request.fixedWorkers ?? 2) == 2
        if canHalve, halvesPay(shapes, shards: shards) { return 2 }
        return ratio <= 0.6 ? most : 1
    }

    /// Elements of the gradients of all groups over those of inputs, activations and deltas of the batch.
    private static func gradientRatio(_ shapes: StepShapes, groups: Int, batchRows: Int) -> Double {
        Double(groups * shapes.elementCount) / Double(batchRows * shapes.elementsPerSample)
    }

    /// Whether two groups of up to 512 samples are worth their own products: two workers then read rows of their own only.
    private static func halvesPay(_ shapes: StepShapes, shards: ShardGrid) -> Bool {
        let halves = GradientSum(shards, groups: 2)
        return halves.groups == 2 && shards.batchRows >= 64 && shapes.elementCount * shapes.elementBytes <= 1 << 20
            && (0..<2).allSatisfy { halves.rows(of: $0..<$0 + 1).count <= GradientSum.chunkRows }
    }

    // MARK: The route

    private static func route(
        _ shapes: StepShapes, update: UpdateTraits, sum: GradientSum, request: StepRequest
    ) -> GradientRoute {
        let (workers, tuning) = (request.workers, request.tuning)
        let cutsFreely = request.cutsFreely
        if let route = request.route { return possible(route, update: update, sum: sum, request: request) }
        guard sum.groups > 1 else { return .partition }
        // Where products must not be cut, the gradient of a group is one product for each tensor, whoever forms it. A worker
        // that is alone forms it while its activations are in the cache, if those of the batch do not stay there
        // (4-32-16-4 with batches of 10,000 on Emerald Rapids: 0.88 of the speed with a partition).
        guard workers > 1 else {
            let batchBytes = sum.shards.batchRows * shapes.elementsPerSample * shapes.elementBytes
            return cutsFreely && batchBytes <= tuning.secondLevelCacheBytes ? .partition : .reduceScatter
        }
        guard feeds(workers, sum, tuning: tuning) || !cutsFreely else { return .partition }
        // Packed weights are there once.
        guard !request.packsFactors else { return .reduceScatter }
        let activations = sum.shards.batchRows * shapes.elementsPerSample
        // Of as many groups as the batch could have: the larger, the less a worker should write.
        let most = request.groups ?? GradientSum.mostGroups(sum.shards, fixedWorkers: nil)
        let ratio = gradientRatio(shapes, groups: most, batchRows: sum.shards.batchRows)
        let canAllReduce =
            update.isUniform && workers * shapes.elementCount <= tuning.allReduceElements
            && activations <= tuning.allReduceActivations
        let isShort = canAllReduce && activations <= tuning.shortStepActivations
        let sharesGradients =
            ratio <= (isShort ? tuning.sharedGradientRatioOfShortSteps : tuning.sharedGradientRatio)
        let canCopy =
            cutsFreely
            && shapes.elementCount * shapes.elementBytes <= tuning.copiedParameterBytes
        guard sharesGradients || !canCopy else { return .reduceScatterAllGather }
        return canAllReduce ? .allReduce : .reduceScatter
    }

    /// A group keeps one worker busy: whether all workers have about as many groups.
    private static func feeds(_ workers: Int, _ sum: GradientSum, tuning: StepTuning) -> Bool {
        let turns = (sum.groups + workers - 1) / workers
        return Double(turns * workers - sum.groups) <= tuning.idleFraction * Double(turns * workers)
    }

    /// The route asked for, or the next best one: a single group is the work of one worker, products that must not be cut
    /// are neither partitioned nor formed for others, and only a uniform update is one that each worker can do by itself.
    private static func possible(
        _ route: GradientRoute, update: UpdateTraits, sum: GradientSum, request: StepRequest
    ) -> GradientRoute {
        guard request.cutsFreely else {
            return switch route {
            case .partition where sum.groups == 1: .partition
            case .allReduce where update.isUniform: .allReduce
            default: .reduceScatter
            }
        }
        guard request.workers > 1, sum.groups > 1 else { return .partition }
        if request.packsFactors, route.copiesParameters { return .reduceScatter }
        return route == .allReduce && !update.isUniform ? .reduceScatter : route
    }
}
