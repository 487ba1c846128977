import LoomKernels
import LoomModel

/// One training step, for all workers: the two phases of a minibatch.
///
/// | phase | reads | writes (disjoint between workers) |
/// |---|---|---|
/// | shard | parameters, data | rows of activations and deltas, losses of its shards |
/// | slice | activations, deltas | its slices of gradient, parameters and optimizer state |
/// | update, only when clipping | gradient | its slices of parameters and optimizer state |
///
/// Two workers that exchange halves of the gradient (`TrainingStep+Slices.swift`) read rows of their own only: the shard
/// phase writes a gradient over the worker's copy of parameters that belong to the other one's slices, and the slice phase
/// reads it there and leaves the new parameters. In the form of columns (`GradientColumns`) the shard phase also writes the
/// gradients of its groups of shards, and the slice phase reads all of these instead of activations and deltas. With
/// replicas (`Replica`) the shard phase is the only one: each worker then finishes the step by itself.
///
/// A barrier follows every phase (`WorkerTeam`). Everything here is plain pointers and numbers: no locks, no
/// allocation, no reference counting inside a step.
struct TrainingStep<Scalar: LoomScalar>: PhasedWork, @unchecked Sendable {
    // Sendable: the table above is the argument; the owner of the memory (`Trainer`) outlives every region.

    /// One for each worker.
    let passes: UnsafePointer<WorkerPass<Scalar>>
    /// One for each worker, if each has its own parameters.
    let replicas: UnsafePointer<Replica<Scalar>>?
    let loss: Loss<Scalar>
    let l2: Double
    let optimizer: Optimizer
    /// What happens to the gradient.
    var gradientUse: GradientUse
    let epochs: EpochLayout
    /// The plans of the full batch and of a smaller last one.
    let fullBatch: StepPlanPass<Scalar>
    let lastBatch: StepPlanPass<Scalar>
    let progress: StepProgress

    enum GradientUse: BitwiseCopyable {
        /// The update follows each gradient product, while the slice is in the cache.
        case update
        /// The update waits for the norm of the whole gradient.
        case clipThenUpdate
        /// The gradient stays in its buffer, penalty included.
        case keep
    }

