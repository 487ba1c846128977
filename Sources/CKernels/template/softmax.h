// Softmax of a row and the losses made of it.
//
// With M the largest z of a row, Σ exp(z - M) = 1 + S, where S leaves out one element that equals M. S is kept instead
// of the sum: log(1 + S) and the deltas then lose nothing when the largest element has almost all the probability.

typedef struct {
    Scalar maximum;      // M
    Scalar others;       // S
    uint32_t maxima;     // elements that equal M
    Vector exponentials; // exp(z - M) of a row that is one vector
} FN(SoftmaxRow);

// `one_vector` is a constant: such rows stay in a register. Longer rows have their exponentials written to
// `exponentials` unless it is NULL; it may be the row itself.
LOOM_INLINE FN(SoftmaxRow) FN(softmax_row)(const FN(Columns) *columns, _Bool one_vector, Scalar *row,
                                           Scalar *exponentials) {
    FN(SoftmaxRow) result;
    const Vector minus_infinity = (Scalar)-__builtin_inff();
    const Vector zero = 0;
    Vector largest = minus_infinity, only = zero;
    LOOM_FOR_EACH_VECTOR(*columns, {
        const Vector z = FN(biased)(columns, row, j);
        if (columns->bias) { FN(store)(row + j, z); }
        if (one_vector) { only = z; }
        largest = FN(larger)(FN(select)(inside, z, minus_infinity), largest);
    });
    result.maximum = FN(largest_lane)(largest);
    result.maxima = 0;
    result.exponentials = zero;
    Vector sum = zero;
    LOOM_FOR_EACH_VECTOR(*columns, {
        const Vector z = one_vector ? only : FN(load)(row + j);
        const Vector e = FN(exp_of_nonpositive)(z - result.maximum);
        const Integers is_maximum = z == result.maximum;
        result.maxima += (uint32_t)__builtin_popcount(FN(mask_bits)(is_maximum & inside));
        sum += FN(select)(inside & ~is_maximum, e, zero);
        if (one_vector) {
            result.exponentials = e;
        } else if (exponentials) {
            FN(store)(exponentials + j, e);
        }
    });
    result.others = FN(sum_of_lanes)(sum) + ((Scalar)result.maxima - (Scalar)1);
    return result;
}

// The exponentials of the vector at column j, from where softmax_row left them.
LOOM_INLINE Vector FN(exponentials)(const FN(SoftmaxRow) *softmax, _Bool one_vector, const Scalar *row,
                                    const Scalar *exponentials, size_t j) {
    if (one_vector) { return softmax->exponentials; }
    if (exponentials) { return FN(load)(exponentials + j); }
    return FN(exp_of_nonpositive)(FN(load)(row + j) - softmax->maximum);
}

// Whether `index` is where a row's largest element is: the lowest index on a tie.
LOOM_INLINE _Bool FN(is_first_maximum)(const FN(SoftmaxRow) *softmax, const Scalar *row, size_t index) {
    if (row[index] != softmax->maximum) { return 0; }
    if (softmax->maxima > 1) {
        for (size_t j = 0; j < index; j++) {
            if (row[j] == softmax->maximum) { return 0; }
        }
    }
    return 1;
}

// The lowest index of the largest element; 0 when all are NaN.
LOOM_INLINE size_t FN(first_maximum)(const FN(Columns) *columns, const Scalar *row) {
    const Vector minus_infinity = (Scalar)-__builtin_inff();
    Vector largest = minus_infinity;
    LOOM_FOR_EACH_VECTOR(*columns, {
        largest = FN(larger)(FN(select)(inside, FN(load)(row + j), minus_infinity), largest);
    });
    const Scalar maximum = FN(largest_lane)(largest);
    LOOM_FOR_EACH_VECTOR(*columns, {
        const uint32_t hits = FN(mask_bits)((FN(load)(row + j) == maximum) & inside);
        if (hits) { return j + (size_t)__builtin_ctz(hits); }
    });
    return 0;
}

// Rows whose logarithms are taken together.
#define LOOM_LOSS_BLOCK 64

// Σ of factor · log(1 + others) + offset, in row order.
LOOM_INLINE double FN(sum_of_losses)(size_t count, const Scalar *others, const Scalar *factors,
                                     const Scalar *offsets, double sum) {
    Scalar losses[LOOM_LOSS_BLOCK] __attribute__((aligned(64)));
    for (size_t i = 0; i < count; i += LANES) {
        const Vector logarithm = FN(log1p_of_nonnegative)(FN(load)(others + i));
        const Vector term = factors ? logarithm * FN(load)(factors + i) : logarithm;
        FN(store)(losses + i, term + FN(load)(offsets + i));
    }
    for (size_t i = 0; i < count; i++) { sum += (double)losses[i]; }
    return sum;
}

// MARK: Cross entropy with class indices

