// The sum of the squares of a matrix, in double precision.

typedef double FN(Doubles) __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / sizeof(Scalar))));

// Over 32 positions instead of 16: with AVX-512, as many chains of additions as keep the processor busy.
static double FN(sum_of_squares)(size_t rows, size_t column_count, size_t stride, const void *m) {
    enum { parts = 2 * LOOM_PARTS };
    if (column_count == stride) {
        column_count *= rows;
        rows = rows > 0;
    }
    const FN(Columns) columns = FN(columns)(column_count, NULL);
    const Vector zero = 0;
    FN(Doubles) sums[parts];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < parts; i++) { sums[i] = 0; }
    for (size_t i = 0; i < rows; i++) {
        const Scalar *const row = (const Scalar *)m + i * stride;
        LOOM_FOR_EACH_PART(columns, parts, {
            const Vector element = FN(select)(inside, FN(load)(row + j), zero);
            const FN(Doubles) x = __builtin_convertvector(element, FN(Doubles));
            sums[part] += x * x;
        });
    }
    LOOM_FOLD_VECTORS(sums, parts);
    return LOOM_FOLD(sums[0], LOOM_ADD);
}
