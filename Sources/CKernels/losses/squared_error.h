// Squared errors of predictions.

// factor · Σ (map(z) - t)² for an element-wise map; `map` is a constant.
LOOM_INLINE double FN(squared_error_elements)(
    loom_output_map map, size_t rows, size_t column_count, size_t stride, const Scalar *bias,
    Scalar *logits, const Scalar *targets, size_t targets_stride, Scalar factor, Scalar scale,
    Scalar *deltas, size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    const Vector zero = 0, one = (Scalar)1;
    const Scalar slope = (Scalar)2 * factor * scale;
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        const Scalar *const target_row = targets + i * targets_stride;
        FN(Positions) squares = FN(no_elements)();
        LOOM_FOR_EACH_PART(columns, LOOM_PARTS, {
            const Vector z = FN(biased)(&columns, row, j);
            const Vector t = FN(load)(target_row + j);
            if (bias) { FN(store)(row + j, z); }
            const Vector y = map == LOOM_OUTPUT_SIGMOID ? FN(sigmoid)(z) : z;
            const Vector error = FN(select)(inside, y - t, zero);
            squares.part[part] = FN(multiply_add)(error, error, squares.part[part]);
            if (map == LOOM_OUTPUT_SIGMOID) { right += FN(right_decisions)(z, t, inside); }
            if (deltas) {
                const Vector derivative = map == LOOM_OUTPUT_SIGMOID ? y * (one - y) : one;
                FN(store)(deltas + i * stride + j, error * derivative * slope);
            }
        });
        sum += (double)(FN(sum_of_positions)(squares) * factor);
    }
    *correct += right;
    return sum;
}

static double FN(squared_error_softmax)(
    size_t rows, size_t column_count, size_t stride, const Scalar *bias, Scalar *logits,
    const Scalar *targets, size_t targets_stride, Scalar factor, Scalar scale, Scalar *deltas,
    size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    const Vector zero = 0;
    const Scalar slope = (Scalar)2 * factor * scale;
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        const Scalar *const target_row = targets + i * targets_stride;
        Scalar *const delta_row = deltas ? deltas + i * stride : NULL;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, row, delta_row);
        const Vector total = (Scalar)1 + softmax.others;
        FN(Positions) squares = FN(no_elements)(), mean = FN(no_elements)();
        LOOM_FOR_EACH_PART(columns, LOOM_PARTS, {
            const Vector y = FN(exponentials)(&softmax, row, delta_row, j) / total;
            const Vector error = FN(select)(inside, y - FN(load)(target_row + j), zero);
            squares.part[part] = FN(multiply_add)(error, error, squares.part[part]);
            const Vector sum = FN(multiply_add)(y, error, mean.part[part]);
            mean.part[part] = FN(select)(inside, sum, mean.part[part]);
        });
        sum += (double)(FN(sum_of_positions)(squares) * factor);
        right += FN(is_first_maximum)(&softmax, row, FN(first_maximum)(&columns, target_row));
        if (deltas) {
            // The softmax's Jacobian: ∂loss/∂z_j = 2 factor y_j (error_j - Σ y error).
            const Scalar mean_error = FN(sum_of_positions)(mean);
            LOOM_FOR_EACH_VECTOR(columns, {
                const Vector y = FN(load)(delta_row + j) / total;
                const Vector error = y - FN(load)(target_row + j);
                FN(store)(delta_row + j, y * (error - mean_error) * slope);
            });
        }
    }
    *correct += right;
    return sum;
}

static double FN(squared_error)(loom_output_map map, size_t rows, size_t columns, size_t stride,
                                const void *bias, void *logits, const void *targets,
                                size_t targets_stride, double factor, double scale, void *deltas,
                                size_t *correct) {
    switch (map) {
    case LOOM_OUTPUT_SOFTMAX:
        return FN(squared_error_softmax)(rows, columns, stride, bias, logits, targets, targets_stride,
                                         factor, scale, deltas, correct);
    case LOOM_OUTPUT_SIGMOID:
        return FN(squared_error_elements)(LOOM_OUTPUT_SIGMOID, rows, columns, stride, bias, logits,
                                          targets, targets_stride, factor, scale, deltas, correct);
    default:
        return FN(squared_error_elements)(LOOM_OUTPUT_IDENTITY, rows, columns, stride, bias, logits,
                                          targets, targets_stride, factor, scale, deltas, correct);
    }
}
