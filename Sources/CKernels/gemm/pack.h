// How panels of B, and tiles of A, are rearranged, so that tiles read them one row after the other.

// The rows of a tile of a copied A, and the distance of two tiles: a line more than they need, or they would share a few
// sets of the cache.
#define LOOM_COPIED_ROWS LOOM_TILE_ROWS(LOOM_PANEL_VECTORS)
#define LOOM_COPIED_TILE (LOOM_GEMM_INNER_BLOCK * LOOM_COPIED_ROWS + 64 / sizeof(Scalar))

// A panel of B that is stored transposed: `columns` rows of `inner` elements become `inner` rows of `vectors` vectors. The
// rows may be samples that are read in place, with neither padding nor alignment.
static void FN(pack_transposed)(size_t inner, size_t columns, size_t vectors, const Scalar *b, size_t stride,
                                Scalar *panel) {
    for (size_t v = 0; v < vectors; v++) {
        const size_t count = columns - v * LANES < LANES ? columns - v * LANES : LANES;
        const Scalar *const from = b + v * LANES * stride;
        for (size_t k = 0; k < inner; k += LANES) {
            const size_t rest = inner - k < LANES ? inner - k : 0;
            Vector block[LANES];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < LANES; i++) {
                const Scalar *const row = from + i * stride + k;
                block[i] = i >= count ? (Vector)0 : rest ? FN(load_first)(row, rest) : FN(load_unaligned)(row);
            }
            FN(transpose)(block);
            // Rows of the panel after the last one are written, but never read.
            Scalar *const to = panel + (k * vectors + v) * LANES;
#pragma clang loop unroll(full)
            for (size_t i = 0; i < LANES; i++) { FN(store)(to + i * vectors * LANES, block[i]); }
        }
    }
}

// `columns` columns of B: samples that are read in place have neither padding nor alignment.
static void FN(pack_panel)(size_t inner, size_t columns, size_t vectors, const Scalar *b, size_t stride,
                           Scalar *panel) {
    const size_t full = columns / LANES < vectors ? columns / LANES : vectors, rest = columns % LANES;
    for (size_t k = 0; k < inner; k++, b += stride, panel += vectors * LANES) {
        for (size_t v = 0; v < full; v++) { FN(store)(panel + v * LANES, FN(load_unaligned)(b + v * LANES)); }
        if (full < vectors) { FN(store)(panel + full * LANES, FN(load_first)(b + full * LANES, rest)); }
    }
}

// `elements` of each of `count` rows, one after the other. `elements` is a constant at every call.
LOOM_INLINE void FN(copy_columns)(size_t count, size_t elements, const Scalar *from, size_t stride, Scalar *to) {
#pragma clang loop unroll_count(4)
    for (size_t k = 0; k < count; k++, from += stride, to += elements) {
        __builtin_memcpy(to, from, elements * sizeof(Scalar));
    }
}

// The elements of a transposed A for tiles of `tile_rows` rows: each tile has its rows side by side, one k after the other,
// `tile_stride` elements behind the tile before. A few k of all tiles come before the next ones: every k is on another page.
LOOM_INLINE void FN(copy_tiles)(size_t rows, size_t tile_rows, size_t inner, const Scalar *a, size_t stride, Scalar *copy,
                                size_t tile_stride) {
    const size_t full_tiles = rows / tile_rows, rest = rows % tile_rows;
    for (size_t start = 0; start < inner; start += LANES) {
        const size_t k_count = inner - start < LANES ? inner - start : LANES;
        const Scalar *from = a + start * stride;
        Scalar *to = copy + start * tile_rows;
        for (size_t t = 0; t < full_tiles; t++, from += tile_rows, to += tile_stride) {
            FN(copy_columns)(k_count, tile_rows, from, stride, to);
        }
        for (size_t k = 0; k < k_count; k++) {
            for (size_t r = 0; r < rest; r++) { to[k * tile_rows + r] = from[k * stride + r]; }
        }
    }
}

// The same of an A as it lies, by as many tiles at a time as fill a vector with their rows.
LOOM_INLINE void FN(copy_tiles_transposed)(size_t rows, size_t tile_rows, size_t inner, const Scalar *a, size_t stride,
                                           Scalar *copy, size_t tile_stride) {
    const size_t tiles = tile_rows < LANES ? LANES / tile_rows : 1, group = tiles * tile_rows;
    Scalar lines[LANES * (LOOM_TILE_ROWS_LIMIT + LANES)] __attribute__((aligned(64)));
    for (size_t row = 0; row < rows; row += group, copy += tiles * tile_stride) {
        const size_t count = rows - row < group ? rows - row : group, vectors = (count + LANES - 1) / LANES;
        for (size_t start = 0; start < inner; start += LANES) {
            const size_t k_count = inner - start < LANES ? inner - start : LANES;
            FN(pack_transposed)(k_count, count, vectors, a + row * stride + start, stride, lines);
            // The last tile's missing rows get whatever follows in `lines`, and are never read.
            for (size_t t = 0; t * tile_rows < count; t++) {
                FN(copy_columns)(k_count, tile_rows, lines + t * tile_rows, vectors * LANES,
                                 copy + t * tile_stride + start * tile_rows);
            }
        }
    }
}

// The most even way to cut `count` into parts of at most `limit`: the size of part `index` of `parts`.
LOOM_INLINE size_t FN(part)(size_t count, size_t parts, size_t index) {
    return count / parts + (index < count % parts);
}
