// Sums over columns, squares, and the gathering of samples.

// MARK: Column sums

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

static void FN(column_sums)(size_t rows, size_t columns, size_t stride, const Scalar *m, Scalar *sums) {
    FN(sums_of_columns)(0, rows, columns, stride, m, sums);
}

static void FN(add_column_sums)(size_t rows, size_t columns, size_t stride, const Scalar *m, Scalar *sums) {
    FN(sums_of_columns)(1, rows, columns, stride, m, sums);
}

// MARK: Sums of matrices

static void FN(sum_matrices)(size_t count, ptrdiff_t distance, size_t rows, size_t columns, size_t stride,
                             const Scalar *first, Scalar *sum) {
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = i * stride; k < i * stride + columns; k += LANES) {
            Vector total = FN(load)(first + k);
            for (size_t m = 1; m < count; m++) { total += FN(load)(first + (ptrdiff_t)m * distance + k); }
            FN(store)(sum + k, total);
        }
    }
}

// MARK: Sum of squares

typedef double FN(Doubles) __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / sizeof(Scalar))));

static double FN(sum_of_squares)(size_t rows, size_t column_count, size_t stride, const Scalar *m) {
    if (column_count == stride) {
        column_count *= rows;
        rows = rows > 0;
    }
    const FN(Columns) columns = FN(columns)(column_count, NULL);
    const Vector zero = 0;
    FN(Doubles) sums[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < rows; i++) {
        const Scalar *const row = m + i * stride;
        size_t j = 0;
        for (; j + 4 * LANES <= columns.full; j += 4 * LANES) {
            for (size_t v = 0; v < 4; v++) {
                const FN(Doubles) x = __builtin_convertvector(FN(load)(row + j + v * LANES), FN(Doubles));
                sums[v] += x * x;
            }
        }
        for (; j < columns.full; j += LANES) {
            const FN(Doubles) x = __builtin_convertvector(FN(load)(row + j), FN(Doubles));
            sums[0] += x * x;
        }
        if (columns.rest) {
            const Vector inside = FN(select)(columns.in_rest, FN(load)(row + j), zero);
            const FN(Doubles) x = __builtin_convertvector(inside, FN(Doubles));
            sums[1] += x * x;
        }
    }
    const FN(Doubles) total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return LOOM_FOLD(total, LOOM_ADD);
}

// MARK: Gathering

// Rows of a shuffled data set lie anywhere in memory, where the hardware prefetcher is of no help: the lines
// of a row that comes 8 KiB of rows later (2 … 128 rows) are asked for. Random rows of a 256 MiB source,
// AVX-512, without and with this: 64 bytes 15 → 8.5 ns a row, 1 KiB 101 → 49, 3 KiB 270 → 170.
LOOM_INLINE size_t FN(rows_ahead)(size_t row_bytes) {
    const size_t rows = 8192 / (row_bytes + 1);
    return rows < 2 ? 2 : rows > 128 ? 128 : rows;
}

static void FN(gather_rows)(size_t count, size_t columns, const Scalar *source, size_t source_stride,
                            const uint32_t *indices, Scalar *destination, size_t destination_stride) {
    const size_t full = columns / LANES * LANES, rest = columns - full;
    const size_t scalars_per_line = 64 / sizeof(Scalar);
    const size_t padded = (columns + scalars_per_line - 1) / scalars_per_line * scalars_per_line;
    const size_t ahead = FN(rows_ahead)(columns * sizeof(Scalar));
    const Vector zero = 0;
    if (columns == 0) { return; }
    for (size_t i = 0; i < count; i++) {
        if (i + ahead < count) {
            const Scalar *const later = source + (size_t)indices[i + ahead] * source_stride;
            for (size_t j = 0; j < columns; j += scalars_per_line) { __builtin_prefetch(later + j); }
            __builtin_prefetch(later + columns - 1);  // rows need not begin on a line
        }
        const Scalar *const from = source + (size_t)indices[i] * source_stride;
        Scalar *const to = destination + i * destination_stride;
        size_t j = 0;
        for (; j < full; j += LANES) { FN(store)(to + j, FN(load_unaligned)(from + j)); }
        if (rest) {
            FN(store)(to + j, FN(load_first)(from + j, rest));
            j += LANES;
        }
        for (; j < padded; j += LANES) { FN(store)(to + j, zero); }
    }
}
