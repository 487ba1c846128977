// The products of a block, 32 × 32, from float32's multiply-adds. Denormal numbers are taken for 0 by the processor's settings
// meanwhile.

// Row `r` and pair `pair` of a block of a left factor, in both halves of all lanes.
LOOM_INLINE FN(Words) FN(left_pair)(const uint16_t *left, size_t r, size_t pair) {
    uint32_t both;
    memcpy(&both, left + r * LOOM_BF16_SIDE + 2 * pair, sizeof both);
    return (FN(Words))both;
}
// The even and the odd number of a pair, as float32.
LOOM_INLINE Vector FN(even)(FN(Words) pairs) { return (Vector)(pairs << 16); }
LOOM_INLINE Vector FN(odd)(FN(Words) pairs) { return (Vector)(pairs & 0xffff0000); }

enum { FN(ROWS_AT_A_TIME) = 4 };

// C = or += A · B over `inner_blocks` blocks, LOOM_BF16_TILES' way or LOOM_BF16_DOT's (`in_tiles`, a constant). Rows and columns
// beyond those that are wanted may be left out.
LOOM_INLINE void FN(block_portable)(const _Bool in_tiles, const uint16_t *left, const uint16_t *right, size_t inner_blocks,
                                    float *c, _Bool continues, size_t rows, size_t columns) {
    for (size_t i = 0; i < rows; i += FN(ROWS_AT_A_TIME)) {
        for (size_t j = 0; j < columns; j += LANES) {
            Vector sums[FN(ROWS_AT_A_TIME)];
            for (size_t r = 0; r < FN(ROWS_AT_A_TIME); r++) {
                sums[r] = continues ? FN(load)(c + (i + r) * LOOM_BF16_SIDE + j) : (Vector)0;
            }
            const uint16_t *a = left + i * LOOM_BF16_SIDE;
            const uint16_t *b = right + j / 16 * (LOOM_BF16_BLOCK_ELEMENTS / 2) + j % 16 * 2;
            for (size_t k = 0; k < inner_blocks; k++, a += LOOM_BF16_BLOCK_ELEMENTS, b += LOOM_BF16_BLOCK_ELEMENTS) {
                // Two chains of their own in tiles; otherwise both go on in the sum.
                Vector even[FN(ROWS_AT_A_TIME)], odd[FN(ROWS_AT_A_TIME)];
                for (size_t r = 0; r < FN(ROWS_AT_A_TIME); r++) { even[r] = odd[r] = 0; }
                for (size_t pair = 0; pair < 16; pair++) {
                    const FN(Words) b_pairs = (FN(Words))FN(load)((const float *)(b + 32 * pair));
                    for (size_t r = 0; r < FN(ROWS_AT_A_TIME); r++) {
                        const FN(Words) a_pair = FN(left_pair)(a, r, pair);
                        Vector *const first = in_tiles ? &odd[r] : &sums[r], *const second = in_tiles ? &even[r] : &sums[r];
                        *first = FN(multiply_add)(FN(odd)(a_pair), FN(odd)(b_pairs), *first);
                        *second = FN(multiply_add)(FN(even)(a_pair), FN(even)(b_pairs), *second);
                    }
                }
                for (size_t r = 0; in_tiles && r < FN(ROWS_AT_A_TIME); r++) { sums[r] += even[r] + odd[r]; }
            }
            for (size_t r = 0; r < FN(ROWS_AT_A_TIME); r++) { FN(store)(c + (i + r) * LOOM_BF16_SIDE + j, sums[r]); }
        }
    }
}

static __attribute__((noinline)) void FN(dot_block_portable)(const uint16_t *left, const uint16_t *right, size_t inner_blocks,
                                                             float *c, _Bool continues, size_t rows, size_t columns,
                                                             lines_ahead *ahead) {
    (void)ahead;
    FN(block_portable)(0, left, right, inner_blocks, c, continues, rows, columns);
}

static __attribute__((noinline)) void FN(tiles_block_portable)(const uint16_t *left, const uint16_t *right,
                                                               size_t inner_blocks, float *c, _Bool continues, size_t rows,
                                                               size_t columns, lines_ahead *ahead) {
    (void)ahead;
    FN(block_portable)(1, left, right, inner_blocks, c, continues, rows, columns);
}
