// The product of a block by TDPBF16PS: four tiles of C, two of each factor, loaded half a step ahead of their use.
//
// Whoever includes this says what LOOM_TILE_… are: the processor's instructions, or a test's emulation of them.

// Eight tiles of 16 rows of 64 bytes, until they are released.
static void begin_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } configuration;
    memset(&configuration, 0, sizeof configuration);
    configuration.palette = 1;
    for (int tile = 0; tile < 8; tile++) {
        configuration.row_bytes[tile] = 64;
        configuration.rows[tile] = 16;
    }
    LOOM_TILE_CONFIGURE(&configuration);
}

static void end_tiles(void) { LOOM_TILE_RELEASE(); }

// The tiles of a block; those of its second 16 rows or columns only where it has so many (constants).
static inline __attribute__((always_inline)) void multiply_tiles_of_block(
    const _Bool has_second_rows, const _Bool has_second_columns, const uint16_t *left, const uint16_t *right, size_t inner_blocks,
    float *c, _Bool continues, lines_ahead *ahead) {
    enum { HALF = LOOM_BF16_BLOCK_ELEMENTS / 2, ROW_BYTES = LOOM_BF16_SIDE * sizeof(float), PAIRS_BYTES = 64 };
    const _Bool has_both = has_second_rows && has_second_columns;
    float *const second_rows = c + 16 * LOOM_BF16_SIDE;
    if (continues) {
        LOOM_TILE_LOAD(0, c, ROW_BYTES);
        if (has_second_columns) { LOOM_TILE_LOAD(1, c + 16, ROW_BYTES); }
        if (has_second_rows) { LOOM_TILE_LOAD(2, second_rows, ROW_BYTES); }
        if (has_both) { LOOM_TILE_LOAD(3, second_rows + 16, ROW_BYTES); }
    } else {
        LOOM_TILE_CLEAR(0);
        LOOM_TILE_CLEAR(1);
        LOOM_TILE_CLEAR(2);
        LOOM_TILE_CLEAR(3);
    }
    LOOM_TILE_LOAD(6, right, PAIRS_BYTES);
    LOOM_TILE_LOAD(4, left, PAIRS_BYTES);
    for (size_t k = 0; k < inner_blocks; k++, left += LOOM_BF16_BLOCK_ELEMENTS, right += LOOM_BF16_BLOCK_ELEMENTS) {
        // Nothing is read behind the last block.
        const size_t next = k + 1 < inner_blocks ? LOOM_BF16_BLOCK_ELEMENTS : 0;
        if (has_second_columns) { LOOM_TILE_LOAD(7, right + HALF, PAIRS_BYTES); }
        LOOM_TILE_MULTIPLY(0, 4, 6);
        look_ahead(ahead);
        if (has_second_rows) { LOOM_TILE_LOAD(5, left + HALF, PAIRS_BYTES); }
        if (has_second_columns) { LOOM_TILE_MULTIPLY(1, 4, 7); }
        look_ahead(ahead);
        LOOM_TILE_LOAD(4, left + next, PAIRS_BYTES);
        if (has_second_rows) { LOOM_TILE_MULTIPLY(2, 5, 6); }
        look_ahead(ahead);
        LOOM_TILE_LOAD(6, right + next, PAIRS_BYTES);
        if (has_both) { LOOM_TILE_MULTIPLY(3, 5, 7); }
        look_ahead(ahead);
    }
    LOOM_TILE_STORE(0, c, ROW_BYTES);
    if (has_second_columns) { LOOM_TILE_STORE(1, c + 16, ROW_BYTES); }
    if (has_second_rows) { LOOM_TILE_STORE(2, second_rows, ROW_BYTES); }
    if (has_both) { LOOM_TILE_STORE(3, second_rows + 16, ROW_BYTES); }
}

static __attribute__((noinline)) void tiles_block(const uint16_t *left, const uint16_t *right, size_t inner_blocks, float *c,
                                                  _Bool continues, size_t rows, size_t columns, lines_ahead *ahead) {
    if (rows > 16 && columns > 16) {
        multiply_tiles_of_block(1, 1, left, right, inner_blocks, c, continues, ahead);
    } else if (rows > 16) {
        multiply_tiles_of_block(1, 0, left, right, inner_blocks, c, continues, ahead);
    } else if (columns > 16) {
        multiply_tiles_of_block(0, 1, left, right, inner_blocks, c, continues, ahead);
    } else {
        multiply_tiles_of_block(0, 0, left, right, inner_blocks, c, continues, ahead);
    }
}
