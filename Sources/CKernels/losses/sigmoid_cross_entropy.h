// Sigmoid cross entropy: a decision of its own for every element.

// The lanes inside the matrix where the decision z >= 0 agrees with t >= ½.
LOOM_INLINE size_t FN(right_decisions)(Vector z, Vector t, Integers inside) {
    const Integers differ = (z >= (Scalar)0) ^ (t >= (Scalar)0.5);
    return (size_t)__builtin_popcount(FN(mask_bits)(~differ & inside));
}

LOOM_INLINE double FN(sigmoid_cross_entropy_rows)(size_t rows, size_t column_count, size_t stride,
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

static double FN(sigmoid_cross_entropy)(size_t rows, size_t columns, size_t stride, const void *bias, void *logits,
                                        const void *targets, size_t targets_stride, double scale, void *deltas,
                                        size_t *correct) {
    return FN(sigmoid_cross_entropy_rows)(rows, columns, stride, bias, logits, targets, targets_stride, scale, deltas,
                                          correct);
}
