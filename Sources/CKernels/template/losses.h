// Predictions, sigmoid cross entropy and the squared errors.

// MARK: Predictions

LOOM_INLINE void FN(softmax_rows)(size_t rows, size_t column_count, size_t stride, const Scalar *bias,
                                  Scalar *logits, Scalar *prediction) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        Scalar *const output_row = prediction + i * stride;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, row, output_row);
        const Vector sum = (Scalar)1 + softmax.others;
        LOOM_FOR_EACH_VECTOR(columns, {
            FN(store)(output_row + j, FN(load)(output_row + j) / sum);
        });
    }
}

static void FN(predict)(loom_output_map map, size_t rows, size_t columns, size_t stride,
                        const Scalar *bias, Scalar *logits, Scalar *prediction) {
    switch (map) {
    case LOOM_OUTPUT_SIGMOID:
        FN(activate_rows)(LOOM_SIGMOID, rows, columns, stride, bias, logits, prediction);
        break;
    case LOOM_OUTPUT_SOFTMAX:
        FN(softmax_rows)(rows, columns, stride, bias, logits, prediction);
        break;
    default:
        FN(activate_rows)(LOOM_IDENTITY, rows, columns, stride, bias, logits, prediction);
        break;
    }
}

// MARK: Sigmoid cross entropy

// The lanes inside the matrix where the decision z >= 0 agrees with t >= ½.
LOOM_INLINE size_t FN(right_decisions)(Vector z, Vector t, Integers inside) {
    const Integers differ = (z >= (Scalar)0) ^ (t >= (Scalar)0.5);
    return (size_t)__builtin_popcount(FN(mask_bits)(~differ & inside));
}

static double FN(sigmoid_cross_entropy)(size_t rows, size_t column_count, size_t stride,
                                        const Scalar *bias, Scalar *logits, const Scalar *targets,
                                        size_t targets_stride, Scalar scale, Scalar *deltas,
                                        size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    const Vector zero = 0, one = (Scalar)1;
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        const Scalar *const target_row = targets + i * targets_stride;
        FN(Positions) losses = FN(no_elements)();
        LOOM_FOR_EACH_PART(columns, LOOM_PARTS, {
            const Vector z = FN(biased)(&columns, row, j);
            const Vector t = FN(load)(target_row + j);
            if (bias) { FN(store)(row + j, z); }
            const Vector e = FN(exp_of_nonpositive)(-FN(magnitude)(z));
            const Vector linear = FN(larger)(zero, z) - t * z;
            losses.part[part] += FN(select)(inside, linear + FN(log1p_up_to_one)(e), zero);
            right += FN(right_decisions)(z, t, inside);
            if (deltas) {
                // sigmoid(z) - t = ((1-t) - t e) / (1+e) for z >= 0, ((1-t) e - t) / (1+e) below: no
                // cancellation where t is 0 or 1.
                const Integers positive = z >= zero;
                const Vector constant = FN(select)(positive, one - t, -t);
                const Vector slope = FN(select)(positive, -t, one - t);
                const Vector numerator = FN(multiply_add)(slope, e, constant);
                FN(store)(deltas + i * stride + j, numerator / (one + e) * scale);
            }
        });
        sum += (double)FN(sum_of_positions)(losses);
    }
    *correct += right;
    return sum;
}

// MARK: Squared errors

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
                                const Scalar *bias, Scalar *logits, const Scalar *targets,
                                size_t targets_stride, Scalar factor, Scalar scale, Scalar *deltas,
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
