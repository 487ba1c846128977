// How panels of B are rearranged, so that tiles read them one row after the other.

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

// The most even way to cut `count` into parts of at most `limit`: the size of part `index` of `parts`.
LOOM_INLINE size_t FN(part)(size_t count, size_t parts, size_t index) {
    return count / parts + (index < count % parts);
}
