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

// MARK: Sum of squares

typedef double FN(Doubles) __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / sizeof(Scalar))));

// Over 32 positions instead of 16: with AVX-512, as many chains of additions as keep the processor busy.
static double FN(sum_of_squares)(size_t rows, size_t column_count, size_t stride, const Scalar *m) {
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
        const Scalar *const row = m + i * stride;
        LOOM_FOR_EACH_PART(columns, parts, {
            const Vector element = FN(select)(inside, FN(load)(row + j), zero);
            const FN(Doubles) x = __builtin_convertvector(element, FN(Doubles));
            sums[part] += x * x;
        });
    }
    LOOM_FOLD_VECTORS(sums, parts);
    return LOOM_FOLD(sums[0], LOOM_ADD);
}

// MARK: Gathering

// Rows of a shuffled data set lie anywhere in memory. Two things are asked for early: the first lines of each page of a
// row, after which the processor fetches what follows by itself, and then line after line as an earlier row is copied, for
// all at once would fill the buffers that the copy needs, too. Nanoseconds a row on Cascade Lake, huge pages, with neither,
// with the lines of a row at once and with this: 32 of 128 bytes from 128 MB 83, 81, 38; 128 of 1 KiB from 1 GB 414, 273,
// 213; 64 of 3 KiB from 26 MB 420, 395, 330, from 630 MB 575, 544, 427. Lines at once, without and with them, on Zen 5: 64
// bytes 15 → 8.5, 1 KiB 101 → 49, 3 KiB 270 → 170.
#define LOOM_GATHER_LINES_AHEAD_BYTES 8192
#define LOOM_GATHER_PAGES_AHEAD_BYTES 12288
#define LOOM_GATHER_ROWS_AHEAD_LIMIT 128

LOOM_INLINE size_t FN(rows_ahead)(size_t bytes, size_t columns) {
    const size_t rows = bytes / (columns * sizeof(Scalar) + 1);
    return rows < 1 ? 1 : rows > LOOM_GATHER_ROWS_AHEAD_LIMIT ? LOOM_GATHER_ROWS_AHEAD_LIMIT : rows;
}

LOOM_INLINE void FN(ask_for_pages)(const Scalar *row, size_t columns) {
    const char *const end = (const char *)(row + columns);
    for (const char *line = (const char *)row; line < end; line = (const char *)(((uintptr_t)line | 4095) + 1)) {
        __builtin_prefetch(line);
        if (line + 64 < end) { __builtin_prefetch(line + 64); }
    }
}

// Copies a row, its last line filled up with zeros, and asks for another one; `later` is a constant NULL where there is none.
LOOM_INLINE void FN(gather_row)(size_t columns, const Scalar *from, Scalar *to, const Scalar *later) {
    const size_t line = 64 / sizeof(Scalar);
    size_t j = 0;
    for (; j + line <= columns; j += line) {
        if (later) { __builtin_prefetch(later + j); }
        for (size_t k = j; k < j + line; k += LANES) { FN(store)(to + k, FN(load_unaligned)(from + k)); }
    }
    if (j < columns) {
        if (later) { __builtin_prefetch(later + j); }
        for (size_t k = j; k < j + line; k += LANES) {
            const size_t rest = columns > k ? columns - k : 0;
            FN(store)(to + k, rest > 0 ? FN(load_first)(from + k, rest < LANES ? rest : LANES) : (Vector)0);
        }
    }
    if (later) { __builtin_prefetch(later + columns - 1); }  // rows need not begin on a line
}

// Rows of one vector at most, which the general way takes 2 ns longer for each.
static void FN(gather_short_rows)(size_t count, size_t columns, const Scalar *source, size_t source_stride,
                                  const uint32_t *indices, Scalar *destination, size_t destination_stride) {
    const size_t ahead = count < LOOM_GATHER_ROWS_AHEAD_LIMIT ? count : LOOM_GATHER_ROWS_AHEAD_LIMIT;
    for (size_t i = 0; i < ahead; i++) { __builtin_prefetch(source + (size_t)indices[i] * source_stride); }
    for (size_t i = 0; i < count; i++) {
        if (i + ahead < count) {
            const Scalar *const later = source + (size_t)indices[i + ahead] * source_stride;
            __builtin_prefetch(later);
            __builtin_prefetch(later + columns - 1);  // rows need not begin on a line
        }
        Scalar *const to = destination + i * destination_stride;
        FN(store)(to, FN(load_first)(source + (size_t)indices[i] * source_stride, columns));
        for (size_t k = LANES; k < 64 / sizeof(Scalar); k += LANES) { FN(store)(to + k, (Vector)0); }
    }
}

static void FN(gather_rows)(size_t count, size_t columns, const Scalar *source, size_t source_stride,
                            const uint32_t *indices, Scalar *destination, size_t destination_stride) {
    if (columns == 0) { return; }
    if (columns <= LANES) {
        FN(gather_short_rows)(count, columns, source, source_stride, indices, destination, destination_stride);
        return;
    }
    const size_t pages_ahead = FN(rows_ahead)(LOOM_GATHER_PAGES_AHEAD_BYTES, columns);
    // The pages' first lines are all lines of a short row.
    const size_t lines_ahead =
        columns * sizeof(Scalar) > 128 ? FN(rows_ahead)(LOOM_GATHER_LINES_AHEAD_BYTES, columns) : count;
    for (size_t i = 0; i < count && i < pages_ahead; i++) {
        FN(ask_for_pages)(source + (size_t)indices[i] * source_stride, columns);
    }
    for (size_t i = 0; i < count; i++) {
        const Scalar *const from = source + (size_t)indices[i] * source_stride;
        Scalar *const to = destination + i * destination_stride;
        if (i + pages_ahead < count) {
            FN(ask_for_pages)(source + (size_t)indices[i + pages_ahead] * source_stride, columns);
        }
        if (i + lines_ahead < count) {
            FN(gather_row)(columns, from, to, source + (size_t)indices[i + lines_ahead] * source_stride);
        } else {
            FN(gather_row)(columns, from, to, NULL);
        }
    }
}
#undef LOOM_GATHER_ROWS_AHEAD_LIMIT
#undef LOOM_GATHER_PAGES_AHEAD_BYTES
#undef LOOM_GATHER_LINES_AHEAD_BYTES
