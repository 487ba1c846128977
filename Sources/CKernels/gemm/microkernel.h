// The micro-kernel: a tile of sums that stays in registers, a multiply-add for each of them at every k.

// 24 or 12 sums, with the vectors of B and a broadcast element of A, fill 32 or 16 registers. Panels have
// LOOM_PANEL_VECTORS vectors, or up to LOOM_PANEL_VECTORS_LIMIT (see `prefers_wide_panels`).
#if defined(LOOM_AVX512_INTRINSICS) || defined(__aarch64__)
#define LOOM_PANEL_VECTORS 3
#define LOOM_PANEL_VECTORS_LIMIT 4
#define LOOM_TILE_ROWS(vectors) ((vectors) == 1 ? 14 : (vectors) == 2 ? 12 : (vectors) == 3 ? 8 : 6)
#else
#define LOOM_PANEL_VECTORS 2
#define LOOM_PANEL_VECTORS_LIMIT 2
#define LOOM_TILE_ROWS(vectors) ((vectors) == 1 ? 10 : 6)
#endif
#define LOOM_TILE_ROWS_LIMIT 14

// The part of the next panel that is not prefetched yet: pieces of a line for every vector of a panel. Nothing where
// `pieces` is 0.
typedef struct {
    const char *piece;
    size_t pieces, stride;        // left of this row, and their distance
    size_t rows, pieces_of_row;   // left, this one included
    ptrdiff_t row_gap;            // from behind a row's last piece to the next row: below 0 where the piece is longer
} FN(NextPanel);

LOOM_INLINE void FN(prefetch_piece)(FN(NextPanel) *next, size_t vectors) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) { __builtin_prefetch(next->piece + v * 64, 0, 2); }
    next->piece += next->stride;
    if (--next->pieces == 0 && next->rows > 1) {
        next->pieces = next->pieces_of_row;
        next->piece += next->row_gap;
        next->rows--;
    }
}

// What a tile does beside its sums, a request each: of 48 instructions that Cascade Lake can start for each k, a tile of
// 8 × 3 vectors has 40 of its own.
typedef struct {
    _Bool a;        // prefetch its rows of a transposed A
    _Bool b;        // prefetch its rows of B; and in any case, with one of these, the next panel
    _Bool c;        // prefetch C for writing, row by row, and then the weights
    _Bool packs_b;  // copy its rows of B, and prefetch those of A
} FN(TileHints);

LOOM_INLINE _Bool FN(has_hints)(const FN(TileHints) *hints) { return hints->a || hints->b; }

// What a tile is made of: element (r, k) of A at a[r * a_row + k * a_k], row k of B at b + k * b_stride.
typedef struct {
    size_t inner;
    const Scalar *a;
    size_t a_row, a_k;
    const Scalar *b;
    size_t b_stride;
    Scalar *c;
    size_t c_stride;
    Scalar *weights;  // that follow C as their velocity, or NULL
    size_t weights_stride;
    Scalar alpha, beta;
    FN(TileHints) hints;
    size_t prefetch_distance, prefetch_interval;  // in k, as in the plan
    FN(NextPanel) *next;
    Scalar *packed;  // where a tile that packs puts its rows of B, one after the other
} FN(Tile);

// The rows of A that a tile reads: row r starts at `low`, or from row 8 on at `high`, plus a multiple of the distance of
// two rows that an address can hold.
typedef struct {
    const char *low, *high;
    size_t one, three, five, seven;  // times the distance in bytes
} FN(TileRows);

LOOM_INLINE FN(TileRows) FN(tile_rows)(size_t rows, const FN(Tile) *tile) {
    FN(TileRows) result = {.low = (const char *)tile->a, .one = tile->a_row * sizeof(Scalar)};
    result.high = result.low + (rows > 8 ? 8 * result.one : 0);
    result.three = 3 * result.one;
    result.five = 5 * result.one;
    result.seven = 7 * result.one;
    // Hides that they are multiples. Otherwise Clang walks from row to row, one addition after the other: a tile of
    // 14 × 1 vectors then takes 14 cycles a step instead of 7.
    __asm__("" : "+r"(result.high), "+r"(result.three), "+r"(result.five), "+r"(result.seven));
    return result;
}

LOOM_INLINE Scalar FN(row_element)(const FN(TileRows) *rows, size_t row) {
    const char *const base = row < 8 ? rows->low : rows->high;
    switch (row % 8) {
    case 1: return *(const Scalar *)(base + rows->one);
    case 2: return *(const Scalar *)(base + 2 * rows->one);
    case 3: return *(const Scalar *)(base + rows->three);
    case 4: return *(const Scalar *)(base + 4 * rows->one);
    case 5: return *(const Scalar *)(base + rows->five);
    case 6: return *(const Scalar *)(base + 2 * rows->three);
    case 7: return *(const Scalar *)(base + rows->seven);
    default: return *(const Scalar *)base;
    }
}

