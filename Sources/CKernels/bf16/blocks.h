// Rounding to bfloat16, and the packed forms of a block of 32 × 32 numbers.

typedef uint32_t FN(Words) __attribute__((ext_vector_type(LANES)));
typedef uint16_t FN(Halves) __attribute__((ext_vector_type(LANES), may_alias));

// Rows or columns, of `count` in all, in block `index`.
LOOM_INLINE size_t FN(block_extent)(size_t count, size_t index) {
    const size_t left_over = count - index * LOOM_BF16_SIDE;
    return left_over < LOOM_BF16_SIDE ? left_over : LOOM_BF16_SIDE;
}

// The first element of block (i, j) in a row-major matrix.
LOOM_INLINE size_t FN(block_start)(size_t stride, size_t i, size_t j) { return i * LOOM_BF16_SIDE * stride + j * LOOM_BF16_SIDE; }

// 32 numbers of any alignment, rounded to nearest, ties to even. Denormal numbers become 0 with their sign, and NaNs quiet ones:
// what VCVTNEPS2BF16 does.
LOOM_INLINE void FN(narrow_row)(const float *row, uint16_t *result) {
#if LOOM_BF16_INSTRUCTIONS
    _mm512_store_si512(result, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(row + 16), _mm512_loadu_ps(row)));
#else
    for (size_t j = 0; j < LOOM_BF16_SIDE; j += LANES) {
        const FN(Words) bits = (FN(Words))FN(load_unaligned)(row + j), magnitude = bits & 0x7fffffff;
        const FN(Words) nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        const FN(Words) finite = magnitude < 0x00800000 ? bits >> 16 & 0x8000 : nearest;
        const FN(Words) narrow = magnitude > 0x7f800000 ? bits >> 16 | 0x40 : finite;
        *(FN(Halves) *)(result + j) = __builtin_convertvector(narrow, FN(Halves));
    }
#endif
}

// Two rows of 32 as 32 pairs: those of the first 16 columns, and 512 numbers behind them those of the others.
LOOM_INLINE void FN(pair_rows)(const uint16_t *even, const uint16_t *odd, uint16_t *pairs) {
    for (size_t j = 0; j < LOOM_BF16_SIDE; j += LANES) {
        const FN(Words) first = __builtin_convertvector(*(const FN(Halves) *)(even + j), FN(Words));
        const FN(Words) second = __builtin_convertvector(*(const FN(Halves) *)(odd + j), FN(Words));
        FN(store)((float *)(pairs + j / 16 * (LOOM_BF16_BLOCK_ELEMENTS / 2)) + j % 16, (Vector)(first | second << 16));
    }
}

// A row-major block of bfloat16 as float32.
LOOM_INLINE void FN(widen_block)(const uint16_t *packed, float *block) {
    for (size_t i = 0; i < LOOM_BF16_BLOCK_ELEMENTS; i += LANES) {
        const FN(Words) words = __builtin_convertvector(*(const FN(Halves) *)(packed + i), FN(Words));
        FN(store)(block + i, (Vector)(words << 16));
    }
}

// 16 × 16 pairs of numbers, transposed. The places are aligned to 64 bytes.
LOOM_INLINE void FN(transpose_pairs)(const uint16_t *source, uint16_t *destination) {
    const float *const from = (const float *)source;
    float *const to = (float *)destination;
    for (size_t i = 0; i < 16; i += LANES) {
        for (size_t j = 0; j < 16; j += LANES) {
            Vector lanes[LANES];
            for (size_t k = 0; k < LANES; k++) { lanes[k] = FN(load)(from + 16 * (i + k) + j); }
            FN(transpose)(lanes);
            for (size_t k = 0; k < LANES; k++) { FN(store)(to + 16 * (j + k) + i, lanes[k]); }
        }
    }
}

// The forms of a matrix from block (i, j) on.
LOOM_INLINE loom_bf16_forms FN(forms_from)(const loom_bf16_forms *forms, size_t i, size_t j) {
    const size_t by_rows = (i * forms->row_stride + j) * LOOM_BF16_BLOCK_ELEMENTS;
    const size_t by_columns = (j * forms->column_stride + i) * LOOM_BF16_BLOCK_ELEMENTS;
    loom_bf16_forms result = *forms;
    if (result.left) { result.left += by_rows; }
    if (result.right_transposed) { result.right_transposed += by_rows; }
    if (result.right) { result.right += by_columns; }
    if (result.left_transposed) { result.left_transposed += by_columns; }
    return result;
}

