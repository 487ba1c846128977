import CKernels

/// The kernels on matrix views. Each is one call into C: shapes come from the views, and scale factors pass through `Double`,
/// which holds every `Float`. All are inlinable, so that code specialised for one format calls C directly. `kernels.h` says
/// what each computes to the last detail.
extension LoomScalar {
    /// Plans a product by the kernels of this package.
    @inlinable
    public static func planGemm(_ shape: UnsafePointer<loom_gemm_shape>, _ plan: UnsafeMutablePointer<loom_gemm_plan>) {
        kernels.pointee.plan_gemm(shape, nil, plan)
    }

    // MARK: Activations

    /// z = preActivations + bias, outputs = activation(z); both views may be the same matrix.
    @inlinable
    public static func activate(
        _ activation: ActivationKernel, bias: UnsafePointer<Self>?, preActivations: MatrixView<Self>,
        outputs: MatrixView<Self>
    ) {
        assert(preActivations.stride == outputs.stride, "pre-activations and outputs have one stride")
        kernels.pointee.activate(
            activation.cActivation, outputs.rows, outputs.columns, outputs.stride, bias, preActivations.pointer,
            outputs.pointer)
    }

    /// deltas ← deltas · activation′(z), from the outputs or pre-activations as the activation needs.
    @inlinable
    public static func multiplyDerivative(
        _ activation: ActivationKernel, stored: MatrixView<Self>, deltas: MatrixView<Self>
    ) {
        assert(stored.stride == deltas.stride, "deltas and what they derive from have one stride")
        kernels.pointee.multiply_derivative(
            activation.cActivation, deltas.rows, deltas.columns, deltas.stride, stored.pointer, deltas.pointer)
    }

    /// outputs = softmax(a)·a of units with `components` neighbouring columns a = preActivations + bias each; the outputs
    /// may lie at the start of the rows of the pre-activations.
    @inlinable
    public static func softmaxWeighted(
        components: Int, bias: UnsafePointer<Self>?, preActivations: MatrixView<Self>, outputs: MatrixView<Self>
    ) {
        kernels.pointee.softmax_weighted(
            outputs.rows, outputs.columns, components, preActivations.stride, bias, preActivations.pointer,
            outputs.stride, outputs.pointer)
    }

    /// deltas = gradients · ∂o/∂a: one gradient per unit, one delta per component.
    @inlinable
    public static func softmaxWeightedDerivative(
        components: Int, preActivations: MatrixView<Self>, gradients: MatrixView<Self>, deltas: MatrixView<Self>
    ) {
        assert(preActivations.stride == deltas.stride, "deltas and what they derive from have one stride")
        kernels.pointee.softmax_weighted_derivative(
            deltas.rows, gradients.columns, components, deltas.stride, preActivations.pointer, gradients.stride,
            gradients.pointer, deltas.pointer)
    }

    // MARK: Predictions and losses

    /// prediction = map(logits + bias).
    @inlinable
    public static func predict(
        _ map: PredictionKernel, bias: UnsafePointer<Self>?, logits: MatrixView<Self>, prediction: MatrixView<Self>
    ) {
        kernels.pointee.predict(
            map.cMap, logits.rows, logits.columns, logits.stride, bias, logits.pointer, prediction.pointer)
    }

