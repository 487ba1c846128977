// Matrix products: C = beta · C + alpha · A · B on tiles of C that stay in registers.
//
// The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): blocks of
// the inner dimension, and panels of B that all rows of A meet one after another. B is packed only where it is transposed
// or its rows are no whole vectors. A tile takes one element of each row of A at a time, and where A is transposed, these
// lie side by side (256 × 256 × 256 on Zen 5: 192 GFLOP/s with packed rows, 214 without). An element is the sum of its
// products in the order of the inner dimension, one multiply-add after the other, whatever tile it lies in: hence the same
// bits for every way to cut a product by rows or columns.

// Steps of the inner dimension between two visits to C. Part of an element's bits: the sum of every block is
// rounded before it is added to C.
#define LOOM_PRODUCT_INNER_BLOCK 512
// Rows of A that meet all panels before the next rows do: 512 KiB of float32 or 1 MiB of float64. Each block reads B again,
// and packs it again where it is packed (x · Wᵀ of 1024 × 512 × 512 on Zen 5: 128 rows 214 GFLOP/s, 256 rows 224, 512 rows
// 226).
#define LOOM_PRODUCT_ROW_BLOCK 256
// The largest B that is read without being asked for early.
#define LOOM_PRODUCT_CACHED_BYTES ((size_t)4 << 20)

// What is asked for early: the lines of the next panel, some with every tile.
typedef struct {
    const char *row;
    size_t rows, stride, row_bytes;
    size_t byte, lines_per_tile;
} FN(Ahead);

LOOM_INLINE void FN(ask_for_lines)(FN(Ahead) *ahead) {
    for (size_t line = 0; line < ahead->lines_per_tile && ahead->rows > 0; line++) {
        __builtin_prefetch(ahead->row + ahead->byte, 0, 2);
        ahead->byte += 64;
        if (ahead->byte >= ahead->row_bytes) {
            ahead->byte = 0;
            ahead->row += ahead->stride;
            ahead->rows--;
        }
    }
}

// The lines of the panel from `column` on, for the steps from `start` on; `rows` rows of A are left to ask for them.
static FN(Ahead) FN(lines_of_panel)(const FN(loom_product) *product, size_t start, size_t inner, size_t column,
                                    size_t vectors, size_t rows) {
    const size_t columns =
        product->columns - column < vectors * LANES ? product->columns - column : vectors * LANES;
    const size_t row = product->b_transposed ? column : start, offset = product->b_transposed ? start : column;
    FN(Ahead) ahead = {
        .row = (const char *)(product->b + row * product->b_stride + offset),
        .rows = product->b_transposed ? columns : inner,
        .stride = product->b_stride * sizeof(Scalar),
        .row_bytes = (product->b_transposed ? inner : columns) * sizeof(Scalar),
    };
    const size_t tiles = (rows + LOOM_TILE_ROWS(LOOM_PANEL_VECTORS) - 1) / LOOM_TILE_ROWS(LOOM_PANEL_VECTORS);
    ahead.lines_per_tile = ahead.rows * ((ahead.row_bytes + 63) / 64) / tiles + 1;
    return ahead;
}

// Rows of A, and the panels that they meet.
typedef struct {
    size_t rows;
    FN(Tile) tile;
    _Bool asks_for_c;
    Scalar *weights;  // of the block's rows; NULL where C is no velocity, or not complete yet
    size_t weights_stride;
    Scalar learning_rate;
} FN(Block);

LOOM_INLINE void FN(ask_for_tile)(Scalar *first, size_t stride, size_t rows, size_t vectors) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t v = 0; v < vectors; v++) { __builtin_prefetch(first + r * stride + v * LANES, 1); }
    }
}

