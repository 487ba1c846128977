// Matrix products: C = beta · C + alpha · A · B as a plan says.
//
// The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), from outside in:
// blocks of the inner dimension, row blocks of A, panels of B that all rows of a block meet, and tiles of C that stay in
// registers. A tile takes one element of each row of A at a time; where A is transposed these lie side by side, so only a
// large A is copied (256 × 256 × 256 on Zen 5: 192 GFLOP/s with packed rows, 214 without).

_Static_assert(LOOM_GEMM_PANEL_ELEMENTS >= LOOM_GEMM_INNER_BLOCK * LOOM_PANEL_VECTORS_LIMIT * LANES,
               "room for a panel");
_Static_assert(LOOM_GEMM_COPY_ELEMENTS
                   >= (LOOM_GEMM_MAX_ROW_BLOCK + LOOM_COPIED_ROWS - 1) / LOOM_COPIED_ROWS * LOOM_COPIED_TILE,
               "room for the copied tiles of A");

// The rows of A that meet all panels before the next rows do.
typedef struct {
    const loom_gemm_plan *plan;
    size_t rows;
    const Scalar *a;  // where the block's rows begin
    Scalar *c;
    Scalar *weights;  // of the block's rows; NULL where C is no velocity, or not complete yet
    Scalar learning_rate;
    const loom_gemm_tiling *tiling;  // [of a wider panel]
    _Bool prefetches_before_tile;    // C where the plan prefetches it, and the weights
    FN(Tile) tile;                   // what its tiles have in common
} FN(RowBlock);

// The panel from `column` on, for the `inner` k from `start` on.
static FN(NextPanel) FN(next_panel)(const loom_gemm_shape *shape, const Scalar *b, size_t start, size_t inner,
                                    size_t column, size_t vectors) {
    const size_t stride = shape->b_stride * sizeof(Scalar), piece_bytes = vectors * 64;
    if (!shape->b_transposed) {
        const Scalar *const first = b + start * shape->b_stride + column;
        return (FN(NextPanel)){.piece = (const char *)first, .pieces = inner, .stride = stride, .rows = 1};
    }
    const size_t rest = shape->columns - column, columns = rest < vectors * LANES ? rest : vectors * LANES;
    const size_t pieces = (inner * sizeof(Scalar) + piece_bytes - 1) / piece_bytes;
    return (FN(NextPanel)){
        .piece = (const char *)(b + column * shape->b_stride + start),
        .pieces = pieces,
        .stride = piece_bytes,
        .rows = columns,
        .row_gap = (ptrdiff_t)stride - (ptrdiff_t)(pieces * piece_bytes),
        .pieces_of_row = pieces,
    };
}

LOOM_INLINE void FN(prefetch_rows)(const Scalar *first, size_t stride, size_t rows, size_t vectors) {
    for (size_t r = 0; r < rows; r++) { FN(prefetch_for_writing)(first + r * stride, vectors); }
}

// W -= learning rate · V for the `rows` rows of a tile.
LOOM_INLINE void FN(update_weights)(const FN(Tile) *tile, Scalar learning_rate, size_t rows, size_t vectors) {
    for (size_t r = 0; r < rows; r++) {
        Scalar *const row = tile->weights + r * tile->weights_stride;
        const Scalar *const velocity = tile->c + r * tile->c_stride;
        for (size_t j = 0; j < vectors * LANES; j += LANES) {
            FN(store)(row + j, FN(multiply_add)(FN(load)(velocity + j), -learning_rate, FN(load)(row + j)));
        }
    }
}

// A tile whose C lies as it is, its first element at (row, column).
LOOM_INLINE void FN(plain_tile)(const FN(RowBlock) *block, FN(TileFunction) run, FN(Tile) *tile, size_t row, size_t rows,
                                size_t column, size_t vectors) {
    tile->c = block->c + row * tile->c_stride + column;
    const _Bool has_weights = block->weights != NULL;
    if (has_weights) { tile->weights = block->weights + row * tile->weights_stride + column; }
    if (block->prefetches_before_tile) {
        if (block->plan->prefetches_c) { FN(prefetch_rows)(tile->c, tile->c_stride, rows, vectors); }
        if (has_weights) { FN(prefetch_rows)(tile->weights, tile->weights_stride, rows, vectors); }
    }
    run(tile);
    if (has_weights) { FN(update_weights)(tile, block->learning_rate, rows, vectors); }
}