    var phaseCount: Int {
        switch gradientUse {
        case .update: replicas == nil ? 2 : 1
        case .clipThenUpdate: 3
        case .keep: 2
        }
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func perform(phase: Int, step: Int, worker: Int) {
        let plan = epochs.isLastOfEpoch(step) ? lastBatch : fullBatch
        switch phase {
        case 0: shardPhase(plan, step: step, worker: worker)
        case 1: slicePhase(plan, step: step, worker: worker)
        default: updatePhase(plan, step: step, worker: worker)
        }
    }

    /// Forward, loss and backward of the worker's shards, a block of shards at a time through all layers.
    private func shardPhase(_ plan: StepPlanPass<Scalar>, step: Int, worker: Int) {
        let run = plan.shardRuns[worker]
        guard run.firstShard < run.endShard else { return }
        let start = epochs.start(of: step)
        let batches = passes[worker].batches
        // All rows at once, though they are used block by block: gathering asks for rows ahead, and would begin anew with
        // every block.
        batches.load(
            rows: plan.grid.rows(of: run.firstShard..<run.endShard), epoch: epochs.epoch(of: step), start: start)
        let data = batches.data(start: start, rows: plan.grid.batchRows)
        let scale = loss.scale(samples: plan.grid.batchRows)
        var pass = passes[worker].network
        pass.callShapes = plan.callShapes
        for index in plan.blockStarts[worker]..<plan.blockStarts[worker + 1] {
            let block = plan.blocks[index]
            let rows = plan.grid.rows(of: block.firstShard..<block.endShard)
            pass.forward(rows: rows, data: data)
            for shard in block.firstShard..<block.endShard {
                var correct = 0
                let sum = loss.evaluate(
                    pass, rows: plan.grid.rows(of: shard..<shard + 1), targets: batches.batchTargets, scale: scale,
                    correct: &correct)
                progress.shards[shard] = ShardResult(loss: sum, correct: correct)
            }
            pass.backward(rows: rows)
            for piece in block.firstPiece..<block.endPiece {
                addToColumn(plan.columns, pass, plan.pieces[piece], data: data)
            }
        }
        if plan.exchangesHalves { sendHalf(plan, data: data, worker: worker) }
        guard plan.columns.count > 0 else { return }
        if let replicas {
            if gradientUse == .update { replicas[worker].send(plan.columns, step: step) }
        } else {
            askForSlices(plan, worker: worker)
        }
    }

    /// Asks for the parameters that the worker will write in the slice phase, and that others have just read: nobody
    /// passes a barrier before its stores are done (32-64-10 with batches of 64 on two cores of Zen 5: 2 % of the step).
    private func askForSlices(_ plan: StepPlanPass<Scalar>, worker: Int) {
        let firstCacheBytes = 32 << 10
        for index in plan.sliceStarts[worker]..<plan.sliceStarts[worker + 1] {
            let operation = plan.slices[index]
            let range = operation.grid.range(of: operation.firstSlice..<operation.endSlice)
            let parameters = operation.grid.block(range, of: operation.parameters)
            let bytes = parameters.rows * parameters.columns * MemoryLayout<Scalar>.stride
            if bytes <= firstCacheBytes { parameters.askForLines() }
        }
    }

    /// Adds the gradient of a piece of the batch to its column, or begins the column with it.
    private func addToColumn(
        _ columns: GradientColumns<Scalar>, _ pass: NetworkPass<Scalar>, _ piece: GradientPiece,
        data: MatrixView<Scalar>
    ) {
        let (rows, begins) = (piece.rows, piece.beginsColumn)
        for index in 0..<columns.tensorCount {
            let tensor = columns.tensors[index]
            let deltas = pass.deltas(of: tensor.layer).rows(rows)
            let result = columns.view(tensor, column: piece.column)
            switch tensor.role {
            case .bias: sumDeltas(deltas, begins: begins, into: result)
            case .weights:
                let x = pass.sourceOutputs(tensor.source, data: data).columns(tensor.sourceColumns.range).rows(rows)
                let (left, right) = tensor.isTransposed ? (x, deltas) : (deltas, x)
                pass.gemm.gradient(left, right, beta: begins ? 0 : 1, into: result)
            }
        }
    }

    /// The gradient of the worker's slices over the whole batch, and their update.
    private func slicePhase(_ plan: StepPlanPass<Scalar>, step: Int, worker: Int) {
        // Every worker adds the same numbers in the same order, so all agree; after a loss that is not finite nothing is
        // updated, and the parameters stay as they were before the step.
        guard progress.dataLoss(shards: plan.grid.count).loss.isFinite else {
            returnParameters(plan, worker: worker)
            return
        }
        let pass = passes[worker].network
        let data = passes[worker].batches.data(start: epochs.start(of: step), rows: plan.grid.batchRows)
        let biasSettings = optimizer.settings(step: step)
        let weightSettings = optimizer.weightSettings(biasSettings, twiceL2: 2 * l2)
        for index in plan.sliceStarts[worker]..<plan.sliceStarts[worker + 1] {
            let operation = plan.slices[index]
            let range = operation.grid.range(of: operation.firstSlice..<operation.endSlice)
            if l2 != 0 { notePenalty(operation) }
            if operation.role == .weights, foldsUpdate(plan) {
                updateInProduct(
                    plan, operation, range: range, data: data, pass: pass, worker: worker, settings: weightSettings)
                continue
            }
            var settings = operation.role == .weights ? weightSettings : biasSettings
            let gradients = formGradient(
                plan, operation, range: range, data: data, pass: pass, worker: worker, settings: &settings)
            switch gradientUse {
            case .update:
                update(operation, range: range, gradients: gradients, settings: settings)
            case .clipThenUpdate, .keep:
                if l2 != 0, operation.role == .weights {
                    addPenalty(of: operation.grid.block(range, of: operation.parameters), to: gradients)
                }
                noteSquares(of: operation.gradients, operation, in: progress.squaredNorms)
                if gradientUse == .keep { returnParameters(operation, range: range) }
            }
        }
    }

    /// With replicas: updates all parameters of the worker, unless the loss was not finite.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func finish(step: Int, worker: Int) {
        // Known since the barrier, and not written again before this worker is at the next one.
        guard let replicas, gradientUse == .update, progress.sums.pointee.divergedStep < 0 else { return }
        let plan = epochs.isLastOfEpoch(step) ? lastBatch : fullBatch
        replicas[worker].update(
            plan.columns, step: step, rule: optimizer.rule, settings: optimizer.settings(step: step))
    }