// All tiles of the panel that begins with `column`.
LOOM_INLINE void FN(panel_product)(const FN(Block) *block, size_t column, size_t vectors, FN(Ahead) *ahead) {
    const size_t limit = LOOM_TILE_ROWS(vectors), tiles = (block->rows + limit - 1) / limit;
    FN(Tile) tile = block->tile;
    size_t row = 0;
    for (size_t t = 0; t < tiles; t++) {
        const size_t rows = FN(part)(block->rows, tiles, t);
        tile.c = block->tile.c + row * tile.c_stride + column;
        tile.a = block->tile.a + row * block->tile.a_row;
        FN(ask_for_lines)(ahead);
        if (block->asks_for_c) { FN(ask_for_tile)(tile.c, tile.c_stride, rows, vectors); }
        Scalar *const weights = block->weights ? block->weights + row * block->weights_stride + column : NULL;
        if (weights) { FN(ask_for_tile)(weights, block->weights_stride, rows, vectors); }
        FN(tiles)[vectors - 1][rows - 1](&tile);
        for (size_t r = 0; r < rows && weights; r++) {
            Scalar *const w = weights + r * block->weights_stride;
            const Scalar *const velocity = tile.c + r * tile.c_stride;
            for (size_t k = 0; k < vectors * LANES; k += LANES) {
                FN(store)(w + k, FN(multiply_add)(FN(load)(velocity + k), -block->learning_rate, FN(load)(w + k)));
            }
        }
        row += rows;
    }
}

static void FN(multiply_by_tiles)(const FN(loom_product) *product, Scalar *panel) {
    const size_t vectors = (product->columns + LANES - 1) / LANES;
    const size_t panels = (vectors + LOOM_PANEL_VECTORS - 1) / LOOM_PANEL_VECTORS;
    // A B that the second-level cache cannot hold comes from memory, and so does C: both are asked for before they are
    // needed. 256 × 2048 × 2048 on Zen 5: 210 → 218 GFLOP/s; steps on smaller ones lose 1 to 4 %.
    const _Bool asks_early = product->inner * product->columns * sizeof(Scalar) > LOOM_PRODUCT_CACHED_BYTES;
    // Where C is added to, it is read from where the block before left it. 256 × 512 × 2048: 215 → 224 GFLOP/s.
    const _Bool adds_to_large_c = (product->beta != 0 || product->inner > LOOM_PRODUCT_INNER_BLOCK)
        && product->rows * product->columns * sizeof(Scalar) >= ((size_t)256 << 10);
    FN(Block) block = {
        .asks_for_c = asks_early || adds_to_large_c,
        .weights_stride = product->weights_stride,
        .learning_rate = product->learning_rate,
    };
    // A panel whose rows are whole vectors is read as it lies: 128 × 512 × 256: 215 GFLOP/s packed, 229 not.
    const _Bool packs_panel =
        product->b_transposed || ((uintptr_t)product->b | product->b_stride * sizeof(Scalar)) % 64 != 0;
    block.tile.a_row = product->a_transposed ? 1 : product->a_stride;
    block.tile.a_step = product->a_transposed ? product->a_stride : 1;
    block.tile.c_stride = product->c_stride;
    block.tile.alpha = product->alpha;
    for (size_t start = 0; start < product->inner || start == 0; start += LOOM_PRODUCT_INNER_BLOCK) {
        const size_t inner = product->inner - start < LOOM_PRODUCT_INNER_BLOCK ? product->inner - start
                                                                              : LOOM_PRODUCT_INNER_BLOCK;
        block.tile.inner = inner;
        block.tile.beta = start == 0 ? product->beta : (Scalar)1;
        for (size_t row = 0; row < product->rows; row += LOOM_PRODUCT_ROW_BLOCK) {
            block.rows = product->rows - row < LOOM_PRODUCT_ROW_BLOCK ? product->rows - row : LOOM_PRODUCT_ROW_BLOCK;
            block.tile.a = product->a + row * block.tile.a_row + start * block.tile.a_step;
            block.tile.c = product->c + row * product->c_stride;
            block.weights = product->weights && start + inner == product->inner
                ? product->weights + row * product->weights_stride : NULL;
            size_t vector = 0;
            for (size_t p = 0; p < panels; p++) {
                const size_t width = FN(part)(vectors, panels, p), column = vector * LANES;
                const size_t columns = product->columns - column, stride = product->b_stride;
                const Scalar *const b =
                    product->b + (product->b_transposed ? column * stride + start : start * stride + column);
                if (product->b_transposed) {
                    FN(pack_transposed)(inner, columns, width, b, stride, panel);
                } else if (packs_panel) {
                    FN(pack_panel)(inner, columns, width, b, stride, panel);
                }
                block.tile.b = packs_panel ? panel : b;
                block.tile.b_stride = packs_panel ? width * LANES : product->b_stride;
                FN(Ahead) ahead = {0};
                if (asks_early && p + 1 < panels) {
                    const size_t next = column + width * LANES, next_vectors = FN(part)(vectors, panels, p + 1);
                    ahead = FN(lines_of_panel)(product, start, inner, next, next_vectors, block.rows);
                }
                FN(panel_product)(&block, column, width, &ahead);
                vector += width;
            }
        }
    }
}