LOOM_INLINE double FN(cross_entropy_labels_rows)(
    _Bool one_vector, size_t rows, size_t column_count, size_t stride, const Scalar *bias,
    Scalar *logits, const int32_t *labels, Scalar scale, Scalar *deltas, size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    Scalar others[LOOM_LOSS_BLOCK] __attribute__((aligned(64))) = {0};
    Scalar offsets[LOOM_LOSS_BLOCK] __attribute__((aligned(64))) = {0};
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        Scalar *const delta_row = deltas ? deltas + i * stride : NULL;
        const size_t label = (size_t)labels[i], slot = i % LOOM_LOSS_BLOCK;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, one_vector, row, delta_row);
        const Scalar labelled = row[label];
        others[slot] = softmax.others;
        offsets[slot] = softmax.maximum - labelled;
        right += FN(is_first_maximum)(&softmax, row, label);
        if (deltas) {
            const Scalar factor = scale / ((Scalar)1 + softmax.others);
            LOOM_FOR_EACH_VECTOR(columns, {
                const Vector e = FN(exponentials)(&softmax, one_vector, row, delta_row, j);
                FN(store)(delta_row + j, e * factor);
            });
            // p - 1 = -S / (1 + S) where the label is the largest: no cancellation.
            delta_row[label] = labelled == softmax.maximum ? -softmax.others * factor
                                                           : delta_row[label] - scale;
        }
        if (slot == LOOM_LOSS_BLOCK - 1) {
            sum = FN(sum_of_losses)(LOOM_LOSS_BLOCK, others, NULL, offsets, sum);
        }
    }
    *correct += right;
    return FN(sum_of_losses)(rows % LOOM_LOSS_BLOCK, others, NULL, offsets, sum);
}

static double FN(softmax_cross_entropy_labels)(size_t rows, size_t columns, size_t stride,
                                               const Scalar *bias, Scalar *logits,
                                               const int32_t *labels, Scalar scale, Scalar *deltas,
                                               size_t *correct) {
    return columns <= LANES
        ? FN(cross_entropy_labels_rows)(1, rows, columns, stride, bias, logits, labels, scale, deltas, correct)
        : FN(cross_entropy_labels_rows)(0, rows, columns, stride, bias, logits, labels, scale, deltas, correct);
}

// MARK: Cross entropy with a distribution

LOOM_INLINE double FN(cross_entropy_rows)(
    _Bool one_vector, size_t rows, size_t column_count, size_t stride, const Scalar *bias,
    Scalar *logits, const Scalar *targets, size_t targets_stride, Scalar scale, Scalar *deltas,
    size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    Scalar others[LOOM_LOSS_BLOCK] __attribute__((aligned(64))) = {0};
    Scalar factors[LOOM_LOSS_BLOCK] __attribute__((aligned(64))) = {0};
    Scalar offsets[LOOM_LOSS_BLOCK] __attribute__((aligned(64))) = {0};
    const Vector zero = 0;
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        const Scalar *const target_row = targets + i * targets_stride;
        Scalar *const delta_row = deltas ? deltas + i * stride : NULL;
        const size_t slot = i % LOOM_LOSS_BLOCK;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, one_vector, row, delta_row);
        // log Σ exp(z) Σ t - Σ t z = log(1 + S) Σ t + Σ t (M - z)
        Vector target_sum = zero, offset = zero;
        LOOM_FOR_EACH_VECTOR(columns, {
            const Vector t = FN(select)(inside, FN(load)(target_row + j), zero);
            const Vector below = FN(select)(inside, softmax.maximum - FN(load)(row + j), zero);
            target_sum += t;
            offset = FN(multiply_add)(t, below, offset);
        });
        const Scalar total = FN(sum_of_lanes)(target_sum);
        others[slot] = softmax.others;
        factors[slot] = total;
        offsets[slot] = FN(sum_of_lanes)(offset);
        right += FN(is_first_maximum)(&softmax, row, FN(first_maximum)(&columns, target_row));
        if (deltas) {
            const Scalar factor = scale / ((Scalar)1 + softmax.others);
            LOOM_FOR_EACH_VECTOR(columns, {
                const Vector e = FN(exponentials)(&softmax, one_vector, row, delta_row, j);
                const Vector t = FN(load)(target_row + j);
                // p Σt - t = (e Σt - t - t S) / (1 + S): exact where e and t are 1.
                const Vector difference = FN(multiply_add)(e, total, -t);
                FN(store)(delta_row + j, FN(multiply_add)(-t, softmax.others, difference) * factor);
            });
        }
        if (slot == LOOM_LOSS_BLOCK - 1) {
            sum = FN(sum_of_losses)(LOOM_LOSS_BLOCK, others, factors, offsets, sum);
        }
    }
    *correct += right;
    return FN(sum_of_losses)(rows % LOOM_LOSS_BLOCK, others, factors, offsets, sum);
}

static double FN(softmax_cross_entropy)(size_t rows, size_t columns, size_t stride, const Scalar *bias,
                                        Scalar *logits, const Scalar *targets, size_t targets_stride,
                                        Scalar scale, Scalar *deltas, size_t *correct) {
    return columns <= LANES
        ? FN(cross_entropy_rows)(1, rows, columns, stride, bias, logits, targets, targets_stride, scale, deltas, correct)
        : FN(cross_entropy_rows)(0, rows, columns, stride, bias, logits, targets, targets_stride, scale, deltas, correct);
}
#undef LOOM_LOSS_BLOCK