    /// The sum of the samples' cross entropies against class indices; deltas = scale · ∂loss/∂z.
    @inlinable
    public static func softmaxCrossEntropy(
        bias: UnsafePointer<Self>?, logits: MatrixView<Self>, labels: UnsafePointer<Int32>, scale: Self,
        deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double {
        kernels.pointee.softmax_cross_entropy_labels(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, labels, Double(scale), deltas, &correct)
    }

    /// The sum of the samples' cross entropies against rows of class probabilities; deltas = scale · ∂loss/∂z.
    @inlinable
    public static func softmaxCrossEntropy(
        bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>, scale: Self,
        deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double {
        kernels.pointee.softmax_cross_entropy(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride,
            Double(scale), deltas, &correct)
    }

    /// The sum of the binary cross entropies of all units; deltas = scale · ∂loss/∂z.
    @inlinable
    public static func sigmoidCrossEntropy(
        bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>, scale: Self,
        deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double {
        kernels.pointee.sigmoid_cross_entropy(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride,
            Double(scale), deltas, &correct)
    }

    /// The sum of factor · ‖map(z) − target‖²; deltas = scale · ∂loss/∂z.
    @inlinable
    public static func squaredError(
        _ map: PredictionKernel, bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>,
        factor: Self, scale: Self, deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double {
        kernels.pointee.squared_error(
            map.cMap, logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride,
            Double(factor), Double(scale), deltas, &correct)
    }

    /// The sum of factor · ‖o − target‖² of softmax-weighted units; deltas = scale · ∂loss/∂a.
    @inlinable
    public static func squaredErrorOfSoftmaxWeighted(
        components: Int, bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>,
        factor: Self, scale: Self, deltas: UnsafeMutablePointer<Self>?
    ) -> Double {
        kernels.pointee.squared_error_softmax_weighted(
            logits.rows, logits.columns / components, components, logits.stride, bias, logits.pointer,
            targets.pointer, targets.stride, Double(factor), Double(scale), deltas)
    }

    // MARK: Sums

    /// sums[j] = Σ over rows of matrix[i, j].
    @inlinable
    public static func columnSums(_ matrix: MatrixView<Self>, into sums: UnsafeMutablePointer<Self>) {
        kernels.pointee.column_sums(matrix.rows, matrix.columns, matrix.stride, matrix.pointer, sums)
    }

    /// sums[j] += Σ over rows of matrix[i, j].
    @inlinable
    public static func addColumnSums(_ matrix: MatrixView<Self>, to sums: UnsafeMutablePointer<Self>) {
        kernels.pointee.add_column_sums(matrix.rows, matrix.columns, matrix.stride, matrix.pointer, sums)
    }

    /// sum = the sum of `addends`, the first of which is at `first`, along their tree; also written to their mirrors.
    @inlinable
    public static func sum(_ addends: Addends, first: UnsafePointer<Self>, into sum: MatrixView<Self>) {
        kernels.pointee.sum_addends(
            addends.count, addends.list, sum.rows, sum.columns, sum.stride, first, sum.pointer, addends.mirrorCount,
            addends.mirrors)
    }

    /// Σ of the squares of all elements.
    @inlinable
    public static func sumOfSquares(_ matrix: MatrixView<Self>) -> Double {
        kernels.pointee.sum_of_squares(matrix.rows, matrix.columns, matrix.stride, matrix.pointer)
    }

    // MARK: Samples

    /// destination row i = source row indices[i], for every row of the destination.
    @inlinable
    public static func gatherRows(
        _ indices: UnsafePointer<UInt64>, of source: MatrixView<Self>, into destination: MatrixView<Self>
    ) {
        kernels.pointee.gather_rows(
            destination.rows, source.columns, source.pointer, source.stride, indices, destination.pointer,
            destination.stride)
    }

    /// destination row i = the `destination.columns` elements from `source[starts[i]]` on, for every row of the destination.
    package static func gatherRows(
        from source: UnsafePointer<Self>, starts: UnsafePointer<UInt64>, into destination: MatrixView<Self>
    ) {
        kernels.pointee.gather_rows(
            destination.rows, destination.columns, source, 1, starts, destination.pointer, destination.stride)
    }

    // MARK: Updates

    /// One optimizer update of `weights`; gradients and states have the weights' shape and stride. `gradients` is the
    /// first of `addends`, whose mirrors get the new weights, too.
    @inlinable
    public static func update(
        _ rule: UpdateRule, _ settings: UpdateSettings, weights: MatrixView<Self>, gradients: UnsafePointer<Self>,
        addends: Addends = Addends(), firstState: UnsafeMutablePointer<Self>?,
        secondState: UnsafeMutablePointer<Self>?
    ) {
        var update = settings.cUpdate(addends)
        let run = rule.kernel(kernels)
        run(
            &update, weights.rows, weights.columns, weights.stride, weights.pointer, gradients, firstState,
            secondState)
    }
}

extension UpdateRule {
    /// The rule's kernel.
    @inlinable
    package func kernel(_ kernels: UnsafePointer<loom_kernels>) -> loom_update_function {
        switch self {
        case .sgd: kernels.pointee.update_sgd
        case .momentum: kernels.pointee.update_momentum
        case .nesterov: kernels.pointee.update_nesterov
        case .adam: kernels.pointee.update_adam
        }
    }
}

extension UpdateSettings {
    /// As C has it; `addends` live as long as it is used.
    @inlinable
    package func cUpdate(_ addends: Addends = Addends()) -> loom_update {
        loom_update(
            learning_rate: learningRate, gradient_scale: gradientScale, l2_twice: twiceL2, momentum: momentum,
            beta1: beta1, beta2: beta2, epsilon: epsilon, bias_correction1: biasCorrection1,
            bias_correction2: biasCorrection2, weight_decay: weightDecay, gradient_stride: 0, addends: addends.list,
            addend_count: addends.count, mirrors: addends.mirrors, mirror_count: addends.mirrorCount)
    }
}
