// Softmax of rows of any width, one at a time.
//
// With M the largest z of a row, Σ exp(z - M) = 1 + S, where S leaves out one element that equals M. S is
// kept instead of the sum: log(1 + S) and the deltas then lose nothing when the largest element has almost
// all the probability.

typedef struct {
    Scalar maximum;   // M
    Scalar others;    // S
    uint32_t maxima;  // elements that equal M
} FN(SoftmaxRow);

// Writes the exponentials exp(z - M) to `exponentials` unless it is NULL; it may be the row itself.
LOOM_INLINE FN(SoftmaxRow) FN(softmax_row)(const FN(Columns) *columns, Scalar *row, Scalar *exponentials) {
    FN(SoftmaxRow) result;
    const Vector minus_infinity = (Scalar)-__builtin_inff();
    const Vector zero = 0;
    Vector largest = minus_infinity;
    LOOM_FOR_EACH_VECTOR(*columns, {
        const Vector z = FN(biased)(columns, row, j);
        if (columns->bias) { FN(store)(row + j, z); }
        largest = FN(larger)(FN(select)(inside, z, minus_infinity), largest);
    });
    result.maximum = FN(largest_lane)(largest);
    result.maxima = 0;
    FN(Positions) sums = FN(no_elements)();
    LOOM_FOR_EACH_PART(*columns, LOOM_PARTS, {
        const Vector z = FN(load)(row + j);
        const Vector e = FN(exp_of_nonpositive)(z - result.maximum);
        const Integers is_maximum = z == result.maximum;
        result.maxima += (uint32_t)__builtin_popcount(FN(mask_bits)(is_maximum & inside));
        sums.part[part] += FN(select)(inside & ~is_maximum, e, zero);
        if (exponentials) { FN(store)(exponentials + j, e); }
    });
    result.others = FN(sum_of_positions)(sums) + ((Scalar)result.maxima - (Scalar)1);
    return result;
}

// The exponentials of the vector at column j, from where softmax_row left them or anew.
LOOM_INLINE Vector FN(exponentials)(const FN(SoftmaxRow) *softmax, const Scalar *row,
                                    const Scalar *exponentials, size_t j) {
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

// What the losses of LANES rows are made of; the logarithms are taken together.
typedef struct {
    Scalar others[LANES] __attribute__((aligned(64)));
    Scalar factors[LANES] __attribute__((aligned(64)));
    Scalar offsets[LANES] __attribute__((aligned(64)));
} FN(LossBlock);

// sum + Σ of factor · log(1 + others) + offset over the first `count` rows of the block, in row order.
LOOM_INLINE double FN(add_losses)(const FN(LossBlock) *block, size_t count, double sum) {
    Scalar losses[LANES] __attribute__((aligned(64)));
    const Vector logarithms = FN(log1p_of_nonnegative)(FN(load)(block->others));
    FN(store)(losses, FN(multiply_add)(logarithms, FN(load)(block->factors), FN(load)(block->offsets)));
    for (size_t i = 0; i < count; i++) { sum += (double)losses[i]; }
    return sum;
}
