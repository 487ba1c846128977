import LoomKernels
import LoomModel

/// The gradient of slices over the whole batch, and their update.
///
/// A gradient is the sum of its pieces in their order (`StepPlan.pieces`). Where two workers exchange halves, each forms
/// those of its own half of the batch: first the other one's slices, which it writes over its own copy of these
/// parameters, for nothing reads them any more in this step; then, after a barrier, its own slices, whose updated
/// parameters it writes where the other one's half was. So both directions use the same lines of the cache, and each line
/// is written by who read it last.
extension TrainingStep {
    // MARK: Gradients

    /// Forms the gradient of some slices as far as their update does not. Returns it, or the first of its addends, which
    /// `settings` counts.
    @inline(__always)
    func formGradient(
        _ plan: StepPlanPass<Scalar>, _ operation: SliceOperation<Scalar>, range: Range<Int>,
        data: MatrixView<Scalar>, pass: NetworkPass<Scalar>, worker: Int, settings: inout UpdateSettings
    ) -> MatrixView<Scalar> {
        let gradients = operation.grid.block(range, of: operation.gradients)
        if let received = operation.otherParameters.map({ operation.grid.block(range, of: $0) }) {
            return formHalves(
                plan, operation, range: range, data: data, pass: pass, worker: worker, received: received,
                into: gradients, settings: &settings)
        }
        if plan.columns.count == 0 {
            formPieces(plan, operation, range: range, data: data, pass: pass, into: gradients)
        }
        guard plan.columns.count > 0 || plan.addendCount > 1 else { return gradients }
        if gradientUse == .update {
            // Added up by the update.
            settings.gradientCount = plan.addendCount
            settings.gradientDistance = plan.columns.distance
            return plan.columns.part(gradients, ofColumn: 0)
        }
        plan.columns.sum(plan.addendCount, into: gradients)
        return gradients
    }

    /// The sum of all pieces in their order, or those of the two halves of them, in the first two columns.
    @inline(__always)
    private func formPieces(
        _ plan: StepPlanPass<Scalar>, _ operation: SliceOperation<Scalar>, range: Range<Int>,
        data: MatrixView<Scalar>, pass: NetworkPass<Scalar>, into gradients: MatrixView<Scalar>
    ) {
        let half = plan.addendCount > 1 ? plan.pieceCount / 2 : plan.pieceCount
        for piece in 0..<plan.pieceCount {
            formPiece(
                operation, range: range, data: data, rows: plan.pieces[piece].rows, pass: pass,
                begins: piece == 0 || piece == half,
                into: plan.addendCount > 1 ? plan.columns.part(gradients, ofColumn: piece < half ? 0 : 1) : gradients)
        }
    }

    /// The worker's half of the batch, and the other one's, which is `received`. A batch of one piece is the first
    /// worker's.
    @inline(__always)
    private func formHalves(
        _ plan: StepPlanPass<Scalar>, _ operation: SliceOperation<Scalar>, range: Range<Int>,
        data: MatrixView<Scalar>, pass: NetworkPass<Scalar>, worker: Int, received: MatrixView<Scalar>,
        into gradients: MatrixView<Scalar>, settings: inout UpdateSettings
    ) -> MatrixView<Scalar> {
        guard worker < plan.pieceCount else {
            if gradientUse == .update { return received }
            copy(received, to: gradients)
            return gradients
        }
        formPiece(
            operation, range: range, data: data, rows: plan.pieces[worker].rows, pass: pass, begins: true,
            into: gradients)
        guard plan.pieceCount > 1 else { return gradients }
        if gradientUse == .update {
            settings.gradientCount = 2
            settings.gradientDistance = received.pointer - gradients.pointer
        } else {
            Scalar.sumMatrices(
                count: 2, distance: received.pointer - gradients.pointer, first: gradients.pointer, into: gradients)
        }
        return gradients
    }

    /// The gradient of some slices over some samples, which `result` begins with or which is added to it.
    @inline(__always)
    private func formPiece(
        _ operation: SliceOperation<Scalar>, range: Range<Int>, data: MatrixView<Scalar>, rows: Range<Int>,
        pass: NetworkPass<Scalar>, begins: Bool, into result: MatrixView<Scalar>
    ) {
        switch operation.role {
        case .bias:
            sumDeltas(pass.deltas(of: operation.layer).rows(rows).columns(range), begins: begins, into: result)
        case .weights:
            multiplyGradient(
                operation, range: range, data: data, rows: rows, pass: pass, beta: begins ? 0 : 1, into: result)
        }
    }

    /// Σᵢ δᵢ over some samples, which the gradient of a bias begins with or goes on with.
    @inline(__always)
    func sumDeltas(_ deltas: MatrixView<Scalar>, begins: Bool, into result: MatrixView<Scalar>) {
        if begins {
            Scalar.columnSums(deltas, into: result.pointer)
        } else {
            Scalar.addColumnSums(deltas, to: result.pointer)
        }
    }

    /// alpha · Σᵢ δᵢ xᵢᵀ over some samples of the batch, for some slices of a weight matrix, + beta · result.
    @inline(__always)
    private func multiplyGradient(
        _ operation: SliceOperation<Scalar>, range: Range<Int>, data: MatrixView<Scalar>, rows: Range<Int>,
        pass: NetworkPass<Scalar>, alpha: Scalar = 1, beta: Scalar = 0, into result: MatrixView<Scalar>,
        step: WeightStep<Scalar>? = nil
    ) {
        let deltas = pass.deltas(of: operation.layer).rows(rows)
        let x = pass.sourceOutputs(operation.source, data: data).columns(operation.sourceColumns.range).rows(rows)
        let (left, right) = operation.isTransposed ? (x, deltas) : (deltas, x)
        if operation.grid.axis == .rows {
            pass.gemm.gradient(left.columns(range), right, alpha: alpha, beta: beta, into: result, step: step)
        } else {
            pass.gemm.gradient(left, right.columns(range), alpha: alpha, beta: beta, into: result, step: step)
        }
    }

