// Copies rows of a data set, the samples of a batch, into a matrix.
//
// Rows of a shuffled data set lie anywhere in memory. Two things are prefetched: the first lines of each page of a
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

LOOM_INLINE void FN(prefetch_pages)(const Scalar *row, size_t columns) {
    const char *const end = (const char *)(row + columns);
    for (const char *line = (const char *)row; line < end; line = (const char *)(((uintptr_t)line | 4095) + 1)) {
        __builtin_prefetch(line);
        if (line + 64 < end) { __builtin_prefetch(line + 64); }
    }
}

// Copies a row, its last line filled up with zeros, and prefetches another one; `later` is a constant NULL where there is none.
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
                                  const uint64_t *indices, Scalar *destination, size_t destination_stride) {
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

LOOM_INLINE void FN(gather_long_rows)(size_t count, size_t columns, const Scalar *source, size_t source_stride,
                                      const uint64_t *indices, Scalar *destination, size_t destination_stride) {
    const size_t pages_ahead = FN(rows_ahead)(LOOM_GATHER_PAGES_AHEAD_BYTES, columns);
    // The pages' first lines are all lines of a short row.
    const size_t lines_ahead =
        columns * sizeof(Scalar) > 128 ? FN(rows_ahead)(LOOM_GATHER_LINES_AHEAD_BYTES, columns) : count;
    for (size_t i = 0; i < count && i < pages_ahead; i++) {
        FN(prefetch_pages)(source + (size_t)indices[i] * source_stride, columns);
    }
    for (size_t i = 0; i < count; i++) {
        const Scalar *const from = source + (size_t)indices[i] * source_stride;
        Scalar *const to = destination + i * destination_stride;
        if (i + pages_ahead < count) {
            FN(prefetch_pages)(source + (size_t)indices[i + pages_ahead] * source_stride, columns);
        }
        if (i + lines_ahead < count) {
            FN(gather_row)(columns, from, to, source + (size_t)indices[i + lines_ahead] * source_stride);
        } else {
            FN(gather_row)(columns, from, to, NULL);
        }
    }
}

static void FN(gather_rows)(size_t count, size_t columns, const void *source, size_t source_stride,
                            const uint64_t *indices, void *destination, size_t destination_stride) {
    if (columns == 0) { return; }
    if (columns <= LANES) {
        FN(gather_short_rows)(count, columns, source, source_stride, indices, destination, destination_stride);
    } else {
        FN(gather_long_rows)(count, columns, source, source_stride, indices, destination, destination_stride);
    }
}
#undef LOOM_GATHER_ROWS_AHEAD_LIMIT
#undef LOOM_GATHER_PAGES_AHEAD_BYTES
#undef LOOM_GATHER_LINES_AHEAD_BYTES
