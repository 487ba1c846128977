// Rounding to bfloat16, and the packed forms of a block of 32 × 32 numbers.

typedef uint32_t FN(Words) __attribute__((ext_vector_type(LANES)));
typedef uint16_t FN(Halves) __attribute__((ext_vector_type(LANES), may_alias));

// Rounded to nearest, ties to even: in the low half of each lane. Denormal numbers become 0 with their sign, and NaNs quiet
// ones: what VCVTNEPS2BF16 does.
LOOM_INLINE Integers FN(narrow)(Vector v) {
#if LOOM_BF16_INSTRUCTIONS
    return (Integers)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)v));
#else
    const FN(Words) bits = (FN(Words))v, magnitude = bits & 0x7fffffff;
    const FN(Words) nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    const FN(Words) small = magnitude < 0x00800000 ? bits >> 16 & 0x8000 : nearest;
    return (Integers)(magnitude > 0x7f800000 ? bits >> 16 | 0x40 : small);
#endif
}

// 32 numbers of any alignment, rounded.
LOOM_INLINE void FN(narrow_row)(const float *row, uint16_t *result) {
#if LOOM_BF16_INSTRUCTIONS
    _mm512_store_si512(result, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(row + 16), _mm512_loadu_ps(row)));
#else
    for (size_t j = 0; j < LOOM_BF16_SIDE; j += LANES) {
        const FN(Words) words = (FN(Words))FN(narrow)(FN(load_unaligned)(row + j));
        *(FN(Halves) *)(result + j) = __builtin_convertvector(words, FN(Halves));
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

// Rounds a block of 32 × 32 numbers and writes its forms. `forms` are those of a matrix, (i, j) is the block's place in it.
LOOM_INLINE void FN(pack_block)(const float *block, size_t stride, const loom_bf16_forms *forms, size_t i, size_t j) {
    const size_t half = LOOM_BF16_BLOCK_ELEMENTS / 2;
    const size_t by_rows = (i * forms->row_stride + j) * LOOM_BF16_BLOCK_ELEMENTS;
    const size_t by_columns = (j * forms->column_stride + i) * LOOM_BF16_BLOCK_ELEMENTS;
    _Alignas(64) uint16_t row_scratch[LOOM_BF16_BLOCK_ELEMENTS], pair_scratch[LOOM_BF16_BLOCK_ELEMENTS];
    uint16_t *const rows = forms->left ? forms->left + by_rows : row_scratch;
    for (size_t r = 0; r < LOOM_BF16_SIDE; r++) { FN(narrow_row)(block + r * stride, rows + r * LOOM_BF16_SIDE); }
    if (forms->right_transposed) {
        FN(transpose_pairs)(rows, forms->right_transposed + by_rows);
        FN(transpose_pairs)(rows + half, forms->right_transposed + by_rows + half);
    }
    if (!forms->right && !forms->left_transposed) { return; }
    uint16_t *const pairs = forms->right ? forms->right + by_columns : pair_scratch;
    for (size_t r = 0; r < LOOM_BF16_SIDE; r += 2) {
        FN(pair_rows)(rows + r * LOOM_BF16_SIDE, rows + (r + 1) * LOOM_BF16_SIDE, pairs + r * 16);
    }
    if (forms->left_transposed) {
        FN(transpose_pairs)(pairs, forms->left_transposed + by_columns);
        FN(transpose_pairs)(pairs + half, forms->left_transposed + by_columns + half);
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

static void FN(pack_bf16)(size_t rows, size_t columns, size_t stride, const float *matrix, const loom_bf16_forms *forms,
                          float *row_sums, size_t row_sums_stride) {
    const loom_kernels *const kernels = loom_active_kernels(LOOM_FLOAT32);
    _Alignas(64) float block[LOOM_BF16_BLOCK_ELEMENTS];
    for (size_t i = 0; i < rows; i += LOOM_BF16_SIDE) {
        const size_t block_rows = rows - i < LOOM_BF16_SIDE ? rows - i : LOOM_BF16_SIDE;
        for (size_t j = 0; j < columns; j += LOOM_BF16_SIDE) {
            const size_t block_columns = columns - j < LOOM_BF16_SIDE ? columns - j : LOOM_BF16_SIDE;
            const float *const from = matrix + i * stride + j;
            // A few blocks ahead: rows lie on pages of their own, which processors do not fetch ahead.
            for (size_t r = 0; r < block_rows && j + 3 * LOOM_BF16_SIDE < columns; r++) {
                __builtin_prefetch(from + r * stride + 2 * LOOM_BF16_SIDE);
                __builtin_prefetch(from + r * stride + 2 * LOOM_BF16_SIDE + 16);
            }
            const _Bool is_whole = block_rows == LOOM_BF16_SIDE && block_columns == LOOM_BF16_SIDE;
            if (!is_whole || row_sums) { FN(load_block)(from, stride, block_rows, block_columns, block); }
            if (row_sums) {
                kernels->column_sums(block_rows, block_columns, LOOM_BF16_SIDE, block,
                                     row_sums + i / LOOM_BF16_SIDE * row_sums_stride + j);
            }
            FN(pack_block)(is_whole ? from : block, is_whole ? stride : LOOM_BF16_SIDE, forms, i / LOOM_BF16_SIDE,
                           j / LOOM_BF16_SIDE);
        }
    }
}
