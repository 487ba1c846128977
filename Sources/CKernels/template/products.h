// Matrix products: C = beta · C + alpha · A · B on tiles of C that stay in registers.
//
// The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): blocks of
// the inner dimension, and panels of B that all rows of A meet one after another. B is packed only where it is transposed,
// its rows are no whole vectors, or many rows of A meet it. A tile takes one element of each row of A at a time, and where A
// is transposed, these lie side by side (256 × 256 × 256 on Zen 5: 192 GFLOP/s with packed rows, 214 without): only a large
// A is copied. The lanes of vectors are columns of C, or its rows where that is faster. An element is the sum of its
// products in the order of the inner dimension, one multiply-add after the other, whatever tile and lane it lies in: hence
// the same bits for every way to cut a product by rows or columns.

// Steps of the inner dimension between two visits to C. Part of an element's bits: the sum of every block is
// rounded before it is added to C.
#define LOOM_PRODUCT_INNER_BLOCK 512
// Rows of A that meet all panels before the next rows do: 512 KiB of float32 or 1 MiB of float64. Each block reads B again,
// and packs it again where it is packed (x · Wᵀ of 1024 × 512 × 512 on Zen 5: 128 rows 214 GFLOP/s, 256 rows 224, 512 rows
// 226).
#define LOOM_PRODUCT_ROW_BLOCK 256
// From this size on, B and C are asked for before they are needed.
#define LOOM_PRODUCT_LARGE_BYTES ((size_t)1 << 20)
// Rows of operands up to this size are near enough without being asked for.
#define LOOM_PRODUCT_SMALL_BYTES ((size_t)64 << 10)
// The rows of a tile of a copied A, and the distance of two tiles: a line more than they need, or they would share a few
// sets of the cache.
#define LOOM_COPIED_ROWS LOOM_TILE_ROWS(LOOM_PANEL_VECTORS)
#define LOOM_COPIED_TILE (LOOM_PRODUCT_INNER_BLOCK * LOOM_COPIED_ROWS + 64 / sizeof(Scalar))

_Static_assert(LOOM_PRODUCT_PANEL >= LOOM_PRODUCT_INNER_BLOCK * LOOM_PANEL_VECTORS_LIMIT * LANES, "room for a panel");
_Static_assert(LOOM_PRODUCT_SCRATCH - LOOM_PRODUCT_PANEL
                   >= (LOOM_PRODUCT_ROW_BLOCK + LOOM_COPIED_ROWS - 1) / LOOM_COPIED_ROWS * LOOM_COPIED_TILE,
               "room for the copied tiles of A");

// The panel from `column` on, for the steps from `start` on.
static FN(Ahead) FN(panel_ahead)(const FN(loom_product) *product, size_t start, size_t inner, size_t column,
                                 size_t vectors) {
    const size_t stride = product->b_stride * sizeof(Scalar), piece_bytes = vectors * 64;
    if (!product->b_transposed) {
        const Scalar *const first = product->b + start * product->b_stride + column;
        return (FN(Ahead)){.piece = (const char *)first, .pieces = inner, .stride = stride, .rows = 1};
    }
    const size_t rest = product->columns - column, columns = rest < vectors * LANES ? rest : vectors * LANES;
    const size_t pieces = (inner * sizeof(Scalar) + piece_bytes - 1) / piece_bytes;
    return (FN(Ahead)){
        .piece = (const char *)(product->b + column * product->b_stride + start),
        .pieces = pieces,
        .stride = piece_bytes,
        .rows = columns,
        .row_gap = stride - pieces * piece_bytes,
        .pieces_of_row = pieces,
    };
}

// What decides how a product is carried out.
typedef struct {
    size_t panel_vectors;         // at most
    _Bool packs_panels;           // before tiles meet them
    _Bool packs_with_first_tile;
    _Bool asks_for_a, asks_for_b; // some steps before they are multiplied
    _Bool asks_for_panels;        // one panel ahead
    _Bool asks_for_c;
    _Bool copies_a;
} FN(Manner);

