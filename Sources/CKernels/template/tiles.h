// What matrix products are made of: tiles of sums that stay in registers.

// The tiles: 24 or 12 sums, with the vectors of B and a broadcast element of A, fill 32 or 16 registers. Products have
// panels of LOOM_PANEL_VECTORS, those with few columns of up to LOOM_PANEL_VECTORS_LIMIT (see `panel_limit`).
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

// What is asked for early: the next panel, piece by piece, each of a line for every vector of a panel. Nothing where
// `pieces` is 0.
typedef struct {
    const char *piece;
    size_t pieces, stride;               // left of this row, and their distance
    size_t rows, row_gap, pieces_of_row;  // left, this one included; from behind a row's last piece to the next row
} FN(Ahead);

LOOM_INLINE void FN(ask_for_piece)(FN(Ahead) *ahead, size_t vectors) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) { __builtin_prefetch(ahead->piece + v * 64, 0, 2); }
    ahead->piece += ahead->stride;
    if (--ahead->pieces == 0 && ahead->rows > 1) {
        ahead->pieces = ahead->pieces_of_row;
        ahead->piece += ahead->row_gap;
        ahead->rows--;
    }
}

// Steps of a tile between two pieces, for each of their lines: a panel of 3 vectors is complete after 12 tiles (2 vectors:
// 8).
#define LOOM_STEPS_PER_LINE 4
// How many steps before it is multiplied a row of the panel, and of a transposed A, is asked for.
#define LOOM_STEPS_AHEAD 6

// What a tile does beside its sums. A tile of 8 × 3 vectors has 40 instructions a step, of the 48 that Cascade Lake can
// start in the meantime: a needless request costs 1 to 3 % of a product.
typedef struct {
    _Bool asks_for_a;  // for its rows of a transposed A
    _Bool asks_for_b;  // for its rows of B; and in any case, with one of these, for what is ahead
    _Bool asks_for_c;  // row by row, and then for the weights
    _Bool packs;       // copies its rows of B, asking for those of A as well
} FN(Errands);

LOOM_INLINE _Bool FN(has_errands)(const FN(Errands) *errands) { return errands->asks_for_a || errands->asks_for_b; }

