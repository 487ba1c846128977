import LoomKernels
import LoomModel
import LoomPlan

/// One training step, for all workers: carries out the operations of a `StepProgram`.
///
/// What happens in which order is in the program, one file a route in `LoomPlan/Routes`; what one operation does is below,
/// in `perform(_:in:)`. A barrier follows each phase (`WorkerTeam`). Everything here is plain pointers and numbers: no locks,
/// no allocation, no reference counting inside a step.
struct TrainingStep<Scalar: LoomScalar>: PhasedWork, @unchecked Sendable {
    // Sendable: within a phase, no two workers write one line of memory, and none reads what another one writes; tests check
    // that for every program. The owner of the memory (`Trainer`) outlives every region.

    /// What all steps have in common.
    let setting: UnsafePointer<StepSetting<Scalar>>
    /// The programs of the full batch in even and odd steps, and those of a smaller last one.
    let programs: UnsafePointer<BoundProgram<Scalar>>
    /// Measures the time of every operation; nil: nobody does.
    var clock: WorkerClock?

    /// The program of `step`.
    @inline(__always)
    private func program(of step: Int) -> UnsafePointer<BoundProgram<Scalar>> {
        programs + (setting.pointee.epochs.isLastOfEpoch(step) ? 2 : 0) + (step & 1)
    }

    var phaseCount: Int { programs.pointee.phaseCount }
    var endsWithBarrier: Bool { programs.pointee.endsWithBarrier }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func perform(phase: Int, step: Int, worker: Int) {
        performOperations(phase: phase, step: step, worker: worker)
    }

    /// Apart from `perform`, whose unspecialised form looks up the types of its local variables before it finds the
    /// specialised one: 1 to 2 % of a step of a few microseconds.
    @inline(never)
    private func performOperations(phase: Int, step: Int, worker: Int) {
        let program = program(of: step)
        let isMeasured =
            clock?.enter(
                phase: phase, step: step,
                isFullBatch: program.pointee.shards.batchRows == programs.pointee.shards.batchRows, worker: worker)
            ?? false
        // A batch whose loss is not finite leaves the parameters as they were before the step.
        let isDiverged = phase > 0 && setting.pointee.control.isDiverged
        if isDiverged, phase > 1 { return }
        let (operations, firstSlot) = program.pointee.operations(
            phase: isDiverged ? program.pointee.phaseCount : phase, worker: worker)
        guard operations.count > 0 else { return }
        var context = StepContext(setting, program, phase: phase, step: step, worker: worker)
        for index in operations.indices {
            perform(operations[index], in: &context)
            if isMeasured { clock.unsafelyUnwrapped.lap(slot: firstSlot + index, worker: worker) }
        }
    }

    /// What one operation does.
    @inline(__always)
    private func perform(_ operation: BoundOperation<Scalar>, in context: inout StepContext<Scalar>) {
        switch operation {
        case .gather(let rows):
            context.feed.pointee.load(rows: rows.range, epoch: context.epoch, start: context.start)
        case .forward(let rows):
            context.network.forward(
                rows: rows.pointee.rows.range, layers: rows.pointee.layers.range, data: context.data,
                products: rows.pointee.products)
        case .loss(let shards):
            evaluateLoss(shards, in: &context)
        case .backward(let rows):
            context.network.backward(
                rows: rows.pointee.rows.range, layers: rows.pointee.layers.range, products: rows.pointee.products)
        case .weightGradient(let gradient):
            gradient.pointee.product.run(
                start: context.start, beta: gradient.pointee.accumulates ? 1 : 0, into: gradient.pointee.result,
                scratch: context.network.gemm.scratch)
        case .biasGradient(let gradient):
            if gradient.pointee.accumulates {
                Scalar.addColumnSums(gradient.pointee.deltas, to: gradient.pointee.result)
            } else {
                Scalar.columnSums(gradient.pointee.deltas, into: gradient.pointee.result)
            }
        case .fusedUpdate(let update):
            updateInProduct(update, in: &context)
        case .sum(let sum), .copy(let sum):
            Scalar.sum(sum.pointee.addends, first: sum.pointee.first, into: sum.pointee.result)
        case .penalty(let squares):
            store(squares, in: setting.pointee.control.penalties)
        case .noPenalty(let slices):
            // A batch of another size may have other slices, and have left there what belongs to weights.
            for place in slices.range { setting.pointee.control.penalties[place] = 0 }
        case .addPenalty(let penalty):
            addPenalty(penalty)
        case .squares(let squares):
            store(squares, in: setting.pointee.control.squaredNorms)
        case .update(let update):
            self.update(update, in: &context)
        case .prefetch(let parameters):
            parameters.pointee.prefetchForWriting()
        case .packedForward, .packedBackward, .packedGradient, .packedFusedUpdate, .packedUpdate:
            performPacked(operation, in: &context)
        }
    }

    // MARK: Operations

    @inline(__always)
    private func evaluateLoss(_ shards: IndexRange, in context: inout StepContext<Scalar>) {
        for shard in shards.range {
            var correct = 0
            let sum = setting.pointee.loss.evaluate(
                context.network, rows: context.shards.rows(of: shard..<shard + 1),
                targets: context.feed.pointee.batchTargets, scale: context.lossScale, correct: &correct)
            setting.pointee.control.shards[shard] = ShardResult(loss: sum, correct: correct)
        }
    }