// Rows of A, and the panels that they meet.
typedef struct {
    size_t rows;
    const Scalar *a;  // where the block's rows begin
    Scalar *c;
    FN(Tile) tile;    // what its tiles have in common
    FN(Manner) manner;
    _Bool asks_for_c_at_once;  // for that of a tile, and its weights, before it runs
    _Bool c_transposed;  // element (r, k) of C at c[k * c_stride + r], and the weights likewise
    Scalar *weights;     // of the block's rows; NULL where C is no velocity, or not complete yet
    Scalar learning_rate;
} FN(Block);

LOOM_INLINE void FN(ask_for_tile)(const Scalar *first, size_t stride, size_t rows, size_t vectors) {
    for (size_t r = 0; r < rows; r++) { FN(ask_for_lines)(first + r * stride, vectors); }
}

// W -= learning rate · V for the `rows` rows of a tile.
LOOM_INLINE void FN(step_weights)(const FN(Tile) *tile, Scalar learning_rate, size_t rows, size_t vectors) {
    for (size_t r = 0; r < rows; r++) {
        Scalar *const row = tile->weights + r * tile->weights_stride;
        const Scalar *const velocity = tile->c + r * tile->c_stride;
        for (size_t k = 0; k < vectors * LANES; k += LANES) {
            FN(store)(row + k, FN(multiply_add)(FN(load)(velocity + k), -learning_rate, FN(load)(row + k)));
        }
    }
}

// A tile whose C lies transposed: its sums are added to `columns` rows of C, each of `rows` elements from `row` on.
LOOM_INLINE void FN(transposed_tile)(const FN(Block) *block, FN(TileFunction) run, FN(Tile) *tile, size_t row,
                                     size_t rows, size_t column, size_t columns, size_t vectors) {
    Scalar sums[LOOM_TILE_ROWS_LIMIT * LOOM_PANEL_VECTORS * LANES] __attribute__((aligned(64)));
    const Vector alpha = block->tile.alpha, beta = block->tile.beta;
    const _Bool overwrites = block->tile.beta == 0;
    tile->c = sums;
    tile->c_stride = vectors * LANES;
    tile->alpha = 1;
    tile->beta = 0;
    run(tile);
    for (size_t start = 0; start < rows; start += LANES) {
        const size_t count = rows - start < LANES ? rows - start : LANES;
        for (size_t k = 0; k < columns; k += LANES) {
            Vector lines[LANES];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < LANES; i++) {
                lines[i] = i < count ? FN(load)(sums + (start + i) * tile->c_stride + k) : (Vector)0;
            }
            FN(transpose)(lines);
            const size_t lines_of_c = columns - k < LANES ? columns - k : LANES;
            for (size_t i = 0; i < lines_of_c; i++) {
                Scalar *const c = block->c + (column + k + i) * block->tile.c_stride + row + start;
                const Vector value = overwrites
                    ? lines[i] * alpha : FN(multiply_add)(lines[i], alpha, FN(load_first)(c, count) * beta);
                FN(store_first)(c, value, count);
                if (!block->weights) { continue; }
                Scalar *const w = block->weights + (column + k + i) * block->tile.weights_stride + row + start;
                FN(store_first)(w, FN(multiply_add)(value, -block->learning_rate, FN(load_first)(w, count)), count);
            }
        }
    }
}

// A tile whose C lies as it is, its first element at (row, column).
LOOM_INLINE void FN(plain_tile)(const FN(Block) *block, FN(TileFunction) run, FN(Tile) *tile, size_t row, size_t rows,
                                size_t column, size_t vectors) {
    tile->c = block->c + row * tile->c_stride + column;
    const _Bool has_weights = block->weights != NULL;
    if (has_weights) { tile->weights = block->weights + row * tile->weights_stride + column; }
    if (block->asks_for_c_at_once) {
        if (block->manner.asks_for_c) { FN(ask_for_tile)(tile->c, tile->c_stride, rows, vectors); }
        if (has_weights) { FN(ask_for_tile)(tile->weights, tile->weights_stride, rows, vectors); }
    }
    run(tile);
    if (has_weights) { FN(step_weights)(tile, block->learning_rate, rows, vectors); }
}