// Rounds a block of 32 × 32 numbers and writes its forms. `forms` are those of a matrix, (i, j) is the block's place in it.
LOOM_INLINE void FN(pack_block)(const float *block, size_t stride, const loom_bf16_forms *forms, size_t i, size_t j) {
    const size_t half = LOOM_BF16_BLOCK_ELEMENTS / 2;
    const loom_bf16_forms to = FN(forms_from)(forms, i, j);
    _Alignas(64) uint16_t row_scratch[LOOM_BF16_BLOCK_ELEMENTS], pair_scratch[LOOM_BF16_BLOCK_ELEMENTS];
    uint16_t *const rows = to.left ? to.left : row_scratch;
    for (size_t r = 0; r < LOOM_BF16_SIDE; r++) { FN(narrow_row)(block + r * stride, rows + r * LOOM_BF16_SIDE); }
    if (to.right_transposed) {
        FN(transpose_pairs)(rows, to.right_transposed);
        FN(transpose_pairs)(rows + half, to.right_transposed + half);
    }
    if (!to.right && !to.left_transposed) { return; }
    uint16_t *const pairs = to.right ? to.right : pair_scratch;
    for (size_t r = 0; r < LOOM_BF16_SIDE; r += 2) {
        FN(pair_rows)(rows + r * LOOM_BF16_SIDE, rows + (r + 1) * LOOM_BF16_SIDE, pairs + r * 16);
    }
    if (to.left_transposed) {
        FN(transpose_pairs)(pairs, to.left_transposed);
        FN(transpose_pairs)(pairs + half, to.left_transposed + half);
    }
}

// Copies a part of a matrix into a block, and zeros around it.
LOOM_INLINE void FN(load_block)(const float *matrix, size_t stride, size_t rows, size_t columns, float *block) {
    for (size_t r = 0; r < LOOM_BF16_SIDE; r++) {
        for (size_t c = 0; c < LOOM_BF16_SIDE; c += LANES) {
            // Behind the matrix there may be no memory.
            Vector v = 0;
            const float *const from = matrix + r * stride + c;
            if (r < rows && c + LANES <= columns) {
                v = FN(load_unaligned)(from);
            } else if (r < rows && c < columns) {
                v = FN(load_first)(from, columns - c);
            }
            FN(store)(block + r * LOOM_BF16_SIDE + c, v);
        }
    }
}

// Zeros in what lies outside the matrix.
LOOM_INLINE void FN(clear_padding)(float *block, size_t rows, size_t columns) {
    if (rows == LOOM_BF16_SIDE && columns == LOOM_BF16_SIDE) { return; }
    for (size_t r = 0; r < LOOM_BF16_SIDE; r++) {
        const size_t first = r < rows ? columns : 0;
        memset(block + r * LOOM_BF16_SIDE + first, 0, (LOOM_BF16_SIDE - first) * sizeof *block);
    }
}

// Packs block (i, j) of a matrix, which begins at `from` and has these rows and columns.
LOOM_INLINE void FN(pack_part)(const float *from, size_t stride, size_t rows, size_t columns, const loom_bf16_forms *forms,
                               size_t i, size_t j) {
    if (rows == LOOM_BF16_SIDE && columns == LOOM_BF16_SIDE) {
        FN(pack_block)(from, stride, forms, i, j);
        return;
    }
    _Alignas(64) float block[LOOM_BF16_BLOCK_ELEMENTS];
    FN(load_block)(from, stride, rows, columns, block);
    FN(pack_block)(block, LOOM_BF16_SIDE, forms, i, j);
}

static void FN(pack_bf16)(size_t rows, size_t columns, size_t stride, const float *matrix, const loom_bf16_forms *forms,
                          float *row_sums, size_t row_sums_stride) {
    const loom_kernels *const kernels = loom_active_kernels(LOOM_FLOAT32);
    for (size_t i = 0; i < loom_bf16_blocks(rows); i++) {
        const size_t block_rows = FN(block_extent)(rows, i);
        for (size_t j = 0; j < loom_bf16_blocks(columns); j++) {
            const float *const from = matrix + FN(block_start)(stride, i, j);
            const size_t block_columns = FN(block_extent)(columns, j);
            // A few blocks ahead: rows lie on pages of their own, which processors do not fetch ahead.
            for (size_t r = 0; r < block_rows && (j + 3) * LOOM_BF16_SIDE < columns; r++) {
                __builtin_prefetch(from + r * stride + 2 * LOOM_BF16_SIDE);
                __builtin_prefetch(from + r * stride + 2 * LOOM_BF16_SIDE + 16);
            }
            if (row_sums) {
                // Kernels want aligned rows.
                _Alignas(64) float block[LOOM_BF16_BLOCK_ELEMENTS];
                FN(load_block)(from, stride, block_rows, block_columns, block);
                kernels->column_sums(block_rows, block_columns, LOOM_BF16_SIDE, block,
                                     row_sums + i * row_sums_stride + j * LOOM_BF16_SIDE);
            }
            FN(pack_part)(from, stride, block_rows, block_columns, forms, i, j);
        }
    }
}
