// The sums of the columns of a matrix.

// The eight rows from `row` on, added as a tree: a chain of one addition for eight rows, and the same order
// for a column wherever it lies.
LOOM_INLINE Vector FN(sum_of_eight_rows)(const Scalar *row, size_t stride) {
    const Vector a = FN(load)(row) + FN(load)(row + stride);
    const Vector b = FN(load)(row + 2 * stride) + FN(load)(row + 3 * stride);
    const Vector c = FN(load)(row + 4 * stride) + FN(load)(row + 5 * stride);
    const Vector d = FN(load)(row + 6 * stride) + FN(load)(row + 7 * stride);
    return (a + b) + (c + d);
}

// The sums of `vectors` (a constant) whole vectors of columns at `m`, kept in registers.
LOOM_INLINE void FN(sum_columns)(int vectors, size_t rows, size_t stride, const Scalar *m, Vector *sums) {
    for (int v = 0; v < vectors; v++) { sums[v] = (Scalar)0; }
    size_t i = 0;
    for (; i + 8 <= rows; i += 8) {
        for (int v = 0; v < vectors; v++) {
            sums[v] += FN(sum_of_eight_rows)(m + i * stride + (size_t)v * LANES, stride);
        }
    }
    for (; i < rows; i++) {
        for (int v = 0; v < vectors; v++) { sums[v] += FN(load)(m + i * stride + (size_t)v * LANES); }
    }
}

LOOM_INLINE void FN(sums_of_columns)(_Bool adds, size_t rows, size_t columns, size_t stride, const Scalar *m,
                                     Scalar *sums) {
    size_t j = 0;
    for (; j + 4 * LANES <= columns; j += 4 * LANES) {
        Vector block[4];
        FN(sum_columns)(4, rows, stride, m + j, block);
        for (size_t v = 0; v < 4; v++) {
            Scalar *const to = sums + j + v * LANES;
            FN(store_unaligned)(to, adds ? FN(load_unaligned)(to) + block[v] : block[v]);
        }
    }
    for (; j < columns; j += LANES) {
        Vector block[1];
        FN(sum_columns)(1, rows, stride, m + j, block);
        const size_t count = columns - j < LANES ? columns - j : LANES;
        FN(store_first)(sums + j, adds ? FN(load_first)(sums + j, count) + block[0] : block[0], count);
    }
}

static void FN(column_sums)(size_t rows, size_t columns, size_t stride, const void *m, void *sums) {
    FN(sums_of_columns)(0, rows, columns, stride, m, sums);
}

static void FN(add_column_sums)(size_t rows, size_t columns, size_t stride, const void *m, void *sums) {
    FN(sums_of_columns)(1, rows, columns, stride, m, sums);
}
