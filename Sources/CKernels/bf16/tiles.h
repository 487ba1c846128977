// The product of a block by TDPBF16PS: four tiles of C, two of each factor, loaded half a step ahead of their use.

static __attribute__((noinline)) void tiles_block(const uint16_t *left, const uint16_t *right, size_t inner_blocks, float *c,
                                                  _Bool continues, size_t rows, size_t columns) {
    (void)rows;
    (void)columns;
    enum { HALF = LOOM_BF16_BLOCK_ELEMENTS / 2, ROW_BYTES = LOOM_BF16_SIDE * sizeof(float), PAIRS_BYTES = 64 };
    if (continues) {
        _tile_loadd(0, c, ROW_BYTES);
        _tile_loadd(1, c + 16, ROW_BYTES);
        _tile_loadd(2, c + 16 * LOOM_BF16_SIDE, ROW_BYTES);
        _tile_loadd(3, c + 16 * LOOM_BF16_SIDE + 16, ROW_BYTES);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    _tile_loadd(6, right, PAIRS_BYTES);
    _tile_loadd(4, left, PAIRS_BYTES);
    for (size_t k = 0; k < inner_blocks; k++, left += LOOM_BF16_BLOCK_ELEMENTS, right += LOOM_BF16_BLOCK_ELEMENTS) {
        // Nothing is read behind the last block.
        const size_t next = k + 1 < inner_blocks ? LOOM_BF16_BLOCK_ELEMENTS : 0;
        _tile_loadd(7, right + HALF, PAIRS_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, left + HALF, PAIRS_BYTES);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(4, left + next, PAIRS_BYTES);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(6, right + next, PAIRS_BYTES);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, ROW_BYTES);
    _tile_stored(1, c + 16, ROW_BYTES);
    _tile_stored(2, c + 16 * LOOM_BF16_SIDE, ROW_BYTES);
    _tile_stored(3, c + 16 * LOOM_BF16_SIDE + 16, ROW_BYTES);
}