// All tiles of the panel of `columns` columns that begins with `column`. `c_transposed` is a constant at every call.
LOOM_INLINE void FN(tiles_of_panel)(_Bool c_transposed, const FN(Block) *block, FN(Tile) *tile, size_t column,
                                    size_t columns, size_t vectors) {
    const size_t limit = block->manner.copies_a ? LOOM_COPIED_ROWS : LOOM_TILE_ROWS(vectors);
    const size_t tiles = (block->rows + limit - 1) / limit;
    // The tiles of a copy are full, others as even as can be: what `part` says, without its divisions at every tile.
    const size_t even_rows = block->manner.copies_a ? limit : block->rows / tiles;
    const size_t larger_tiles = block->manner.copies_a ? 0 : block->rows % tiles;
    const size_t a_tile = block->manner.copies_a ? LOOM_COPIED_TILE : 0;
    const FN(TileFunction) *const run = FN(tiles)[FN(has_errands)(&tile->errands)][vectors - 1];
    size_t row = 0;
    for (size_t t = 0; t < tiles; t++) {
        const size_t rest = block->rows - row, share = even_rows + (t < larger_tiles);
        const size_t rows = share < rest ? share : rest;
        tile->a = block->a + (a_tile > 0 ? t * a_tile : row * tile->a_row);
        if (c_transposed) {
            FN(transposed_tile)(block, run[rows - 1], tile, row, rows, column, columns, vectors);
        } else {
            FN(plain_tile)(block, run[rows - 1], tile, row, rows, column, vectors);
        }
        row += rows;
        if (tile->errands.packs) {
            tile->errands.packs = 0;
            tile->b = tile->packed;
            tile->b_stride = vectors * LANES;
        }
    }
}

// Not inlined: among all that surrounds them, registers are few. 32 × 64 × 10 on Cascade Lake: 82 → 84 GFLOP/s. Tiles whose C
// is transposed lose 5 % that way (512 × 10 × 128). No copy of the tile either, which would wait for what was just written.
static __attribute__((noinline)) void FN(plain_panel)(FN(Block) *block, size_t column, size_t vectors) {
    FN(tiles_of_panel)(0, block, &block->tile, column, 0, vectors);
}

// Panels of four vectors with tiles of 6 rows, or of three and 8: whatever makes fewer tiles of the rows, or of few columns
// fewer panels of two vectors, whose tiles are slower. Cascade Lake, GFLOP/s with three and with four: 32 × 64 × 32
// 109 → 121, 64 × 128 × 784 124 → 129, gradients of 784 × 128 × 64 109 → 118, of 512 × 10 × 128 83 → 86, but of
// 256 × 512 × 128 116 → 115.
LOOM_INLINE size_t FN(panel_limit)(size_t rows, size_t columns) {
    const size_t vectors = (columns + LANES - 1) / LANES;
    const size_t tiles_of_three = (rows + LOOM_TILE_ROWS(LOOM_PANEL_VECTORS) - 1) / LOOM_TILE_ROWS(LOOM_PANEL_VECTORS);
    const size_t tiles_of_four =
        (rows + LOOM_TILE_ROWS(LOOM_PANEL_VECTORS_LIMIT) - 1) / LOOM_TILE_ROWS(LOOM_PANEL_VECTORS_LIMIT);
    return (vectors <= 16 && vectors % LOOM_PANEL_VECTORS != 0)
            || tiles_of_four * LOOM_PANEL_VECTORS < tiles_of_three * LOOM_PANEL_VECTORS_LIMIT
        ? LOOM_PANEL_VECTORS_LIMIT : LOOM_PANEL_VECTORS;
}

