// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The protocol documents its requirements; this is one call into C each.
import CKernels

extension Double: LoomScalar {
    @inlinable public static var precision: Precision { .float64 }

    @inlinable
    public static func planGemm(_ shape: UnsafePointer<loom_gemm_shape>, _ plan: UnsafeMutablePointer<loom_gemm_plan>) {
        loom_plan_gemm_f64(shape, nil, plan)
    }

    @inlinable
    public static func activate(
        _ activation: loom_activation, bias: UnsafePointer<Double>?, preActivations: MatrixView<Double>,
        outputs: MatrixView<Double>
    ) {
        assert(preActivations.stride == outputs.stride, "pre-activations and outputs have one stride")
        loom_activate_f64(
            activation, outputs.rows, outputs.columns, outputs.stride, bias, preActivations.pointer, outputs.pointer)
    }

    @inlinable
    public static func multiplyDerivative(
        _ activation: loom_activation, stored: MatrixView<Double>, deltas: MatrixView<Double>
    ) {
        assert(stored.stride == deltas.stride, "deltas and what they derive from have one stride")
        loom_multiply_derivative_f64(
            activation, deltas.rows, deltas.columns, deltas.stride, stored.pointer, deltas.pointer)
    }

    @inlinable
    public static func predict(
        _ map: loom_output_map, bias: UnsafePointer<Double>?, logits: MatrixView<Double>,
        prediction: MatrixView<Double>
    ) {
        loom_predict_f64(
            map, logits.rows, logits.columns, logits.stride, bias, logits.pointer, prediction.pointer)
    }

    @inlinable
    public static func softmaxCrossEntropy(
        bias: UnsafePointer<Double>?, logits: MatrixView<Double>, labels: UnsafePointer<Int32>, scale: Double,
        deltas: UnsafeMutablePointer<Double>?, correct: inout Int
    ) -> Double {
        loom_softmax_cross_entropy_labels_f64(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, labels, scale, deltas, &correct)
    }

    @inlinable
    public static func softmaxCrossEntropy(
        bias: UnsafePointer<Double>?, logits: MatrixView<Double>, targets: MatrixView<Double>, scale: Double,
        deltas: UnsafeMutablePointer<Double>?, correct: inout Int
    ) -> Double {
        loom_softmax_cross_entropy_f64(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride, scale,
            deltas, &correct)
    }

    @inlinable
    public static func sigmoidCrossEntropy(
        bias: UnsafePointer<Double>?, logits: MatrixView<Double>, targets: MatrixView<Double>, scale: Double,
        deltas: UnsafeMutablePointer<Double>?, correct: inout Int
    ) -> Double {
        loom_sigmoid_cross_entropy_f64(
            logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride, scale,
            deltas, &correct)
    }

    @inlinable
    public static func squaredError(
        _ map: loom_output_map, bias: UnsafePointer<Double>?, logits: MatrixView<Double>,
        targets: MatrixView<Double>, factor: Double, scale: Double, deltas: UnsafeMutablePointer<Double>?,
        correct: inout Int
    ) -> Double {
        loom_squared_error_f64(
            map, logits.rows, logits.columns, logits.stride, bias, logits.pointer, targets.pointer, targets.stride,
            factor, scale, deltas, &correct)
    }

    @inlinable
    public static func softmaxWeighted(
        components: Int, bias: UnsafePointer<Double>?, preActivations: MatrixView<Double>, outputs: MatrixView<Double>
    ) {
        loom_softmax_weighted_f64(
            outputs.rows, outputs.columns, components, preActivations.stride, bias, preActivations.pointer,
            outputs.stride, outputs.pointer)
    }

    @inlinable
    public static func softmaxWeightedDerivative(
        components: Int, preActivations: MatrixView<Double>, gradients: MatrixView<Double>, deltas: MatrixView<Double>
    ) {
        assert(preActivations.stride == deltas.stride, "deltas and what they derive from have one stride")
        loom_softmax_weighted_derivative_f64(
            deltas.rows, gradients.columns, components, deltas.stride, preActivations.pointer, gradients.stride,
            gradients.pointer, deltas.pointer)
    }

    @inlinable
    public static func squaredErrorOfSoftmaxWeighted(
        components: Int, bias: UnsafePointer<Double>?, logits: MatrixView<Double>, targets: MatrixView<Double>,
        factor: Double, scale: Double, deltas: UnsafeMutablePointer<Double>?
    ) -> Double {
        loom_squared_error_softmax_weighted_f64(
            logits.rows, logits.columns / components, components, logits.stride, bias, logits.pointer,
            targets.pointer, targets.stride, factor, scale, deltas)
    }

    @inlinable
    public static func columnSums(_ matrix: MatrixView<Double>, into sums: UnsafeMutablePointer<Double>) {
        loom_column_sums_f64(matrix.rows, matrix.columns, matrix.stride, matrix.pointer, sums)
    }

    @inlinable
    public static func addColumnSums(_ matrix: MatrixView<Double>, to sums: UnsafeMutablePointer<Double>) {
        loom_add_column_sums_f64(matrix.rows, matrix.columns, matrix.stride, matrix.pointer, sums)
    }

    public static func sum(_ addends: Addends, first: UnsafePointer<Double>, into sum: MatrixView<Double>) {
        loom_sum_addends_f64(
            addends.count, addends.list, sum.rows, sum.columns, sum.stride, first, sum.pointer, addends.mirrorCount,
            addends.mirrors)
    }

    @inlinable
    public static func sumOfSquares(_ matrix: MatrixView<Double>) -> Double {
        loom_sum_of_squares_f64(matrix.rows, matrix.columns, matrix.stride, matrix.pointer)
    }

    @inlinable
    public static func gatherRows(
        _ indices: UnsafePointer<UInt32>, of source: MatrixView<Double>, into destination: MatrixView<Double>
    ) {
        loom_gather_rows_f64(
            destination.rows, source.columns, source.pointer, source.stride, indices, destination.pointer,
            destination.stride)
    }

    public static func update(
        _ rule: UpdateRule, _ settings: UpdateSettings, weights: MatrixView<Double>,
        gradients: UnsafePointer<Double>, addends: Addends, firstState: UnsafeMutablePointer<Double>?,
        secondState: UnsafeMutablePointer<Double>?
    ) {
        var update = loom_update_f64(
            learning_rate: Double(settings.learningRate), gradient_scale: Double(settings.gradientScale),
            l2_twice: Double(settings.twiceL2), momentum: Double(settings.momentum),
            beta1: Double(settings.beta1), beta2: Double(settings.beta2), epsilon: Double(settings.epsilon),
            bias_correction1: Double(settings.biasCorrection1), bias_correction2: Double(settings.biasCorrection2),
            weight_decay: Double(settings.weightDecay), addends: addends.list,
            addend_count: addends.count, mirrors: addends.mirrors, mirror_count: addends.mirrorCount)
        let (rows, columns, stride) = (weights.rows, weights.columns, weights.stride)
        switch rule {
        case .sgd:
            loom_update_sgd_f64(&update, rows, columns, stride, weights.pointer, gradients)
        case .momentum:
            loom_update_momentum_f64(&update, rows, columns, stride, weights.pointer, gradients, firstState)
        case .nesterov:
            loom_update_nesterov_f64(&update, rows, columns, stride, weights.pointer, gradients, firstState)
        case .adam:
            loom_update_adam_f64(
                &update, rows, columns, stride, weights.pointer, gradients, firstState, secondState)
        }
    }
}