// The multiply-adds of one k, with the elements of A in `a` and the vectors of B at `b`, which it may copy.
LOOM_INLINE void FN(tile_k)(size_t rows, size_t vectors, const FN(TileRows) *a, const Scalar *b, _Bool packs,
                            Scalar *packed, Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
    Vector columns[LOOM_PANEL_VECTORS_LIMIT];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
        columns[v] = FN(load)(b + v * LANES);
        if (packs) { FN(store)(packed + v * LANES, columns[v]); }
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
        const Vector element = FN(row_element)(a, r);
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) { sums[r][v] = FN(multiply_add)(element, columns[v], sums[r][v]); }
    }
}

// All k of a tile. `rows`, `vectors` and the hints are constants at every call: the sums live in registers.
LOOM_INLINE void FN(tile_loop)(size_t rows, size_t vectors, const FN(Tile) *tile,
                               Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
    FN(TileRows) a = FN(tile_rows)(rows, tile);
    const Scalar *b = tile->b;
    const size_t a_k = tile->a_k * sizeof(Scalar), b_stride = tile->b_stride;
    for (size_t k = tile->inner; k > 0; k--, a.low += a_k, a.high += a_k, b += b_stride) {
        FN(tile_k)(rows, vectors, &a, b, 0, NULL, sums);
    }
}

// Prefetched for writing, where the instruction exists: other workers have read the weights, and give up their copies in the
// meantime. 784-1024-1024-10 in batches of 256 on two cores of Zen 5: 2 to 5 % of the step.
LOOM_INLINE void FN(prefetch_for_writing)(const Scalar *row, size_t vectors) {
    for (size_t v = 0; v < vectors; v++) { __builtin_prefetch(row + v * LANES, 1); }
}

// All k, with what `hints` says beside them: constants at every call, but for `c`, which is the tile's. C is prefetched a
// row at a time: all at once, its lines fill the buffers that those of B must pass. Cascade Lake: 128 × 512 × 512
// 125 → 130 GFLOP/s, gradient of 512 × 1024 × 256 112 → 119.
LOOM_INLINE void FN(tile_loop_with_prefetch)(FN(TileHints) hints, size_t rows, size_t vectors, const FN(Tile) *tile,
                                             Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
    FN(TileRows) a = FN(tile_rows)(rows, tile);
    const Scalar *b = tile->b;
    Scalar *packed = tile->packed;
    const size_t a_k = tile->a_k * sizeof(Scalar), b_stride = tile->b_stride;
    const size_t a_ahead = tile->prefetch_distance * a_k, b_ahead = tile->prefetch_distance * b_stride;
    const size_t interval = tile->prefetch_interval * vectors;
    FN(NextPanel) next = *tile->next;
    const Scalar *written = tile->c, *weights = tile->weights;
    size_t written_rows = tile->hints.c ? rows : 0, written_stride = tile->c_stride;
    for (size_t k = tile->inner; k > 0;) {
        const size_t few = k < interval ? k : interval;
        size_t count = k;
        if (next.pieces > 0) {
            FN(prefetch_piece)(&next, vectors);
            count = few;
        }
        if (written_rows > 0) {
            FN(prefetch_for_writing)(written, vectors);
            written += written_stride;
            if (--written_rows == 0 && weights) {
                written = weights;
                written_stride = tile->weights_stride;
                written_rows = rows;
                weights = NULL;
            }
            count = few;
        }
        k -= count;
        // Unrolled, sums leave the registers: a quarter slower.
#pragma clang loop unroll(disable)
        for (; count > 0; count--, a.low += a_k, a.high += a_k, b += b_stride) {
#pragma clang loop unroll(full)
            for (size_t v = 0; hints.b && v < vectors; v++) { __builtin_prefetch(b + b_ahead + v * LANES); }
            if (hints.a) { __builtin_prefetch(a.low + a_ahead); }
            FN(tile_k)(rows, vectors, &a, b, hints.packs_b, packed, sums);
            if (hints.packs_b) { packed += vectors * LANES; }
        }
    }
    *tile->next = next;
}

LOOM_INLINE void FN(clear)(size_t rows, size_t vectors, Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) { sums[r][v] = (Scalar)0; }
    }
}

LOOM_INLINE void FN(add_to_c)(size_t rows, size_t vectors, const FN(Tile) *tile,
                              Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
    Scalar *c = tile->c;
    const size_t c_stride = tile->c_stride;
    const Vector alpha = tile->alpha, beta = tile->beta;
    // With beta = 0, what C holds must not matter, not even when it is a NaN.
    if (tile->beta == 0) {
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++, c += c_stride) {
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) { FN(store)(c + v * LANES, sums[r][v] * alpha); }
        }
        return;
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++, c += c_stride) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            FN(store)(c + v * LANES, FN(multiply_add)(sums[r][v], alpha, FN(load)(c + v * LANES) * beta));
        }
    }
}

// `rows` and `vectors` are constants at every call.
LOOM_INLINE void FN(tile)(size_t rows, size_t vectors, const FN(Tile) *tile) {
    Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT];
    FN(clear)(rows, vectors, sums);
    FN(tile_loop)(rows, vectors, tile, sums);
    FN(add_to_c)(rows, vectors, tile, sums);
}