// A tile whose C lies transposed, element (r, j) at c[j * c_stride + r], and the weights likewise.
LOOM_INLINE void FN(transposed_tile)(const FN(RowBlock) *block, FN(TileFunction) run, FN(Tile) *tile, size_t row,
                                     size_t rows, size_t column, size_t columns, size_t vectors) {
    Scalar sums[LOOM_TILE_ROWS_LIMIT * LOOM_PANEL_VECTORS * LANES] __attribute__((aligned(64)));
    const size_t weights_stride = block->tile.weights_stride, c_stride = block->tile.c_stride;
    const FN(TransposedResult) result = {
        .c = block->c + column * c_stride + row,
        .c_stride = c_stride,
        .weights = block->weights ? block->weights + column * weights_stride + row : NULL,
        .weights_stride = weights_stride,
        .learning_rate = block->learning_rate,
        .alpha = block->tile.alpha,
        .beta = block->tile.beta,
    };
    tile->c = sums;
    tile->c_stride = vectors * LANES;
    tile->alpha = 1;
    tile->beta = 0;
    run(tile);
    FN(store_transposed)(sums, vectors * LANES, rows, columns, &result);
}

// All tiles of the panel of `columns` columns that begins with `column`. `c_transposed` is a constant at every call.
LOOM_INLINE void FN(tiles_of_panel)(_Bool c_transposed, const FN(RowBlock) *block, FN(Tile) *tile, size_t column,
                                    size_t columns, size_t vectors) {
    const loom_gemm_tiling tiling = block->tiling[vectors > block->plan->panel_vectors];
    const size_t copied_tile = block->plan->copies_a ? LOOM_COPIED_TILE : 0;
    const FN(TileFunction) *const run = FN(tiles)[FN(has_hints)(&tile->hints)][vectors - 1];
    size_t row = 0;
    for (size_t t = 0; t < tiling.count; t++) {
        const size_t rest = block->rows - row, share = tiling.rows + (t < tiling.taller);
        const size_t rows = share < rest ? share : rest;
        tile->a = block->a + (copied_tile > 0 ? t * copied_tile : row * tile->a_row);
        if (c_transposed) {
            FN(transposed_tile)(block, run[rows - 1], tile, row, rows, column, columns, vectors);
        } else {
            FN(plain_tile)(block, run[rows - 1], tile, row, rows, column, vectors);
        }
        row += rows;
        // The first tile has packed the panel.
        if (tile->hints.packs_b) {
            tile->hints.packs_b = 0;
            tile->b = tile->packed;
            tile->b_stride = vectors * LANES;
        }
    }
}

// Not inlined: among all that surrounds them, registers are few. 32 × 64 × 10 on Cascade Lake: 82 → 84 GFLOP/s. Tiles whose C
// is transposed lose 5 % that way (512 × 10 × 128). No copy of the tile either, which would wait for what was just written.
static __attribute__((noinline)) void FN(plain_panel)(FN(RowBlock) *block, size_t column, size_t vectors) {
    FN(tiles_of_panel)(0, block, &block->tile, column, 0, vectors);
}

// A panel's hints: what tiles of this block do beside their sums.
LOOM_INLINE void FN(set_hints)(_Bool c_transposed, FN(RowBlock) *block, _Bool has_next, size_t inner) {
    const loom_gemm_plan *const plan = block->plan;
    FN(TileHints) *const hints = &block->tile.hints;
    hints->a = plan->prefetches_a;
    hints->b = plan->prefetches_b || has_next;
    hints->packs_b = plan->packs_b_with_first_tile && block->rows == plan->row_block;
    // Tiles of few k would not get through.
    hints->c = plan->prefetches_c && !c_transposed && inner >= plan->prefetch_c_in_tile_min_inner
        && FN(has_hints)(hints);
    block->prefetches_before_tile = !hints->c && (plan->prefetches_c || block->weights);
}

// `inner` k from `start` on, of all panels, for the block's rows of A.
LOOM_INLINE void FN(panels_of_block)(_Bool c_transposed, FN(RowBlock) *block, const Scalar *b, size_t start,
                                     size_t inner, Scalar *packed) {
    const loom_gemm_plan *const plan = block->plan;
    const loom_gemm_shape *const shape = &plan->shape;
    const size_t stride = shape->b_stride;
    block->tile.packed = packed;
    block->tile.weights = NULL;
    size_t column = 0;
    for (size_t p = 0; p < plan->panels; p++) {
        const size_t vectors = plan->panel_vectors + (p < plan->wider_panels), columns = shape->columns - column;
        const Scalar *const panel = b + (shape->b_transposed ? column * stride + start : start * stride + column);
        if (shape->b_transposed) {
            FN(pack_transposed)(inner, columns, vectors, panel, stride, packed);
        } else if (plan->packs_b) {
            FN(pack_panel)(inner, columns, vectors, panel, stride, packed);
        }
        block->tile.b = plan->packs_b ? packed : panel;
        block->tile.b_stride = plan->packs_b ? vectors * LANES : stride;
        FN(NextPanel) next = {.pieces = 0};
        if (plan->prefetches_next_panel && p + 1 < plan->panels) {
            const size_t next_vectors = plan->panel_vectors + (p + 1 < plan->wider_panels);
            next = FN(next_panel)(shape, b, start, inner, column + vectors * LANES, next_vectors);
        }
        block->tile.next = &next;
        FN(set_hints)(c_transposed, block, next.pieces > 0, inner);
        if (c_transposed) {
            FN(Tile) tile = block->tile;
            FN(tiles_of_panel)(1, block, &tile, column, columns < vectors * LANES ? columns : vectors * LANES, vectors);
        } else {
            FN(plain_panel)(block, column, vectors);
        }
        column += vectors * LANES;
    }
}

