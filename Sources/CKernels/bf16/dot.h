// The product of a block by VDPBF16PS, which flushes denormal numbers whatever the processor's settings.

enum { DOT_ROWS = 8 };

// DOT_ROWS rows of C and one or two vectors of its columns (a constant).
LOOM_INLINE void dot_rows(const int vectors, const uint16_t *left, const uint16_t *right,
                          size_t inner_blocks, float *c, _Bool continues, lines_ahead *ahead) {
    __m512 sums[DOT_ROWS][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < DOT_ROWS; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            sums[r][v] = continues ? _mm512_load_ps(c + r * LOOM_BF16_SIDE + 16 * v) : _mm512_setzero_ps();
        }
    }
    for (; inner_blocks > 0; inner_blocks--, left += LOOM_BF16_BLOCK_ELEMENTS, right += LOOM_BF16_BLOCK_ELEMENTS) {
        look_ahead(ahead);
#pragma clang loop unroll_count(4)
        for (int pair = 0; pair < 16; pair++) {
            __m512i b[2];
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                b[v] = _mm512_load_si512(right + v * (LOOM_BF16_BLOCK_ELEMENTS / 2) + 32 * pair);
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < DOT_ROWS; r++) {
                uint32_t both;
                memcpy(&both, left + r * LOOM_BF16_SIDE + 2 * pair, sizeof both);
                const __m512i a = _mm512_set1_epi32((int)both);
#pragma clang loop unroll(full)
                for (int v = 0; v < vectors; v++) {
                    sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)b[v], (__m512bh)a);
                }
            }
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < DOT_ROWS; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) { _mm512_store_ps(c + r * LOOM_BF16_SIDE + 16 * v, sums[r][v]); }
    }
}

static __attribute__((noinline)) void dot_block(const uint16_t *left, const uint16_t *right, size_t inner_blocks, float *c,
                                                _Bool continues, size_t rows, size_t columns, lines_ahead *ahead) {
    for (size_t i = 0; i < rows; i += DOT_ROWS) {
        const uint16_t *const a = left + i * LOOM_BF16_SIDE;
        if (columns > 16) {
            dot_rows(2, a, right, inner_blocks, c + i * LOOM_BF16_SIDE, continues, ahead);
        } else {
            dot_rows(1, a, right, inner_blocks, c + i * LOOM_BF16_SIDE, continues, ahead);
        }
    }
}