LOOM_INLINE void FN(tile_with_prefetch)(size_t rows, size_t vectors, const FN(Tile) *tile) {
    Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT];
    FN(clear)(rows, vectors, sums);
    const FN(TileHints) hints = tile->hints;
    if (hints.packs_b) {
        FN(tile_loop_with_prefetch)((FN(TileHints)){.a = 1, .b = 1, .packs_b = 1}, rows, vectors, tile, sums);
    } else if (!hints.a) {
        FN(tile_loop_with_prefetch)((FN(TileHints)){.b = 1}, rows, vectors, tile, sums);
    } else if (!hints.b) {
        FN(tile_loop_with_prefetch)((FN(TileHints)){.a = 1}, rows, vectors, tile, sums);
    } else {
        FN(tile_loop_with_prefetch)((FN(TileHints)){.a = 1, .b = 1}, rows, vectors, tile, sums);
    }
    FN(add_to_c)(rows, vectors, tile, sums);
}

// What a tile does with a sum, for a single one.
LOOM_INLINE Scalar FN(combined)(Scalar sum, Scalar alpha, Scalar beta, Scalar c) {
    return beta == 0 ? sum * alpha : __builtin_elementwise_fma(sum, alpha, c * beta);
}

// A tile without and with prefetch.
#define LOOM_TILE(rows, vectors)                                                                    \
    static void FN(tile_##rows##_##vectors)(const FN(Tile) *tile) { FN(tile)(rows, vectors, tile); } \
    static void FN(tile_with_prefetch_##rows##_##vectors)(const FN(Tile) *tile) {                    \
        FN(tile_with_prefetch)(rows, vectors, tile);                                                \
    }
#define LOOM_TILES_TO_6(vectors)                                                                    \
    LOOM_TILE(1, vectors) LOOM_TILE(2, vectors) LOOM_TILE(3, vectors) LOOM_TILE(4, vectors)         \
    LOOM_TILE(5, vectors) LOOM_TILE(6, vectors)
#define LOOM_TILE_NAMES_TO_6(kind, vectors)                                                         \
    FN(kind##_1_##vectors), FN(kind##_2_##vectors), FN(kind##_3_##vectors), FN(kind##_4_##vectors), \
    FN(kind##_5_##vectors), FN(kind##_6_##vectors)
#define LOOM_TILE_NAMES_TO_10(kind, vectors)                                                        \
    LOOM_TILE_NAMES_TO_6(kind, vectors), FN(kind##_7_##vectors), FN(kind##_8_##vectors),            \
    FN(kind##_9_##vectors), FN(kind##_10_##vectors)
LOOM_TILES_TO_6(1)
LOOM_TILE(7, 1) LOOM_TILE(8, 1) LOOM_TILE(9, 1) LOOM_TILE(10, 1)
LOOM_TILES_TO_6(2)
#if LOOM_PANEL_VECTORS_LIMIT == 4
LOOM_TILE(11, 1) LOOM_TILE(12, 1) LOOM_TILE(13, 1) LOOM_TILE(14, 1)
LOOM_TILE(7, 2) LOOM_TILE(8, 2) LOOM_TILE(9, 2) LOOM_TILE(10, 2) LOOM_TILE(11, 2) LOOM_TILE(12, 2)
LOOM_TILES_TO_6(3)
LOOM_TILE(7, 3) LOOM_TILE(8, 3)
LOOM_TILES_TO_6(4)
#define LOOM_TILES(kind)                                                                            \
    {{LOOM_TILE_NAMES_TO_10(kind, 1), FN(kind##_11_1), FN(kind##_12_1), FN(kind##_13_1), FN(kind##_14_1)}, \
     {LOOM_TILE_NAMES_TO_10(kind, 2), FN(kind##_11_2), FN(kind##_12_2)},                            \
     {LOOM_TILE_NAMES_TO_6(kind, 3), FN(kind##_7_3), FN(kind##_8_3)},                               \
     {LOOM_TILE_NAMES_TO_6(kind, 4)}}
#else
#define LOOM_TILES(kind) {{LOOM_TILE_NAMES_TO_10(kind, 1)}, {LOOM_TILE_NAMES_TO_6(kind, 2)}}
#endif

typedef void (*FN(TileFunction))(const FN(Tile) *);
// By whether they prefetch, and by their vectors and rows, each less 1.
static const FN(TileFunction) FN(tiles)[2][LOOM_PANEL_VECTORS_LIMIT][LOOM_TILE_ROWS_LIMIT] = {
    LOOM_TILES(tile), LOOM_TILES(tile_with_prefetch)};

// What the dot kernel reads.
typedef struct {
    size_t rows, columns, inner;
    Scalar alpha, beta;
    const Scalar *a;
    size_t a_stride;
    const Scalar *b;
    size_t b_stride;
    Scalar *c;
    size_t c_stride;
    _Bool a_transposed, b_transposed;
} FN(loom_product);