// How a product is carried out. Figures with an arrow are GFLOP/s of one core, without and with it.
LOOM_INLINE FN(Manner) FN(manner)(const FN(loom_product) *product) {
    const size_t inner = product->inner < LOOM_PRODUCT_INNER_BLOCK ? product->inner : LOOM_PRODUCT_INNER_BLOCK;
    const size_t rows = product->rows < LOOM_PRODUCT_ROW_BLOCK ? product->rows : LOOM_PRODUCT_ROW_BLOCK;
    const _Bool is_small =
        product->inner * (product->rows + product->columns) * sizeof(Scalar) <= LOOM_PRODUCT_SMALL_BYTES;
    FN(Manner) manner;
    // A panel whose rows are whole vectors is read as it lies: 128 × 512 × 256 on Zen 5: 215 GFLOP/s packed, 229 not.
    manner.packs_panels =
        product->b_transposed || ((uintptr_t)product->b | product->b_stride * sizeof(Scalar)) % 64 != 0;
    // The processor does not see rows coming that are far from each other. Cascade Lake: 128 × 512 × 256 as it lies 115 → 137,
    // 256 × 2048 × 1024 88 → 109, gradients of 512 × 1024 × 256 91 → 119, of 392 × 128 × 128 111 → 122. Panels with rows of
    // less than 1 KiB lose 3 to 5 % (64 × 128 × 784), and what fits into the first-level cache 5 to 10 %.
    manner.asks_for_b = !is_small && !manner.packs_panels && product->b_stride * sizeof(Scalar) >= 1024;
    // Every step of a tile reads another row of a transposed A, and one of B: each on a page of its own, they are more than
    // a processor remembers the places of. A virtual machine's may be small ones even where the system gave it large ones.
    // Tiles of a copy lie in one piece. On such a machine, Cascade Lake: gradients of 1024 × 2048 × 512 75 → 120, of
    // 256 × 512 × 2048 106 → 117, of 128 × 512 × 2048 110 → 116; 256 × 2048 × 2048 as it lies 111 → 120, but
    // 128 × 1024 × 1024 120 → 118.
    manner.copies_a = product->columns >= (product->a_transposed ? 256 : 2048)
        && inner * rows * sizeof(Scalar) >= LOOM_PRODUCT_LARGE_BYTES / 4;
    manner.asks_for_a = !is_small && product->a_transposed && !manner.copies_a;
    manner.panel_vectors = manner.copies_a ? LOOM_PANEL_VECTORS : FN(panel_limit)(product->rows, product->columns);
    // Tiles meet a panel faster that lies in one piece. Where many meet it, the first one copies it as it multiplies: that takes
    // it twice the time. Cascade Lake: 256 × 2048 × 1024 113 → 117, gradients of 512 × 1024 × 256 109 → 116, of
    // 1024 × 2048 × 512 103 → 111; but with half as many rows 128 × 512 × 256 135 → 133, 64 × 256 × 2048 113 → 108.
    manner.packs_with_first_tile = manner.asks_for_b && rows == LOOM_PRODUCT_ROW_BLOCK && inner >= 64;
    // A B that leaves no room in the second-level cache comes from farther away, and so does C. 256 × 2048 × 2048 on Zen 5:
    // 213 → 219 GFLOP/s; a step of 784-1024-1024-10 in batches of 256 takes 2.5 % less time. Steps on 540 KB lose 2 %.
    manner.asks_for_panels = product->inner * product->columns * sizeof(Scalar) >= LOOM_PRODUCT_LARGE_BYTES;
    // Where C is added to, it is read from where the block before left it. 256 × 512 × 2048 on Zen 5: 215 → 224 GFLOP/s.
    manner.asks_for_c = manner.asks_for_panels
        || ((product->beta != 0 || product->inner > LOOM_PRODUCT_INNER_BLOCK)
            && product->rows * product->columns * sizeof(Scalar) >= ((size_t)256 << 10));
    return manner;
}

