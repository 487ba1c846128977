// Against a transposed B with few columns a tile would waste most lanes of its vectors. Here the lanes run along the
// inner dimension, over the positions of its elements (see vectors.h), and are added in the end.

// As many sums as leave registers for their operands.
#if defined(LOOM_AVX512_INTRINSICS) || defined(__aarch64__)
#define LOOM_DOT_SUMS 16
#else
#define LOOM_DOT_SUMS 8
#endif
// The elements of C at a time: each has a sum for every part of the positions.
#define LOOM_DOT_ELEMENTS (LOOM_DOT_SUMS * (LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION) / LOOM_POSITIONS)

// Steps k, k + 1, … of the inner dimension, one for each position; in the last ones, of which there are only `rest`, the
// other positions multiply zeros. `rows`, `columns` and `is_rest` are constants.
LOOM_INLINE void FN(dot_steps)(size_t rows, size_t columns, _Bool is_rest, size_t rest, const Scalar *const a[],
                               const Scalar *const b[], size_t k, FN(Positions) sums[]) {
#pragma clang loop unroll(full)
    for (size_t part = 0; part < LOOM_PARTS; part++) {
        const size_t first = part * LANES, behind = rest > first ? rest - first : 0;
        const size_t count = behind < LANES ? behind : LANES;
        Vector steps[LANES];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < columns; j++) {
            steps[j] = is_rest ? FN(load_first)(b[j] + k + first, count) : FN(load)(b[j] + k + first);
        }
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            const Vector x = is_rest ? FN(load_first)(a[r] + k + first, count) : FN(load_unaligned)(a[r] + k + first);
#pragma clang loop unroll(full)
            for (size_t j = 0; j < columns; j++) {
                Vector *const sum = &sums[r * columns + j].part[part];
                *sum = FN(multiply_add)(x, steps[j], *sum);
            }
        }
    }
}

// `rows` × `columns` <= LOOM_DOT_ELEMENTS elements, both constants; rows after the last `count` ones repeat the last one.
LOOM_INLINE void FN(dot_tile)(size_t rows, size_t columns, const FN(loom_product) *product, size_t row,
                              size_t column) {
    const size_t inner = product->inner, full = inner / LOOM_POSITIONS * LOOM_POSITIONS, rest = inner - full;
    const size_t count = product->rows - row < rows ? product->rows - row : rows;
    const Scalar *a[LANES], *b[LANES];
    FN(Positions) sums[LANES];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) { a[r] = product->a + (row + (r < count ? r : count - 1)) * product->a_stride; }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < columns; j++) { b[j] = product->b + (column + j) * product->b_stride; }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < LANES; i++) { sums[i] = FN(no_elements)(); }
    for (size_t k = 0; k < full; k += LOOM_POSITIONS) { FN(dot_steps)(rows, columns, 0, 0, a, b, k, sums); }
    if (rest) { FN(dot_steps)(rows, columns, 1, rest, a, b, full, sums); }
    Vector folded[LANES];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < LANES; i++) { folded[i] = FN(one_vector)(sums[i]); }
    Scalar results[LANES] __attribute__((aligned(64)));
    FN(store)(results, FN(sums_of_lanes)(folded));
    for (size_t r = 0; r < count; r++) {
        Scalar *const c = product->c + (row + r) * product->c_stride + column;
#pragma clang loop unroll(full)
        for (size_t j = 0; j < columns; j++) {
            c[j] = FN(combined)(results[r * columns + j], product->alpha, product->beta, c[j]);
        }
    }
}

LOOM_INLINE void FN(dot_rows)(size_t columns, const FN(loom_product) *product, size_t column) {
    const size_t rows = LOOM_DOT_ELEMENTS / columns;
    for (size_t row = 0; row < product->rows; row += rows) {
        FN(dot_tile)(rows, columns, product, row, column);
    }
}

static void FN(multiply_by_dots)(const FN(loom_product) *product) {
    const size_t widest = LOOM_DOT_ELEMENTS < 8 ? LOOM_DOT_ELEMENTS : 8;
    const size_t parts = (product->columns + widest - 1) / widest;
    size_t column = 0;
    for (size_t part = 0; part < parts; part++) {
        const size_t columns = FN(part)(product->columns, parts, part);
        switch (columns) {
#define LOOM_DOT_ROWS(n) case n: FN(dot_rows)(n, product, column); break;
        LOOM_DOT_ROWS(1)
#if LOOM_DOT_ELEMENTS >= 2
        LOOM_DOT_ROWS(2)
#endif
#if LOOM_DOT_ELEMENTS >= 4
        LOOM_DOT_ROWS(3)
        LOOM_DOT_ROWS(4)
#endif
#if LOOM_DOT_ELEMENTS >= 8
        LOOM_DOT_ROWS(5)
        LOOM_DOT_ROWS(6)
        LOOM_DOT_ROWS(7)
        LOOM_DOT_ROWS(8)
#endif
#undef LOOM_DOT_ROWS
        default: break;
        }
        column += columns;
    }
}
#undef LOOM_DOT_ELEMENTS
#undef LOOM_DOT_SUMS

// Estimates in cycles for one row: `columns` chains along the inner dimension and their folds, or one vector of columns.
// Rows do not enter: they may be cut. The two ways have different bits, so the choice must not depend on the instruction
// set: it is that of AVX-512 and float32.
LOOM_INLINE _Bool FN(prefers_dot)(const FN(loom_product) *product) {
    return product->b_transposed && !product->a_transposed && product->inner >= 4 * LOOM_POSITIONS
        && 20 * product->columns * (product->inner / (2 * LOOM_POSITIONS) + 2) < 11 * product->inner;
}