    // MARK: Updates

    /// Whether the update of weights is part of their gradient's product, so that no gradient is written and read again.
    ///
    /// W ← W − η·G and V ← μV + G are what a product that adds to its result computes. Only products whose bits do not
    /// depend on cuts are used in this way: the plan's tests of the others are about products that overwrite.
    func foldsUpdate(_ plan: StepPlanPass<Scalar>) -> Bool {
        gradientUse == .update && l2 == 0 && passes[0].network.gemm.provider.keepsBitsWhenCut
            && (optimizer.rule == .sgd || optimizer.rule == .momentum)
            && plan.isSliced
    }

    /// Updates some slices of weights by one piece of the batch after the other, and the other worker's copy of them.
    @inline(__always)
    func updateInProduct(
        _ plan: StepPlanPass<Scalar>, _ operation: SliceOperation<Scalar>, range: Range<Int>,
        data: MatrixView<Scalar>, pass: NetworkPass<Scalar>, worker: Int, settings: UpdateSettings
    ) {
        let received = operation.otherParameters.map { operation.grid.block(range, of: $0) }
        let ownPieces = received == nil ? plan.pieceCount : worker < plan.pieceCount ? 1 : 0
        var settings = settings
        for index in 0..<ownPieces {
            // Of two halves, that of the first worker's samples comes first for its slices, and last for the others.
            let piece = operation.beginsWithSecondHalf && plan.pieceCount > 1 ? 1 - index : index
            addProduct(
                operation, range: range, data: data, rows: plan.pieces[piece].rows, pass: pass,
                ends: index == plan.pieceCount - 1, settings: settings)
            settings.momentum = 1
        }
        if let received, ownPieces < plan.pieceCount {
            update(operation, range: range, gradients: received, settings: settings)
        } else {
            returnParameters(operation, range: range)
        }
    }

    /// Adds a piece's gradient to weights, or to velocities and, if the piece `ends` the gradient, these to weights.
    @inline(__always)
    private func addProduct(
        _ operation: SliceOperation<Scalar>, range: Range<Int>, data: MatrixView<Scalar>, rows: Range<Int>,
        pass: NetworkPass<Scalar>, ends: Bool, settings: UpdateSettings
    ) {
        let parameters = operation.grid.block(range, of: operation.parameters)
        let learningRate = Scalar(settings.learningRate)
        if let velocities = operation.firstState {
            multiplyGradient(
                operation, range: range, data: data, rows: rows, pass: pass, beta: Scalar(settings.momentum),
                into: operation.grid.block(range, of: velocities),
                step: ends ? WeightStep(weights: parameters, learningRate: learningRate) : nil)
        } else {
            multiplyGradient(
                operation, range: range, data: data, rows: rows, pass: pass, alpha: -learningRate, beta: 1,
                into: parameters)
        }
    }

    /// One update of some slices, and of the other worker's copy of them.
    @inline(__always)
    func update(
        _ operation: SliceOperation<Scalar>, range: Range<Int>, gradients: MatrixView<Scalar>,
        settings: UpdateSettings
    ) {
        var settings = settings
        if let other = operation.otherParameters {
            settings.copyDistance = other.pointer - operation.parameters.pointer
        }
        Scalar.update(
            optimizer.rule, settings, weights: operation.grid.block(range, of: operation.parameters),
            gradients: gradients.pointer,
            firstState: operation.firstState.map { operation.grid.block(range, of: $0).pointer },
            secondState: operation.secondState.map { operation.grid.block(range, of: $0).pointer })
    }

    // MARK: Exchange

    /// Writes the gradient of the worker's half of the batch, for the other one's slices, over the worker's copy of these
    /// parameters.
    func sendHalf(_ plan: StepPlanPass<Scalar>, data: MatrixView<Scalar>, worker: Int) {
        let other = 1 - worker
        for index in plan.sliceStarts[other]..<plan.sliceStarts[other + 1] {
            let operation = plan.slices[index]
            let range = operation.grid.range(of: operation.firstSlice..<operation.endSlice)
            formPiece(
                operation, range: range, data: data, rows: plan.pieces[worker].rows, pass: passes[worker].network,
                begins: true, into: operation.grid.block(range, of: operation.otherParameters!))
        }
    }

    /// Makes the other worker's copies of the worker's slices equal to its own.
    func returnParameters(_ plan: StepPlanPass<Scalar>, worker: Int) {
        guard plan.exchangesHalves else { return }
        for index in plan.sliceStarts[worker]..<plan.sliceStarts[worker + 1] {
            let operation = plan.slices[index]
            returnParameters(operation, range: operation.grid.range(of: operation.firstSlice..<operation.endSlice))
        }
    }

    /// Makes the other worker's copy of some slices equal to those of `operation`, where there is one.
    @inline(__always)
    func returnParameters(_ operation: SliceOperation<Scalar>, range: Range<Int>) {
        guard let other = operation.otherParameters else { return }
        copy(operation.grid.block(range, of: operation.parameters), to: operation.grid.block(range, of: other))
    }

    @inline(__always)
    private func copy(_ source: MatrixView<Scalar>, to destination: MatrixView<Scalar>) {
        Scalar.sumMatrices(count: 1, distance: 0, first: source.pointer, into: destination)
    }
}