// What a tile is made of: element (r, k) of A at a[r * a_row + k * a_step], row k of B at b + k * b_stride.
typedef struct {
    size_t inner;
    const Scalar *a;
    size_t a_row, a_step;
    const Scalar *b;
    size_t b_stride;
    Scalar *c;
    size_t c_stride;
    Scalar *weights;  // that follow C as their velocity, or NULL
    size_t weights_stride;
    Scalar alpha, beta;
    FN(Errands) errands;
    FN(Ahead) *ahead;
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

// One step of the inner dimension, with the elements of A in `a` and the vectors of B at `b`, which it may copy.
LOOM_INLINE void FN(tile_step)(size_t rows, size_t vectors, const FN(TileRows) *a, const Scalar *b, _Bool packs,
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

// All steps of a tile. `rows`, `vectors` and the flags are constants at every call: the sums live in registers.
LOOM_INLINE void FN(steps)(size_t rows, size_t vectors, const FN(Tile) *tile,
                           Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
    FN(TileRows) a = FN(tile_rows)(rows, tile);
    const Scalar *b = tile->b;
    const size_t step = tile->a_step * sizeof(Scalar), b_stride = tile->b_stride;
    for (size_t k = tile->inner; k > 0; k--, a.low += step, a.high += step, b += b_stride) {
        FN(tile_step)(rows, vectors, &a, b, 0, NULL, sums);
    }
}

// Lines to write are asked for as such, where the instruction exists: other workers have read the weights, and give up
// their copies in the meantime. 784-1024-1024-10 in batches of 256 on two cores of Zen 5: 2 to 5 % of the step.
LOOM_INLINE void FN(ask_for_lines)(const Scalar *row, size_t vectors) {
    for (size_t v = 0; v < vectors; v++) { __builtin_prefetch(row + v * LANES, 1); }
}

// All steps, with what `errands` says beside them: constants at every call, but for `asks_for_c`, which is the tile's. C is
// asked for a row at a time: all at once, its lines fill the buffers that those of B must pass. Cascade Lake:
// 128 × 512 × 512 125 → 130 GFLOP/s, gradient of 512 × 1024 × 256 112 → 119.
LOOM_INLINE void FN(steps_with_errands)(FN(Errands) errands, size_t rows, size_t vectors, const FN(Tile) *tile,
                                        Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT]) {
    FN(TileRows) a = FN(tile_rows)(rows, tile);
    const Scalar *b = tile->b;
    Scalar *packed = tile->packed;
    const size_t step = tile->a_step * sizeof(Scalar), b_stride = tile->b_stride;
    FN(Ahead) ahead = *tile->ahead;
    const Scalar *written = tile->c, *weights = tile->weights;
    size_t written_rows = tile->errands.asks_for_c ? rows : 0, written_stride = tile->c_stride;
    for (size_t k = tile->inner; k > 0;) {
        const size_t few = k < LOOM_STEPS_PER_LINE * vectors ? k : LOOM_STEPS_PER_LINE * vectors;
        size_t steps = k;
        if (ahead.pieces > 0) {
            FN(ask_for_piece)(&ahead, vectors);
            steps = few;
        }
        if (written_rows > 0) {
            FN(ask_for_lines)(written, vectors);
            written += written_stride;
            if (--written_rows == 0 && weights) {
                written = weights;
                written_stride = tile->weights_stride;
                written_rows = rows;
                weights = NULL;
            }
            steps = few;
        }
        k -= steps;
        // Unrolled, sums leave the registers: a quarter slower.
#pragma clang loop unroll(disable)
        for (; steps > 0; steps--, a.low += step, a.high += step, b += b_stride) {
#pragma clang loop unroll(full)
            for (size_t v = 0; errands.asks_for_b && v < vectors; v++) {
                __builtin_prefetch(b + LOOM_STEPS_AHEAD * b_stride + v * LANES);
            }
            if (errands.asks_for_a) { __builtin_prefetch(a.low + LOOM_STEPS_AHEAD * step); }
            FN(tile_step)(rows, vectors, &a, b, errands.packs, packed, sums);
            if (errands.packs) { packed += vectors * LANES; }
        }
    }
    *tile->ahead = ahead;
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
    FN(steps)(rows, vectors, tile, sums);
    FN(add_to_c)(rows, vectors, tile, sums);
}

LOOM_INLINE void FN(busy_tile)(size_t rows, size_t vectors, const FN(Tile) *tile) {
    Vector sums[LOOM_TILE_ROWS_LIMIT][LOOM_PANEL_VECTORS_LIMIT];
    FN(clear)(rows, vectors, sums);
    const FN(Errands) errands = tile->errands;
    if (errands.packs) {
        FN(steps_with_errands)((FN(Errands)){.asks_for_a = 1, .asks_for_b = 1, .packs = 1}, rows, vectors, tile, sums);
    } else if (!errands.asks_for_a) {
        FN(steps_with_errands)((FN(Errands)){.asks_for_b = 1}, rows, vectors, tile, sums);
    } else if (!errands.asks_for_b) {
        FN(steps_with_errands)((FN(Errands)){.asks_for_a = 1}, rows, vectors, tile, sums);
    } else {
        FN(steps_with_errands)((FN(Errands)){.asks_for_a = 1, .asks_for_b = 1}, rows, vectors, tile, sums);
    }
    FN(add_to_c)(rows, vectors, tile, sums);
}

// What a tile does with a sum, for a single one.
LOOM_INLINE Scalar FN(combined)(Scalar sum, Scalar alpha, Scalar beta, Scalar c) {
    return beta == 0 ? sum * alpha : __builtin_elementwise_fma(sum, alpha, c * beta);
}

// A tile, and one with errands.
#define LOOM_TILE(rows, vectors)                                                                    \
    static void FN(tile_##rows##_##vectors)(const FN(Tile) *tile) { FN(tile)(rows, vectors, tile); } \
    static void FN(busy_tile_##rows##_##vectors)(const FN(Tile) *tile) { FN(busy_tile)(rows, vectors, tile); }
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
// By whether they have errands, and by their vectors and rows, each less 1.
static const FN(TileFunction) FN(tiles)[2][LOOM_PANEL_VECTORS_LIMIT][LOOM_TILE_ROWS_LIMIT] = {
    LOOM_TILES(tile), LOOM_TILES(busy_tile)};