// `inner` steps from `start` on, of all panels, for the block's rows of A.
LOOM_INLINE void FN(rows_product)(const FN(loom_product) *product, FN(Block) *block, size_t start, size_t inner,
                                  Scalar *panel) {
    const FN(Manner) manner = block->manner;
    const size_t vectors = (product->columns + LANES - 1) / LANES;
    const size_t panels = (vectors + manner.panel_vectors - 1) / manner.panel_vectors;
    block->tile.packed = panel;
    block->tile.weights = NULL;
    block->tile.errands.asks_for_a = manner.asks_for_a;
    size_t vector = 0;
    for (size_t p = 0; p < panels; p++) {
        const size_t width = FN(part)(vectors, panels, p), column = vector * LANES;
        const size_t columns = product->columns - column, stride = product->b_stride;
        const Scalar *const b =
            product->b + (product->b_transposed ? column * stride + start : start * stride + column);
        if (product->b_transposed) {
            FN(pack_transposed)(inner, columns, width, b, stride, panel);
        } else if (manner.packs_panels) {
            FN(pack_panel)(inner, columns, width, b, stride, panel);
        }
        block->tile.b = manner.packs_panels ? panel : b;
        block->tile.b_stride = manner.packs_panels ? width * LANES : stride;
        FN(Ahead) ahead = {.pieces = 0};
        if (manner.asks_for_panels && p + 1 < panels) {
            const size_t next = FN(part)(vectors, panels, p + 1);
            ahead = FN(panel_ahead)(product, start, inner, column + width * LANES, next);
        }
        block->tile.ahead = &ahead;
        block->tile.errands.asks_for_b = manner.asks_for_b || ahead.pieces > 0;
        block->tile.errands.packs = manner.packs_with_first_tile && block->rows == LOOM_PRODUCT_ROW_BLOCK;
        // Tiles of few steps would not get through.
        block->tile.errands.asks_for_c = manner.asks_for_c && !block->c_transposed && inner >= 256
            && FN(has_errands)(&block->tile.errands);
        block->asks_for_c_at_once = !block->tile.errands.asks_for_c && (manner.asks_for_c || block->weights);
        if (block->c_transposed) {
            FN(Tile) tile = block->tile;
            FN(tiles_of_panel)(1, block, &tile, column, columns < width * LANES ? columns : width * LANES, width);
        } else {
            FN(plain_panel)(block, column, width);
        }
        vector += width;
    }
}

// The block's rows of A for `inner` steps, tile by tile.
LOOM_INLINE void FN(copy_rows)(FN(Block) *block, _Bool transposed, size_t inner, size_t stride, Scalar *copy) {
    if (transposed) {
        FN(copy_tiles)(block->rows, LOOM_COPIED_ROWS, inner, block->a, stride, copy, LOOM_COPIED_TILE);
    } else {
        FN(copy_tiles_transposed)(block->rows, LOOM_COPIED_ROWS, inner, block->a, stride, copy, LOOM_COPIED_TILE);
    }
    block->a = copy;
    block->tile.a_row = 1;
    block->tile.a_step = LOOM_COPIED_ROWS;
}

LOOM_INLINE void FN(multiply_by_tiles)(const FN(loom_product) *product, _Bool c_transposed, Scalar *scratch) {
    FN(Block) block = {
        .manner = FN(manner)(product),
        .c_transposed = c_transposed,
        .learning_rate = product->learning_rate,
    };
    const size_t a_row = product->a_transposed ? 1 : product->a_stride;
    block.tile.c_stride = product->c_stride;
    block.tile.weights_stride = product->weights_stride;
    block.tile.alpha = product->alpha;
    for (size_t start = 0; start < product->inner || start == 0; start += LOOM_PRODUCT_INNER_BLOCK) {
        const size_t inner = product->inner - start < LOOM_PRODUCT_INNER_BLOCK ? product->inner - start
                                                                              : LOOM_PRODUCT_INNER_BLOCK;
        block.tile.inner = inner;
        block.tile.beta = start == 0 ? product->beta : (Scalar)1;
        for (size_t row = 0; row < product->rows; row += LOOM_PRODUCT_ROW_BLOCK) {
            block.rows = product->rows - row < LOOM_PRODUCT_ROW_BLOCK ? product->rows - row : LOOM_PRODUCT_ROW_BLOCK;
            block.tile.a_row = a_row;
            block.tile.a_step = product->a_transposed ? product->a_stride : 1;
            block.a = product->a + row * a_row + start * block.tile.a_step;
            block.c = product->c + row * (c_transposed ? 1 : product->c_stride);
            block.weights = product->weights && start + inner == product->inner
                ? product->weights + row * (c_transposed ? 1 : product->weights_stride) : NULL;
            if (block.manner.copies_a) {
                FN(copy_rows)(&block, product->a_transposed, inner, product->a_stride, scratch + LOOM_PRODUCT_PANEL);
            }
            FN(rows_product)(product, &block, start, inner, scratch);
        }
    }
}

