// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The protocol documents its requirements; this is one call into C each.
import CKernels

extension Float: LoomScalar {
    @inlinable public static var precision: Precision { .float32 }

    @inlinable
    public static func planGemm(_ shape: UnsafePointer<loom_gemm_shape>, _ plan: UnsafeMutablePointer<loom_gemm_plan>) {
        loom_plan_gemm_f32(shape, nil, plan)
    }

    @inlinable
    public static func activate(
        _ activation: loom_activation, bias: UnsafePointer<Float>?, preActivations: MatrixView<Float>,
        outputs: MatrixView<Float>
    ) {
        assert(preActivations.stride == outputs.stride, "pre-activations and outputs have one stride")
        loom_activate_f32(
            activation, outputs.rows, outputs.columns, outputs.stride, bias, preActivations.pointer, outputs.pointer)
    }

    @inlinable
    public static func multiplyDerivative(
        _ activation: loom_activation, stored: MatrixView<Float>, deltas: MatrixView<Float>
    ) {
        assert(stored.stride == deltas.stride, "deltas and what they derive from have one stride")
        loom_multiply_derivative_f32(
            activation, deltas.rows, deltas.columns, deltas.stride, stored.pointer, deltas.pointer)
    }

    @inlinable
    public static func predict(
        _ map: loom_output_map, bias: UnsafePointer<Float>?, logits: MatrixView<Float>,
        prediction: MatrixView<Float>
    ) {
        loom_predict_f32(
            map, logits.rows, logits.columns, logits.stride, bias, logits.pointer, prediction.pointer)
    }

    @inlinable
    public static func softmaxCrossEntropy(
        bias: UnsafePointer<Float>?, logits: MatrixView<Float>, labels: UnsafePointer<Int32>, scale: Float,
        deltas: UnsafeMutablePointer<Float>?, correct: inout Int
    ) -> Double {
        loom_softmax_cross_entropy_labels_f32(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, labels, scale, deltas, &correct)
    }

    @inlinable
    public static func softmaxCrossEntropy(
        bias: UnsafePointer<Float>?, logits: MatrixView<Float>, targets: MatrixView<Float>, scale: Float,
        deltas: UnsafeMutablePointer<Float>?, correct: inout Int
    ) -> Double {
        loom_softmax_cross_entropy_f32(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride, scale,
            deltas, &correct)
    }

    @inlinable
    public static func sigmoidCrossEntropy(
        bias: UnsafePointer<Float>?, logits: MatrixView<Float>, targets: MatrixView<Float>, scale: Float,
        deltas: UnsafeMutablePointer<Float>?, correct: inout Int
    ) -> Double {
        loom_sigmoid_cross_entropy_f32(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride, scale,
            deltas, &correct)
    }

    @inlinable
    public static func squaredError(
        _ map: loom_output_map, bias: UnsafePointer<Float>?, logits: MatrixView<Float>,
        targets: MatrixView<Float>, factor: Float, scale: Float, deltas: UnsafeMutablePointer<Float>?,
        correct: inout Int
    ) -> Double {
        loom_squared_error_f32(
            map, logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride,
            factor, scale, deltas, &correct)
    }

    @inlinable
    public static func softmaxWeighted(
        components: Int, bias: UnsafePointer<Float>?, preActivations: MatrixView<Float>, outputs: MatrixView<Float>
    ) {
        loom_softmax_weighted_f32(
            outputs.rows, outputs.columns, components, preActivations.stride, bias, preActivations.pointer,
            outputs.stride, outputs.pointer)
    }

    @inlinable
    public static func softmaxWeightedDerivative(
        components: Int, preActivations: MatrixView<Float>, gradients: MatrixView<Float>, deltas: MatrixView<Float>
    ) {
        assert(preActivations.stride == deltas.stride, "deltas and what they derive from have one stride")
        loom_softmax_weighted_derivative_f32(
            deltas.rows, gradients.columns, components, deltas.stride, preActivations.pointer, gradients.stride,
            gradients.pointer, deltas.pointer)
    }

    @inlinable
    public static func squaredErrorOfSoftmaxWeighted(
        components: Int, bias: UnsafePointer<Float>?, logits: MatrixView<Float>, targets: MatrixView<Float>,
        factor: Float, scale: Float, deltas: UnsafeMutablePointer<Float>?
    ) -> Double {
        loom_squared_error_softmax_weighted_f32(
            logits.rows, logits.columns / components, components, logits.stride, bias, logits.pointer,
            targets.pointer, targets.stride, factor, scale, deltas)
    }

    @inlinable
    public static func columnSums(_ matrix: MatrixView<Float>, into sums: UnsafeMutablePointer<Float>) {
        loom_column_sums_f32(matrix.rows, matrix.columns, matrix.stride, matrix.pointer, sums)
    }

    @inlinable
    public static func addColumnSums(_ matrix: MatrixView<Float>, to sums: UnsafeMutablePointer<Float>) {
        loom_add_column_sums_f32(matrix.rows, matrix.columns, matrix.stride, matrix.pointer, sums)
    }

    public static func sum(_ addends: Addends, first: UnsafePointer<Float>, into sum: MatrixView<Float>) {
        loom_sum_addends_f32(
            addends.count, addends.list, sum.rows, sum.columns, sum.stride, first, sum.pointer, addends.mirrorCount,
            addends.mirrors)
    }

    @inlinable
    public static func sumOfSquares(_ matrix: MatrixView<Float>) -> Double {
        loom_sum_of_squares_f32(matrix.rows, matrix.columns, matrix.stride, matrix.pointer)
    }

    @inlinable
    public static func gatherRows(
        _ indices: UnsafePointer<UInt32>, of source: MatrixView<Float>, into destination: MatrixView<Float>
    ) {
        loom_gather_rows_f32(
            destination.rows, source.columns, source.pointer, source.stride, indices, destination.pointer,
            destination.stride)
    }

    public static func update(
        _ rule: UpdateRule, _ settings: UpdateSettings, weights: MatrixView<Float>,
        gradients: UnsafePointer<Float>, addends: Addends, firstState: UnsafeMutablePointer<Float>?,
        secondState: UnsafeMutablePointer<Float>?
    ) {
        var update = loom_update_f32(
            learning_rate: Float(settings.learningRate), gradient_scale: Float(settings.gradientScale),
            l2_twice: Float(settings.twiceL2), momentum: Float(settings.momentum),
            beta1: Float(settings.beta1), beta2: Float(settings.beta2), epsilon: Float(settings.epsilon),
            bias_correction1: Float(settings.biasCorrection1), bias_correction2: Float(settings.biasCorrection2),
            weight_decay: Float(settings.weightDecay), addends: addends.list,
            addend_count: addends.count, mirrors: addends.mirrors, mirror_count: addends.mirrorCount)
        let (rows, columns, stride) = (weights.rows, weights.columns, weights.stride)
        switch rule {
        case .sgd:
            loom_update_sgd_f32(&update, rows, columns, stride, weights.pointer, gradients)
        case .momentum:
            loom_update_momentum_f32(&update, rows, columns, stride, weights.pointer, gradients, firstState)
        case .nesterov:
            loom_update_nesterov_f32(&update, rows, columns, stride, weights.pointer, gradients, firstState)
        case .adam:
            loom_update_adam_f32(
                &update, rows, columns, stride, weights.pointer, gradients, firstState, secondState)
        }
    }
}