    /// Clipping by global norm: scales the gradient of the worker's slices and updates them.
    private func updatePhase(_ plan: StepPlanPass<Scalar>, step: Int, worker: Int) {
        guard progress.dataLoss(shards: plan.grid.count).loss.isFinite else { return }
        var squares = 0.0
        for unit in 0..<plan.unitCount {
            squares += progress.squaredNorms[unit]
        }
        let norm = squares.squareRoot()
        var biasSettings = optimizer.settings(step: step)
        biasSettings.gradientScale = norm > optimizer.clipNorm ? optimizer.clipNorm / norm : 1
        // The penalty is part of the clipped gradient already.
        let weightSettings = optimizer.weightSettings(biasSettings, twiceL2: 0)
        for index in plan.sliceStarts[worker]..<plan.sliceStarts[worker + 1] {
            let operation = plan.slices[index]
            let range = operation.grid.range(of: operation.firstSlice..<operation.endSlice)
            update(
                operation, range: range, gradients: operation.grid.block(range, of: operation.gradients),
                settings: operation.role == .weights ? weightSettings : biasSettings)
        }
    }

    /// gradient += 2λ · weights: one SGD update of the gradient by the weights at the rate −2λ.
    @inline(__always)
    private func addPenalty(of weights: MatrixView<Scalar>, to gradients: MatrixView<Scalar>) {
        var settings = UpdateSettings()
        settings.learningRate = -2 * l2
        Scalar.update(
            .sgd, settings, weights: gradients, gradients: weights.pointer, firstState: nil, secondState: nil)
    }

    /// Writes Σ of squares of the weights of each slice. A bias has no penalty, but its places must be written too: a batch
    /// of another size may have other slices, and have left there what belongs to weights.
    @inline(__always)
    private func notePenalty(_ operation: SliceOperation<Scalar>) {
        if operation.role == .weights {
            noteSquares(of: operation.parameters, operation, in: progress.penalties)
        } else {
            for slice in 0..<operation.endSlice - operation.firstSlice {
                progress.penalties[operation.firstUnit + slice] = 0
            }
        }
    }

    /// Writes Σ of squares of each slice of an operation to its own place, to be added in the order of the slices.
    @inline(__always)
    private func noteSquares(
        of tensor: MatrixView<Scalar>, _ operation: SliceOperation<Scalar>, in sums: UnsafeMutablePointer<Double>
    ) {
        for slice in operation.firstSlice..<operation.endSlice {
            let block = operation.grid.block(operation.grid.range(of: slice..<slice + 1), of: tensor)
            sums[operation.firstUnit + slice - operation.firstSlice] = Scalar.sumOfSquares(block)
        }
    }

    /// Adds up the step, after all workers have finished it.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func continues(after step: Int) -> Bool {
        let plan = epochs.isLastOfEpoch(step) ? lastBatch : fullBatch
        let (sum, correct) = progress.dataLoss(shards: plan.grid.count)
        var penalty = 0.0
        if l2 != 0, sum.isFinite {
            for unit in 0..<plan.unitCount {
                penalty += progress.penalties[unit]
            }
            penalty *= l2
        }
        return progress.finish(
            step: step, samples: plan.grid.batchRows, lossSum: sum, correct: correct,
            stepLoss: loss.scale(samples: plan.grid.batchRows) * sum + penalty, penalty: penalty)
    }
}