    @inline(__always)
    func update(_ update: UnsafePointer<ParameterUpdate<Scalar>>, in context: inout StepContext<Scalar>) {
        Scalar.update(
            setting.pointee.optimizer.rule,
            update.pointee.isWeights ? context.weightSettings : context.biasSettings,
            weights: update.pointee.weights, gradients: update.pointee.gradients, addends: update.pointee.addends,
            firstState: update.pointee.firstState, secondState: update.pointee.secondState)
    }

    /// W ← W − η·G, or V ← μV + G and W ← W − η·V: what a product that adds to its result computes.
    @inline(__always)
    private func updateInProduct(
        _ update: UnsafePointer<FusedUpdate<Scalar>>, in context: inout StepContext<Scalar>
    ) {
        let scratch = context.network.gemm.scratch
        let learningRate = Scalar(context.weightSettings.learningRate)
        if let velocity = update.pointee.velocity {
            update.pointee.product.run(
                start: context.start, beta: Scalar(context.weightSettings.momentum), into: velocity,
                update: FusedWeightUpdate(weights: update.pointee.weights, learningRate: learningRate), scratch: scratch
            )
        } else {
            update.pointee.product.run(
                start: context.start, alpha: -learningRate, beta: 1, into: update.pointee.weights, scratch: scratch)
        }
    }

    /// gradient += 2λ · weights: one SGD update of the gradient by the weights at the rate −2λ.
    @inline(__always)
    private func addPenalty(_ penalty: UnsafePointer<PenaltyGradient<Scalar>>) {
        var settings = UpdateSettings()
        settings.learningRate = -2 * setting.pointee.l2
        Scalar.update(
            .sgd, settings, weights: penalty.pointee.gradient, gradients: penalty.pointee.weights.pointer,
            addends: Addends(), firstState: nil, secondState: nil)
    }

    /// Writes Σ of squares of each slice to its own place, to be added in the order of the slices.
    @inline(__always)
    private func store(_ squares: UnsafePointer<SliceSquares<Scalar>>, in sums: UnsafeMutablePointer<Double>) {
        let squares = squares.pointee
        for (place, slice) in squares.slices.range.enumerated() {
            let block = squares.grid.block(squares.grid.range(of: slice..<slice + 1), of: squares.tensor)
            sums[squares.firstPlace + place] = Scalar.sumOfSquares(block)
        }
    }

    // MARK: The end of a step

    /// Adds up the step's losses after all workers have passed their samples.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func endFirstPhase(step: Int) -> Bool {
        let program = program(of: step)
        let l2 = setting.pointee.l2
        return setting.pointee.control.endStep(
            step, beginsEpoch: setting.pointee.epochs.isFirstOfEpoch(step), shards: program.pointee.shards,
            slices: l2 == 0 ? 0 : program.pointee.sliceCount, l2: l2,
            lossScale: setting.pointee.loss.scale(samples: program.pointee.shards.batchRows))
    }
}

/// What all steps of a training have in common.
struct StepSetting<Scalar: LoomScalar>: BitwiseCopyable {
    /// One for each worker.
    let workers: UnsafePointer<WorkerHandle<Scalar>>
    let loss: Loss<Scalar>
    let l2: Double
    var optimizer: Optimizer
    let epochs: EpochLayout
    let control: StepControl
}

/// What the operations of one worker in one phase have in common.
struct StepContext<Scalar: LoomScalar> {
    let network: NetworkHandle<Scalar>
    /// The same worker's, if it trains in mixed precision.
    let mixedPrecision: MixedPrecisionHandle?
    let feed: UnsafePointer<FeedHandle<Scalar>>
    let shards: ShardGrid
    let epoch: Int
    /// The position in the epoch's order of the first sample.
    let start: Int
    /// The samples of the batch: rows × features.
    let data: MatrixView<Scalar>
    let lossScale: Double
    private(set) var biasSettings = UpdateSettings()
    private(set) var weightSettings = UpdateSettings()

    @inline(__always)
    init(
        _ setting: UnsafePointer<StepSetting<Scalar>>, _ program: UnsafePointer<BoundProgram<Scalar>>, phase: Int,
        step: Int, worker: Int
    ) {
        let handle = setting.pointee.workers + worker
        network = handle.pointee.network
        mixedPrecision = handle.pointee.mixedPrecision
        feed = handle.pointee.feed
        shards = program.pointee.shards
        epoch = setting.pointee.epochs.epoch(of: step)
        start = setting.pointee.epochs.start(of: step)
        data = feed.pointee.data(start: start, rows: shards.batchRows)
        lossScale = setting.pointee.loss.scale(samples: shards.batchRows)
        guard phase > 0 else { return }
        biasSettings = setting.pointee.optimizer.settings(step: step)
        if phase > 1 {
            let norm = setting.pointee.control.gradientNorm(slices: program.pointee.sliceCount)
            let clipNorm = setting.pointee.optimizer.clipNorm
            biasSettings.gradientScale = norm > clipNorm ? clipNorm / norm : 1
        }
        // After clipping the penalty is part of the gradient already.
        weightSettings = setting.pointee.optimizer.weightSettings(
            biasSettings, twiceL2: phase > 1 ? 0 : 2 * setting.pointee.l2)
    }
}
