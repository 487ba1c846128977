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

    /// One for each worker.
    let passes: UnsafePointer<WorkerPass<Scalar>>
    let loss: Loss<Scalar>
    let l2: Double
    let optimizer: Optimizer
    let epochs: EpochLayout
    /// The programs of the full batch and of a smaller last one, each for even and for odd steps.
    var fullBatch, lastBatch: (even: BoundProgram<Scalar>, odd: BoundProgram<Scalar>)
    let control: StepControl
    /// Measures the time of every operation; nil: nobody does.
    var clock: WorkerClock?

    /// The program of `step`.
    @inline(__always)
    private func program(of step: Int) -> BoundProgram<Scalar> {
        let programs = epochs.isLastOfEpoch(step) ? lastBatch : fullBatch
        return step & 1 == 0 ? programs.even : programs.odd
    }

    var phaseCount: Int { fullBatch.even.phaseCount }
    var endsWithBarrier: Bool { fullBatch.even.endsWithBarrier }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func perform(phase: Int, step: Int, worker: Int) {
        clock?.lap(.wait, worker: worker)
        let program = program(of: step)
        // A batch whose loss is not finite leaves the parameters as they were before the step.
        let isDiverged = phase > 0 && control.isDiverged
        if isDiverged, phase > 1 { return }
        let operations = program.operations(phase: isDiverged ? program.phaseCount : phase, worker: worker)
        guard operations.count > 0 else { return }
        var context = StepContext(self, program, phase: phase, step: step, worker: worker)
        for index in operations.indices {
            perform(operations[index], in: &context)
            clock?.lap(operations[index].kind, worker: worker)
        }
    }

    /// What one operation does.
    @inline(__always)
    private func perform(_ operation: BoundOperation<Scalar>, in context: inout StepContext<Scalar>) {
        switch operation {
        case .gather(let rows):
            context.batches.load(rows: rows.range, epoch: context.epoch, start: context.start)
        case .forward(let rows):
            context.network.forward(rows: rows.range, data: context.data)
        case .loss(let shards):
            evaluateLoss(shards, in: context)
        case .backward(let rows):
            context.network.backward(rows: rows.range)
        case .weightGradient(let product, let result, let accumulates):
            let (left, right) = product.factors(start: context.start)
            context.network.gemm.gradient(left, right, beta: accumulates ? 1 : 0, into: result)
        case .biasGradient(let deltas, let result, let accumulates):
            if accumulates {
                Scalar.addColumnSums(deltas, to: result)
            } else {
                Scalar.columnSums(deltas, into: result)
            }
        case .fusedUpdate(let product, let weights, let velocity):
            updateInProduct(product, weights: weights, velocity: velocity, in: context)
        case .sum(let first, let addends, let result):
            Scalar.sum(addends, first: first, into: result)
        case .penalty(let squares):
            store(squares, in: control.penalties)
        case .noPenalty(let slices):
            // A batch of another size may have other slices, and have left there what belongs to weights.
            for place in slices.range { control.penalties[place] = 0 }
        case .addPenalty(let weights, let gradient):
            addPenalty(of: weights, to: gradient)
        case .squares(let squares):
            store(squares, in: control.squaredNorms)
        case .update(let update):
            Scalar.update(
                optimizer.rule, update.isWeights ? context.weightSettings : context.biasSettings,
                weights: update.weights, gradients: update.gradients, addends: update.addends,
                firstState: update.firstState, secondState: update.secondState)
        case .copy(let parameters, let mirrors):
            Scalar.sum(mirrors, first: parameters.pointer, into: parameters)
        case .prefetch(let parameters):
            parameters.askForLines()
        }
    }

    // MARK: Operations

    @inline(__always)
    private func evaluateLoss(_ shards: IndexRange, in context: StepContext<Scalar>) {
        for shard in shards.range {
            var correct = 0
            let sum = loss.evaluate(
                context.network, rows: context.shards.rows(of: shard..<shard + 1),
                targets: context.batches.batchTargets,
                scale: context.lossScale, correct: &correct)
            control.shards[shard] = ShardResult(loss: sum, correct: correct)
        }
    }

    /// W ← W − η·G, or V ← μV + G and W ← W − η·V: what a product that adds to its result computes.
    @inline(__always)
    private func updateInProduct(
        _ product: GradientProduct<Scalar>, weights: MatrixView<Scalar>, velocity: MatrixView<Scalar>?,
        in context: StepContext<Scalar>
    ) {
        let (left, right) = product.factors(start: context.start)
        let learningRate = Scalar(context.weightSettings.learningRate)
        if let velocity {
            context.network.gemm.gradient(
                left, right, beta: Scalar(context.weightSettings.momentum), into: velocity,
                step: WeightStep(weights: weights, learningRate: learningRate))
        } else {
            context.network.gemm.gradient(left, right, alpha: -learningRate, beta: 1, into: weights)
        }
    }

    /// gradient += 2λ · weights: one SGD update of the gradient by the weights at the rate −2λ.
    @inline(__always)
    private func addPenalty(of weights: MatrixView<Scalar>, to gradient: MatrixView<Scalar>) {
        var settings = UpdateSettings()
        settings.learningRate = -2 * l2
        Scalar.update(
            .sgd, settings, weights: gradient, gradients: weights.pointer, addends: Addends(), firstState: nil,
            secondState: nil)
    }

    /// Writes Σ of squares of each slice to its own place, to be added in the order of the slices.
    @inline(__always)
    private func store(_ squares: SliceSquares<Scalar>, in sums: UnsafeMutablePointer<Double>) {
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
        return control.endStep(
            step, shards: program.shards, slices: l2 == 0 ? 0 : program.sliceCount, l2: l2,
            lossScale: loss.scale(samples: program.shards.batchRows))
    }
}

/// What the operations of one worker in one phase have in common.
struct StepContext<Scalar: LoomScalar> {
    let network: NetworkPass<Scalar>
    let batches: BatchSource<Scalar>
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
    init(_ step: TrainingStep<Scalar>, _ program: BoundProgram<Scalar>, phase: Int, step number: Int, worker: Int) {
        var network = step.passes[worker].network
        network.callShapes = program.callShapes
        self.network = network
        batches = step.passes[worker].batches
        shards = program.shards
        epoch = step.epochs.epoch(of: number)
        start = step.epochs.start(of: number)
        data = batches.data(start: start, rows: shards.batchRows)
        lossScale = step.loss.scale(samples: shards.batchRows)
        guard phase > 0 else { return }
        biasSettings = step.optimizer.settings(step: number)
        if phase > 1 {
            let norm = step.control.gradientNorm(slices: program.sliceCount)
            biasSettings.gradientScale = norm > step.optimizer.clipNorm ? step.optimizer.clipNorm / norm : 1
        }
        // After clipping the penalty is part of the gradient already.
        weightSettings = step.optimizer.weightSettings(biasSettings, twiceL2: phase > 1 ? 0 : 2 * step.l2)
    }
}
