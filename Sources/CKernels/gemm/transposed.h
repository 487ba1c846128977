// A tile of sums whose C lies transposed: `columns` rows of C, each of `rows` elements, and the weights likewise.

typedef struct {
    Scalar *c;
    size_t c_stride;
    Scalar *weights;  // that follow C as their velocity, or NULL
    size_t weights_stride;
    Scalar learning_rate, alpha, beta;
} FN(TransposedResult);

// `sums` has rows of `sums_stride` elements, whole vectors.
LOOM_INLINE void FN(store_transposed)(const Scalar *sums, size_t sums_stride, size_t rows, size_t columns,
                                      const FN(TransposedResult) *result) {
    const Vector alpha = result->alpha, beta = result->beta;
    const _Bool overwrites = result->beta == 0;
    for (size_t start = 0; start < rows; start += LANES) {
        const size_t count = rows - start < LANES ? rows - start : LANES;
        for (size_t j = 0; j < columns; j += LANES) {
            Vector lines[LANES];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < LANES; i++) {
                lines[i] = i < count ? FN(load)(sums + (start + i) * sums_stride + j) : (Vector)0;
            }
            FN(transpose)(lines);
            const size_t lines_of_c = columns - j < LANES ? columns - j : LANES;
            for (size_t i = 0; i < lines_of_c; i++) {
                Scalar *const c = result->c + (j + i) * result->c_stride + start;
                const Vector value = overwrites
                    ? lines[i] * alpha : FN(multiply_add)(lines[i], alpha, FN(load_first)(c, count) * beta);
                FN(store_first)(c, value, count);
                if (!result->weights) { continue; }
                Scalar *const w = result->weights + (j + i) * result->weights_stride + start;
                FN(store_first)(w, FN(multiply_add)(value, -result->learning_rate, FN(load_first)(w, count)), count);
            }
        }
    }
}
