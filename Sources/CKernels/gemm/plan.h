// How a product is carried out: the kernel, its blocking, what is packed and what is prefetched. Only shapes and the tuning
// table enter, and no choice made here changes a bit, but for that of the dot kernel (`prefers_dot`).

static void FN(gemm_tiles)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch);
static void FN(gemm_tiles_transposed)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch);
static void FN(gemm_dot)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch);

LOOM_INLINE uint32_t FN(ceiling)(uint32_t count, uint32_t size) { return (count + size - 1) / size; }

// Whether panels may be as wide as tiles can be: where that makes fewer tiles of the rows, or of few columns fewer panels of
// two vectors, whose tiles are slower.
LOOM_INLINE _Bool FN(prefers_wide_panels)(const loom_gemm_shape *shape, const loom_gemm_tuning *tuning) {
    const uint32_t vectors = FN(ceiling)(shape->columns, LANES);
    const uint32_t tiles = FN(ceiling)(shape->rows, LOOM_TILE_ROWS(LOOM_PANEL_VECTORS));
    const uint32_t wide_tiles = FN(ceiling)(shape->rows, LOOM_TILE_ROWS(LOOM_PANEL_VECTORS_LIMIT));
    return (vectors <= tuning->wide_panel_max_vectors && vectors % LOOM_PANEL_VECTORS != 0)
        || (size_t)wide_tiles * LOOM_PANEL_VECTORS < (size_t)tiles * LOOM_PANEL_VECTORS_LIMIT;
}

// The tiles that `rows` rows need. By a constant in each case: a division takes as long as the rest of a small plan.
LOOM_INLINE uint32_t FN(tile_count)(uint32_t rows, uint32_t vectors) {
    switch (vectors) {
    case 1: return FN(ceiling)(rows, LOOM_TILE_ROWS(1));
    case 2: return FN(ceiling)(rows, LOOM_TILE_ROWS(2));
    case 3: return FN(ceiling)(rows, LOOM_TILE_ROWS(3));
    default: return FN(ceiling)(rows, LOOM_TILE_ROWS(4));
    }
}

// The tiles of a copied A are full; others are as even as can be.
LOOM_INLINE loom_gemm_tiling FN(tiling)(uint32_t rows, uint32_t vectors, _Bool copies_a) {
    if (copies_a) { return (loom_gemm_tiling){FN(ceiling)(rows, LOOM_COPIED_ROWS), LOOM_COPIED_ROWS, 0}; }
    const uint32_t count = FN(tile_count)(rows, vectors);
    return count <= 1 ? (loom_gemm_tiling){count, rows, 0} : (loom_gemm_tiling){count, rows / count, rows % count};
}

// Cuts columns into panels, and the rows of each row block into tiles.
LOOM_INLINE void FN(plan_blocking)(const loom_gemm_tuning *tuning, loom_gemm_plan *plan) {
    const loom_gemm_shape *const shape = &plan->shape;
    const _Bool is_wide = !plan->copies_a && FN(prefers_wide_panels)(shape, tuning);
    const uint32_t vectors = FN(ceiling)(shape->columns, LANES);
    const uint32_t panels =
        is_wide ? FN(ceiling)(vectors, LOOM_PANEL_VECTORS_LIMIT) : FN(ceiling)(vectors, LOOM_PANEL_VECTORS);
    plan->panels = panels;
    plan->panel_vectors = panels <= 1 ? vectors : vectors / panels;
    plan->wider_panels = panels <= 1 ? 0 : vectors % panels;
    const uint32_t last = shape->rows < plan->row_block ? shape->rows : shape->rows % plan->row_block;
    for (size_t is_wider = 0; is_wider <= (plan->wider_panels > 0); is_wider++) {
        const uint32_t width = plan->panel_vectors + is_wider;
        plan->tiling[1][is_wider] = FN(tiling)(last, width, plan->copies_a);
        if (shape->rows < plan->row_block) { continue; }
        plan->tiling[0][is_wider] = FN(tiling)(plan->row_block, width, plan->copies_a);
    }
}