// The product of the transposes: Cᵀ = Bᵀ · Aᵀ, the same sums, with rows in the lanes instead of columns.
static void FN(multiply_transposed)(const FN(loom_product) *product, Scalar *scratch) {
    FN(loom_product) transposes = *product;
    transposes.rows = product->columns;
    transposes.columns = product->rows;
    transposes.a = product->b;
    transposes.a_stride = product->b_stride;
    transposes.a_transposed = !product->b_transposed;
    transposes.b = product->a;
    transposes.b_stride = product->a_stride;
    transposes.b_transposed = !product->a_transposed;
    FN(multiply_by_tiles)(&transposes, 1, scratch);
}

// An estimate of a product's time: multiply-adds, those of idle lanes included, and the packing of a transposed B, which
// takes as long as 8 rows.
LOOM_INLINE size_t FN(product_cost)(size_t rows, size_t columns, size_t inner, _Bool packs) {
    const size_t lanes = (columns + LANES - 1) / LANES * LANES;
    return (rows * lanes + (packs ? 8 * columns : 0)) * inner;
}

// Whether rows belong into the lanes: where fewer of them stay idle, as in gradients with few columns, or where the rows of
// A are quicker to pack than those of a transposed B, as in the forward product of few samples. The transposition of C
// takes as long as 30 steps. More than 96 rows would read a large B again and again. Zen 5, GFLOP/s without and with this:
// δᵀ · x of 64 × 10 × 64 117 and 175, of 64 × 50 × 128 185 and 203; x · Wᵀ of 16 × 1024 × 1024 147 and 182, of
// 64 × 1024 × 1024 205 and 220.
LOOM_INLINE _Bool FN(is_faster_transposed)(const FN(loom_product) *product) {
    const size_t rows = product->rows, columns = product->columns, inner = product->inner;
    return (product->a_transposed || rows <= 96)
        && FN(product_cost)(columns, rows, inner, !product->a_transposed) + 30 * rows * columns
            < FN(product_cost)(rows, columns, inner, product->b_transposed);
}

static void FN(multiply)(const FN(loom_product) *product, Scalar *scratch) {
    if (FN(has_few_columns)(product)) {
        FN(multiply_few_columns)(product);
    } else if (FN(is_faster_transposed)(product)) {
        FN(multiply_transposed)(product, scratch);
    } else {
        FN(multiply_by_tiles)(product, 0, scratch);
    }
}

#undef LOOM_STEPS_AHEAD
#undef LOOM_STEPS_PER_LINE
#undef LOOM_TILES
#undef LOOM_TILE_NAMES_TO_10
#undef LOOM_TILE_NAMES_TO_6
#undef LOOM_TILES_TO_6
#undef LOOM_TILE
#undef LOOM_TILE_ROWS_LIMIT
#undef LOOM_TILE_ROWS
#undef LOOM_PANEL_VECTORS_LIMIT
#undef LOOM_PANEL_VECTORS
#undef LOOM_COPIED_TILE
#undef LOOM_COPIED_ROWS
#undef LOOM_PRODUCT_SMALL_BYTES
#undef LOOM_PRODUCT_LARGE_BYTES
#undef LOOM_PRODUCT_ROW_BLOCK
#undef LOOM_PRODUCT_INNER_BLOCK