// A gradient with fewer columns than half a vector: as the product of its transposes, whose lanes are the rows.
static void FN(multiply_transposed)(const FN(loom_product) *product, Scalar *scratch) {
    const size_t stride = (size_t)LOOM_PRODUCT_ROW_BLOCK + LANES;
    Scalar *const block = scratch, *const free = scratch + LANES * stride;
    for (size_t start = 0; start < product->inner || start == 0; start += LOOM_PRODUCT_INNER_BLOCK) {
        FN(loom_product) part = *product;
        part.inner = product->inner - start < LOOM_PRODUCT_INNER_BLOCK ? product->inner - start
                                                                       : LOOM_PRODUCT_INNER_BLOCK;
        part.alpha = 1;
        part.beta = 0;
        part.weights = NULL;
        part.rows = product->columns;
        part.a = product->b + start * product->b_stride;
        part.a_stride = product->b_stride;
        part.b_stride = product->a_stride;
        part.c = block;
        part.c_stride = stride;
        for (size_t row = 0; row < product->rows; row += LOOM_PRODUCT_ROW_BLOCK) {
            part.columns = product->rows - row < LOOM_PRODUCT_ROW_BLOCK ? product->rows - row : LOOM_PRODUCT_ROW_BLOCK;
            part.b = product->a + start * product->a_stride + row;
            FN(multiply_by_tiles)(&part, free);
            for (size_t r = 0; r < part.columns; r++) {
                Scalar *const c = product->c + (row + r) * product->c_stride;
                Scalar *const weights = product->weights && start + part.inner == product->inner
                    ? product->weights + (row + r) * product->weights_stride : NULL;
                for (size_t j = 0; j < product->columns; j++) {
                    const Scalar beta = start == 0 ? product->beta : 1;
                    c[j] = FN(combined)(block[j * stride + r], product->alpha, beta, c[j]);
                    if (weights) { weights[j] = FN(combined)(c[j], -product->learning_rate, 1, weights[j]); }
                }
            }
        }
    }
}

static void FN(multiply)(const FN(loom_product) *product, Scalar *scratch) {
    if (FN(has_few_columns)(product)) {
        FN(multiply_few_columns)(product);
    } else if (product->a_transposed && !product->b_transposed && product->columns <= LANES / 2) {
        FN(multiply_transposed)(product, scratch);
    } else {
        FN(multiply_by_tiles)(product, scratch);
    }
}

#undef LOOM_TILE_NAMES_TO_6
#undef LOOM_TILES_TO_6
#undef LOOM_TILE
#undef LOOM_TILE_ROWS_LIMIT
#undef LOOM_TILE_ROWS
#undef LOOM_PANEL_VECTORS
#undef LOOM_PRODUCT_CACHED_BYTES
#undef LOOM_PRODUCT_ROW_BLOCK
#undef LOOM_PRODUCT_INNER_BLOCK
