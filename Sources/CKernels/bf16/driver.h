// The loops over the blocks of a product, and what follows each block of the result while it is in the cache.
//
// For each block column of the result, LOOM_BF16_GROUP_BLOCKS block rows at a time meet the same panels of the right factor,
// LOOM_BF16_PANEL_BLOCKS blocks of the inner dimension after the other. Blocks of the left factor are read once for each block
// column, those of the right one once for each group.

// Rounds to nearest, takes denormal numbers for 0 and puts 0 in place of results that would be denormal, until the settings
// that were there are back.
LOOM_INLINE unsigned FN(flush_denormals)(void) {
    enum { FLUSH_TO_ZERO = 1 << 15, NO_EXCEPTIONS = 0x3f << 7, DENORMALS_ARE_ZERO = 1 << 6 };
    const unsigned settings = _mm_getcsr();
    _mm_setcsr(FLUSH_TO_ZERO | NO_EXCEPTIONS | DENORMALS_ARE_ZERO);
    return settings;
}

typedef void FN(ProductBlock)(const uint16_t *left, const uint16_t *right, size_t inner_blocks, float *c, _Bool continues,
                              size_t rows, size_t columns, lines_ahead *ahead);

// Writes a block to a place in a matrix, or adds it to what is there: whole vectors, that is with the padding of its rows.
LOOM_INLINE void FN(store_block)(const float *block, size_t rows, size_t columns, _Bool adds, float *to, size_t stride) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c += LANES) {
            const Vector v = FN(load)(block + r * LOOM_BF16_SIDE + c);
            FN(store)(to + r * stride + c, adds ? FN(load)(to + r * stride + c) + v : v);
        }
    }
}

// block += what is at a place in a matrix.
LOOM_INLINE void FN(add_to_block)(const float *from, size_t stride, size_t rows, size_t columns, float *block) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c += LANES) {
            float *const to = block + r * LOOM_BF16_SIDE + c;
            FN(store)(to, FN(load)(from + r * stride + c) + FN(load)(to));
        }
    }
}

static void FN(activate_block)(const loom_bf16_product *product, float *block, float *other, size_t i, size_t j, size_t rows,
                               size_t columns) {
    const loom_kernels *const kernels = loom_active_kernels(LOOM_FLOAT32);
    const float *const bias = product->bias ? product->bias + j * LOOM_BF16_SIDE : NULL;
    float *const outputs = product->pre_activations ? other : block;
    kernels->activate(product->activation, rows, columns, LOOM_BF16_SIDE, bias, block, outputs);
    if (product->pre_activations) {
        const size_t stride = product->pre_activations_stride;
        FN(store_block)(block, rows, columns, 0, product->pre_activations + FN(block_start)(stride, i, j), stride);
    }
    FN(clear_padding)(outputs, rows, columns);
    FN(pack_block)(outputs, LOOM_BF16_SIDE, &product->packed, i, j);
}

static void FN(derive_block)(const loom_bf16_product *product, float *block, float *other, size_t i, size_t j, size_t rows,
                             size_t columns) {
    const loom_kernels *const kernels = loom_active_kernels(LOOM_FLOAT32);
    if (product->pre_activations) {
        const size_t stride = product->pre_activations_stride;
        FN(load_block)(product->pre_activations + FN(block_start)(stride, i, j), stride, rows, columns, other);
    } else if (product->outputs) {
        FN(widen_block)(product->outputs + (i * product->outputs_stride + j) * LOOM_BF16_BLOCK_ELEMENTS, other);
    }
    kernels->multiply_derivative(product->activation, rows, columns, LOOM_BF16_SIDE, other, block);
    FN(clear_padding)(block, rows, columns);
    if (product->delta_sums) {
        kernels->column_sums(rows, columns, LOOM_BF16_SIDE, block,
                             product->delta_sums + i * product->delta_sums_stride + j * LOOM_BF16_SIDE);
    }
    FN(pack_block)(block, LOOM_BF16_SIDE, &product->packed, i, j);
}

static void FN(update_block_bf16)(const loom_bf16_product *product, float *block, size_t i, size_t j, size_t rows,
                                  size_t columns) {
    const size_t stride = product->weights_stride, place = FN(block_start)(stride, i, j);
    FN(clear_padding)(block, rows, columns);
    loom_update update = *product->update;
    update.gradient_stride = LOOM_BF16_SIDE;
    product->update_rule(&update, rows, columns, stride, product->weights + place, block,
                         product->first_state ? product->first_state + place : NULL,
                         product->second_state ? product->second_state + place : NULL);
    FN(pack_part)(product->weights + place, stride, rows, columns, &product->packed, i, j);
}

LOOM_INLINE void FN(finish_block)(const loom_bf16_product *product, float *block, float *other, size_t i, size_t j) {
    const size_t rows = FN(block_extent)(product->rows, i), columns = FN(block_extent)(product->columns, j);
    const size_t stride = product->result_stride, place = FN(block_start)(stride, i, j);
    if (product->epilogue == LOOM_BF16_STORE) {
        FN(clear_padding)(block, rows, columns);
        FN(store_block)(block, rows, columns, product->accumulates, product->result + place, stride);
        return;
    }
    if (product->accumulates) { FN(add_to_block)(product->result + place, stride, rows, columns, block); }
    switch (product->epilogue) {
    case LOOM_BF16_ACTIVATE: FN(activate_block)(product, block, other, i, j, rows, columns); break;
    case LOOM_BF16_DERIVE: FN(derive_block)(product, block, other, i, j, rows, columns); break;
    default: FN(update_block_bf16)(product, block, i, j, rows, columns); break;
    }
}

