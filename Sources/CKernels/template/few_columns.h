// Against a transposed B with few columns a tile would waste most lanes of its vectors. Here the lanes run along the
// inner dimension, and are added in the end.

// `rows` × `columns` <= LANES elements, both constants; rows after the last `count` ones repeat the last one.
LOOM_INLINE void FN(dot_tile)(size_t rows, size_t columns, const FN(loom_product) *product, size_t row,
                              size_t column) {
    const size_t inner = product->inner, full = inner / LANES * LANES, rest = inner - full;
    const size_t count = product->rows - row < rows ? product->rows - row : rows;
    const Scalar *a[LANES], *b[LANES];
    Vector sums[LANES];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) { a[r] = product->a + (row + (r < count ? r : count - 1)) * product->a_stride; }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < columns; j++) { b[j] = product->b + (column + j) * product->b_stride; }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < LANES; i++) { sums[i] = (Scalar)0; }
    for (size_t k = 0; k < full; k += LANES) {
        Vector steps[LANES];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < columns; j++) { steps[j] = FN(load)(b[j] + k); }
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            const Vector x = FN(load_unaligned)(a[r] + k);
#pragma clang loop unroll(full)
            for (size_t j = 0; j < columns; j++) {
                sums[r * columns + j] = FN(multiply_add)(x, steps[j], sums[r * columns + j]);
            }
        }
    }
    if (rest) {
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            const Vector x = FN(load_first)(a[r] + full, rest);
#pragma clang loop unroll(full)
            for (size_t j = 0; j < columns; j++) {
                sums[r * columns + j] = FN(multiply_add)(x, FN(load_first)(b[j] + full, rest), sums[r * columns + j]);
            }
        }
    }
    Scalar results[LANES] __attribute__((aligned(64)));
    FN(store)(results, FN(sums_of_lanes)(sums));
    for (size_t r = 0; r < count; r++) {
        Scalar *const c = product->c + (row + r) * product->c_stride + column;
#pragma clang loop unroll(full)
        for (size_t j = 0; j < columns; j++) {
            c[j] = FN(combined)(results[r * columns + j], product->alpha, product->beta, c[j]);
        }
    }
}

LOOM_INLINE void FN(dot_rows)(size_t columns, const FN(loom_product) *product, size_t column) {
    const size_t rows = LANES / columns;
    for (size_t row = 0; row < product->rows; row += rows) {
        FN(dot_tile)(rows, columns, product, row, column);
    }
}

static void FN(multiply_few_columns)(const FN(loom_product) *product) {
    const size_t widest = LANES < 8 ? LANES : 8, parts = (product->columns + widest - 1) / widest;
    size_t column = 0;
    for (size_t part = 0; part < parts; part++) {
        const size_t columns = FN(part)(product->columns, parts, part);
        switch (columns) {
#define LOOM_DOT_ROWS(n) case n: FN(dot_rows)(n, product, column); break;
        LOOM_DOT_ROWS(1)
        LOOM_DOT_ROWS(2)
#if LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION >= 4
        LOOM_DOT_ROWS(3)
        LOOM_DOT_ROWS(4)
#endif
#if LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION >= 8
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

// Estimates in cycles for one row: `columns` chains along the inner dimension and their folds, or one vector of columns.
// Rows do not enter: they may be cut.
LOOM_INLINE _Bool FN(has_few_columns)(const FN(loom_product) *product) {
    return product->b_transposed && !product->a_transposed && product->inner >= 4 * LANES
        && 20 * product->columns * (product->inner / (2 * LANES) + 2) < 11 * product->inner;
}