// The block's rows of A for `inner` k, tile by tile.
LOOM_INLINE void FN(copy_rows)(FN(RowBlock) *block, size_t inner, Scalar *copy) {
    const loom_gemm_shape *const shape = &block->plan->shape;
    if (shape->a_transposed) {
        FN(copy_tiles)(block->rows, LOOM_COPIED_ROWS, inner, block->a, shape->a_stride, copy, LOOM_COPIED_TILE);
    } else {
        FN(copy_tiles_transposed)(block->rows, LOOM_COPIED_ROWS, inner, block->a, shape->a_stride, copy,
                                  LOOM_COPIED_TILE);
    }
    block->a = copy;
    block->tile.a_row = 1;
    block->tile.a_k = LOOM_COPIED_ROWS;
}

// `c_transposed` is a constant at every call: then `plan` is that of the transposes, and `a` and `b` are theirs.
LOOM_INLINE void FN(gemm_loops)(_Bool c_transposed, const loom_gemm_plan *plan, const loom_gemm_operands *operands,
                                const Scalar *a, const Scalar *b, Scalar *scratch) {
    const loom_gemm_shape *const shape = &plan->shape;
    FN(RowBlock) block = {.plan = plan, .learning_rate = (Scalar)operands->learning_rate};
    const size_t a_row = shape->a_transposed ? 1 : shape->a_stride, a_k = shape->a_transposed ? shape->a_stride : 1;
    const size_t c_row = c_transposed ? 1 : shape->c_stride, weights_row = c_transposed ? 1 : shape->weights_stride;
    Scalar *const weights = shape->updates_weights ? operands->weights : NULL;
    block.tile.c_stride = shape->c_stride;
    block.tile.weights_stride = shape->weights_stride;
    block.tile.alpha = (Scalar)operands->alpha;
    block.tile.prefetch_distance = plan->prefetch_distance;
    block.tile.prefetch_interval = plan->prefetch_interval;
    for (size_t start = 0; start < shape->inner || start == 0; start += LOOM_GEMM_INNER_BLOCK) {
        const size_t rest = shape->inner - start, inner = rest < LOOM_GEMM_INNER_BLOCK ? rest : LOOM_GEMM_INNER_BLOCK;
        block.tile.inner = inner;
        block.tile.beta = start == 0 ? (Scalar)operands->beta : (Scalar)1;
        for (size_t row = 0; row < shape->rows; row += plan->row_block) {
            const _Bool is_last = shape->rows - row < plan->row_block;
            block.rows = is_last ? shape->rows - row : plan->row_block;
            block.tiling = plan->tiling[is_last];
            block.tile.a_row = a_row;
            block.tile.a_k = a_k;
            block.a = a + row * a_row + start * a_k;
            block.c = (Scalar *)operands->c + row * c_row;
            block.weights = weights && inner == rest ? weights + row * weights_row : NULL;
            if (plan->copies_a) { FN(copy_rows)(&block, inner, scratch + LOOM_GEMM_PANEL_ELEMENTS); }
            FN(panels_of_block)(c_transposed, &block, b, start, inner, scratch);
        }
    }
}

static void FN(gemm_tiles)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch) {
    FN(gemm_loops)(0, plan, operands, operands->a, operands->b, scratch);
}

static void FN(gemm_tiles_transposed)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch) {
    FN(gemm_loops)(1, plan, operands, operands->b, operands->a, scratch);
}

static void FN(gemm_dot)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch) {
    (void)scratch;
    const loom_gemm_shape *const shape = &plan->shape;
    const FN(loom_product) product = {
        .rows = shape->rows, .columns = shape->columns, .inner = shape->inner,
        .alpha = (Scalar)operands->alpha, .beta = (Scalar)operands->beta,
        .a = operands->a, .a_stride = shape->a_stride, .b = operands->b, .b_stride = shape->b_stride,
        .c = operands->c, .c_stride = shape->c_stride,
        .a_transposed = shape->a_transposed, .b_transposed = shape->b_transposed,
    };
    FN(multiply_by_dots)(&product);
}

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