// What is packed, copied and prefetched. The tuning table holds what each of these is worth.
LOOM_INLINE void FN(plan_memory)(const loom_gemm_tuning *tuning, loom_gemm_plan *plan) {
    const loom_gemm_shape *const shape = &plan->shape;
    const size_t inner = shape->inner, rows = shape->rows, columns = shape->columns, bytes = sizeof(Scalar);
    const size_t block_inner = inner < LOOM_GEMM_INNER_BLOCK ? inner : LOOM_GEMM_INNER_BLOCK;
    const size_t block_rows = rows < plan->row_block ? rows : plan->row_block;
    const _Bool is_near = inner * (rows + columns) * bytes <= tuning->prefetch_min_bytes;
    // A panel whose rows are whole vectors is read as it lies.
    plan->packs_b = shape->b_transposed || !shape->b_aligned || shape->b_stride * bytes % 64 != 0;
    // The processor does not see rows coming that are far from each other.
    plan->prefetches_b =
        !is_near && !plan->packs_b && shape->b_stride * bytes >= tuning->prefetch_b_min_stride_bytes;
    // Every k of a tile reads another row of a transposed A, and one of B: each on a page of its own, they are more than a
    // processor remembers the places of. Tiles of a copy lie in one piece.
    plan->copies_a = columns >= (shape->a_transposed ? tuning->copy_a_min_columns_transposed : tuning->copy_a_min_columns)
        && block_inner * block_rows * bytes >= tuning->copy_a_min_bytes;
    plan->prefetches_a = !is_near && shape->a_transposed && !plan->copies_a;
    // Tiles meet a panel faster that lies in one piece. Where many meet it, the first one packs it as it multiplies.
    plan->packs_b_with_first_tile =
        plan->prefetches_b && block_rows == plan->row_block && block_inner >= tuning->pack_first_tile_min_inner;
    // A B that leaves no room in the second-level cache comes from farther away, and so does C.
    plan->prefetches_next_panel = inner * columns * bytes >= tuning->prefetch_panel_min_bytes;
    // Where C is added to, it is read from where the block before left it.
    plan->prefetches_c = plan->prefetches_next_panel
        || ((shape->accumulates || inner > LOOM_GEMM_INNER_BLOCK)
            && rows * columns * bytes >= tuning->prefetch_c_min_bytes);
    plan->prefetch_distance = tuning->prefetch_distance;
    plan->prefetch_interval = tuning->prefetch_interval;
    plan->prefetch_c_in_tile_min_inner = tuning->prefetch_c_in_tile_min_inner;
    const _Bool packs = plan->packs_b || plan->packs_b_with_first_tile;
    plan->scratch_bytes = ((packs || plan->copies_a ? LOOM_GEMM_PANEL_ELEMENTS : 0)
                           + (plan->copies_a ? LOOM_GEMM_COPY_ELEMENTS : 0)) * bytes;
}

LOOM_INLINE void FN(plan_tiles)(const loom_gemm_shape *shape, const loom_gemm_tuning *tuning, loom_gemm_plan *plan) {
    plan->shape = *shape;
    // Whatever a caller's tuning says: copied rows have no room for more, and without any a product would not end.
    const uint32_t row_block = tuning->row_block > 0 ? tuning->row_block : 1;
    plan->row_block = row_block < LOOM_GEMM_MAX_ROW_BLOCK ? row_block : LOOM_GEMM_MAX_ROW_BLOCK;
    plan->lanes = LANES;
    FN(plan_memory)(tuning, plan);
    FN(plan_blocking)(tuning, plan);
}

// Cᵀ = Bᵀ · Aᵀ: the same sums.
LOOM_INLINE loom_gemm_shape FN(transposed_shape)(const loom_gemm_shape *shape) {
    loom_gemm_shape result = *shape;
    result.rows = shape->columns;
    result.columns = shape->rows;
    result.a_stride = shape->b_stride;
    result.b_stride = shape->a_stride;
    result.a_transposed = !shape->b_transposed;
    result.b_transposed = !shape->a_transposed;
    result.a_aligned = shape->b_aligned;
    result.b_aligned = shape->a_aligned;
    return result;
}

// An estimate of a product's time: multiply-adds, those of idle lanes included, and the packing of a transposed B.
LOOM_INLINE size_t FN(gemm_cost)(size_t rows, size_t columns, size_t inner, size_t packing_cost_rows) {
    const size_t lanes = (columns + LANES - 1) / LANES * LANES;
    return (rows * lanes + packing_cost_rows * columns) * inner;
}

// Whether rows belong into the lanes: where fewer of them stay idle, as in gradients with few columns, or where the rows of
// A are quicker to pack than those of a transposed B, as in the forward product of few samples.
LOOM_INLINE _Bool FN(is_faster_transposed)(const loom_gemm_shape *shape, const loom_gemm_tuning *tuning) {
    const size_t rows = shape->rows, columns = shape->columns, inner = shape->inner;
    const size_t packing = tuning->packing_cost_rows;
    return (shape->a_transposed || rows <= tuning->transposed_max_rows)
        && FN(gemm_cost)(columns, rows, inner, shape->a_transposed ? 0 : packing)
                + tuning->transposition_cost_inner * rows * columns
            < FN(gemm_cost)(rows, columns, inner, shape->b_transposed ? packing : 0);
}

static void FN(plan_gemm)(const loom_gemm_shape *shape, const loom_gemm_tuning *tuning, loom_gemm_plan *plan) {
    if (!tuning) { tuning = loom_gemm_tuning_of(LOOM_INSTRUCTION_SET); }
    const FN(loom_product) product = {
        .rows = shape->rows, .columns = shape->columns, .inner = shape->inner,
        .a_transposed = shape->a_transposed, .b_transposed = shape->b_transposed,
    };
    if (FN(prefers_dot)(&product)) {
        plan->run = FN(gemm_dot);
        plan->kernel = LOOM_GEMM_DOT;
        plan->shape = *shape;
        plan->scratch_bytes = 0;
    } else if (FN(is_faster_transposed)(shape, tuning)) {
        const loom_gemm_shape transposed = FN(transposed_shape)(shape);
        plan->run = FN(gemm_tiles_transposed);
        plan->kernel = LOOM_GEMM_TILES_TRANSPOSED;
        FN(plan_tiles)(&transposed, tuning, plan);
    } else {
        plan->run = FN(gemm_tiles);
        plan->kernel = LOOM_GEMM_TILES;
        FN(plan_tiles)(shape, tuning, plan);
    }
}