LOOM_INLINE void FN(add_stream)(lines_ahead *ahead, const void *first, size_t step) {
    if (first) {
        ahead->streams[ahead->count].next = first;
        ahead->streams[ahead->count++].step = step;
    }
}

// A block of a matrix in float32, which begins at `place`.
LOOM_INLINE void FN(add_matrix)(lines_ahead *ahead, const float *matrix, size_t place, size_t stride, size_t columns) {
    for (size_t c = 0; matrix && c < columns; c += 16) {
        FN(add_stream)(ahead, matrix + place + c, stride * sizeof *matrix);
    }
}

// Begins with what follows block (i, j), of which the product multiplies `panel` blocks of the inner dimension meanwhile.
LOOM_INLINE void FN(plan_lines_ahead)(const loom_bf16_product *product, size_t i, size_t j, size_t panel,
                                      lines_ahead *ahead) {
    enum { LINE_BYTES = 64, ROWS_FOR_A_BLOCK = LOOM_BF16_SIDE / 4 };
    const size_t columns = FN(block_extent)(product->columns, j);
    ahead->rows = FN(block_extent)(product->rows, i);
    ahead->rows_at_a_time = (ROWS_FOR_A_BLOCK + panel - 1) / panel;
    ahead->count = 0;
    if (product->epilogue == LOOM_BF16_STORE) {
        const size_t stride = product->result_stride;
        FN(add_matrix)(ahead, product->result, FN(block_start)(stride, i, j), stride, columns);
        return;
    }
    if (product->epilogue == LOOM_BF16_UPDATE) {
        const size_t stride = product->weights_stride, place = FN(block_start)(stride, i, j);
        FN(add_matrix)(ahead, product->weights, place, stride, columns);
        FN(add_matrix)(ahead, product->first_state, place, stride, columns);
        FN(add_matrix)(ahead, product->second_state, place, stride, columns);
    } else {
        const size_t stride = product->pre_activations_stride;
        FN(add_matrix)(ahead, product->pre_activations, FN(block_start)(stride, i, j), stride, columns);
        if (product->outputs) {
            FN(add_stream)(ahead, product->outputs + (i * product->outputs_stride + j) * LOOM_BF16_BLOCK_ELEMENTS, LINE_BYTES);
        }
    }
    const loom_bf16_forms forms = FN(forms_from)(&product->packed, i, j);
    FN(add_stream)(ahead, forms.left, LINE_BYTES);
    FN(add_stream)(ahead, forms.right_transposed, LINE_BYTES);
    FN(add_stream)(ahead, forms.right, LINE_BYTES);
    FN(add_stream)(ahead, forms.left_transposed, LINE_BYTES);
}

// `flushes`: whether the processor has to be told how to round, and to take denormal numbers for 0, meanwhile.
LOOM_INLINE void FN(multiply_bf16)(FN(ProductBlock) multiply, _Bool flushes, const loom_bf16_product *product, void *scratch) {
    const size_t block_rows = loom_bf16_blocks(product->rows), block_columns = loom_bf16_blocks(product->columns);
    const size_t inner_blocks = loom_bf16_blocks(product->inner);
    lines_ahead ahead = {0};
    float *const blocks = scratch, *const other = blocks + LOOM_BF16_GROUP_BLOCKS * LOOM_BF16_BLOCK_ELEMENTS;
    for (size_t first = 0; first < block_rows; first += LOOM_BF16_GROUP_BLOCKS) {
        const size_t left_over = block_rows - first;
        const size_t count = left_over < LOOM_BF16_GROUP_BLOCKS ? left_over : LOOM_BF16_GROUP_BLOCKS;
        for (size_t j = 0; j < block_columns; j++) {
            const size_t columns = FN(block_extent)(product->columns, j);
            // Sums of nothing.
            if (inner_blocks == 0) { memset(blocks, 0, count * LOOM_BF16_BLOCK_ELEMENTS * sizeof *blocks); }
            const unsigned settings = flushes ? FN(flush_denormals)() : 0;
            for (size_t k = 0; k < inner_blocks; k += LOOM_BF16_PANEL_BLOCKS) {
                const size_t panel = inner_blocks - k < LOOM_BF16_PANEL_BLOCKS ? inner_blocks - k : LOOM_BF16_PANEL_BLOCKS;
                const _Bool is_last = k + LOOM_BF16_PANEL_BLOCKS >= inner_blocks;
                for (size_t i = first; i < first + count; i++) {
                    if (is_last) { FN(plan_lines_ahead)(product, i, j, panel, &ahead); }
                    multiply(product->left + (i * product->left_stride + k) * LOOM_BF16_BLOCK_ELEMENTS,
                             product->right + (j * product->right_stride + k) * LOOM_BF16_BLOCK_ELEMENTS, panel,
                             blocks + (i - first) * LOOM_BF16_BLOCK_ELEMENTS, k > 0,
                             FN(block_extent)(product->rows, i), columns, &ahead);
                }
            }
            if (flushes) { _mm_setcsr(settings); }
            for (size_t i = first; i < first + count; i++) {
                FN(finish_block)(product, blocks + (i - first) * LOOM_BF16_BLOCK_ELEMENTS, other, i, j);
            }
        }
    }
}
