// Products of bfloat16 factors with sums in float32, and what follows a product while its result is in the cache.
//
// PACKED FACTORS. A factor is a grid of blocks of 32 × 32 elements, 2 KB each, blocks of one block row side by side along the
// inner dimension. What lies outside the matrix is 0. A block of a left factor is row-major. A block of a right factor
// (inner × columns) has pairs of neighbours along the inner dimension side by side, 16 columns after 16 columns:
// element (k, j) is at [j / 16][k / 2][j % 16][k % 2].
//
// BITS. Products of bfloat16 are exact in float32; sums are rounded to nearest, with denormal numbers taken for 0 and results
// that would be denormal replaced by 0, whatever the processor's settings. Two definitions, after two kinds of instructions:
//   LOOM_BF16_DOT    the element of C is one chain of fused multiply-adds from 0: of each pair of k first the odd one, then the
//                    even one.
//   LOOM_BF16_TILES  for every 32 k, one chain from 0 over the even and one over the odd ones; their sum is added to C.
// Neither depends on how a product is cut by rows or columns. Every x86-64 processor can form both from float32's
// multiply-adds, with AVX2 at half of float32's speed and more.
#ifndef LOOM_BF16_H
#define LOOM_BF16_H

#include "kernels.h"

#pragma clang assume_nonnull begin

// MARK: Factors

enum {
    LOOM_BF16_SIDE = 32,              // rows and columns of a block
    LOOM_BF16_BLOCK_ELEMENTS = 1024,  // of a block
};

// Blocks that `count` rows or columns take.
static inline size_t loom_bf16_blocks(size_t count) { return (count + LOOM_BF16_SIDE - 1) / LOOM_BF16_SIDE; }

// The packed forms of a matrix, each aligned to 64 bytes, or NULL where nobody reads it.
typedef struct {
    // One block row for 32 rows of the matrix, `row_stride` blocks apart.
    uint16_t *_Nullable left;              // the matrix as a left factor
    uint16_t *_Nullable right_transposed;  // its transpose as a right factor
    // One block row for 32 columns of the matrix, `column_stride` blocks apart.
    uint16_t *_Nullable right;             // the matrix as a right factor
    uint16_t *_Nullable left_transposed;   // its transpose as a left factor
    size_t row_stride, column_stride;
} loom_bf16_forms;

// MARK: Products

typedef enum {
    LOOM_BF16_DOT = 0,
    LOOM_BF16_TILES,
    LOOM_BF16_NUMERICS_COUNT
} loom_bf16_numerics;

// What becomes of P = left · right.
typedef enum {
    LOOM_BF16_STORE = 0,  // result = P, or result + P
    LOOM_BF16_ACTIVATE,   // outputs = activation(P + bias), packed
    LOOM_BF16_DERIVE,     // deltas = P · activation'(…), packed, and their sums over the samples
    LOOM_BF16_UPDATE,     // P is the gradient of weights, which are updated and packed
} loom_bf16_epilogue;

// One product: rows × inner times inner × columns. Matrices in float32 have aligned rows whose padding may be overwritten.
typedef struct {
    size_t rows, columns, inner;
    const uint16_t *_Nullable left, *_Nullable right;
    size_t left_stride, right_stride;  // blocks from block row to block row
    loom_bf16_epilogue epilogue;
    // Whether `result`, rows × columns, is added to P first. Only STORE writes it.
    _Bool accumulates;
    float *_Nullable result;
    size_t result_stride;

    // ACTIVATE and DERIVE:
    loom_activation activation;
    const float *_Nullable bias;       // of ACTIVATE
    float *_Nullable pre_activations;  // where the derivative is computed from z: ACTIVATE writes them, DERIVE reads them
    size_t pre_activations_stride;
    const uint16_t *_Nullable outputs;  // where it is computed from u: their left form, read by DERIVE
    size_t outputs_stride;              // in blocks
    float *_Nullable delta_sums;        // DERIVE: row i has the sums of 32 rows of deltas from 32 i on, each `columns` numbers
    size_t delta_sums_stride;
    loom_bf16_forms packed;             // what is packed goes here: its first block is that of the product's first row and column

    // UPDATE:
    loom_update_function _Nullable update_rule;
    const loom_update *_Nullable update;
    float *_Nullable weights, *_Nullable first_state, *_Nullable second_state;
    size_t weights_stride;  // of the states, too
} loom_bf16_product;

// Bytes of scratch memory, aligned to 64, that a product needs.
enum { LOOM_BF16_SCRATCH_BYTES = 36 << 10 };

// Carries out products under one definition of the bits.
typedef struct {
    loom_bf16_numerics numerics;
    // Whether the instructions that the definition is named after do it.
    _Bool is_accelerated;
    // Between these calls a thread may multiply. Other threads, and the same thread afterwards, are free of what they set.
    void (*begin_region)(void);
    void (*end_region)(void);
    void (*multiply)(const loom_bf16_product *product, void *scratch);
    // Rounds a matrix and packs it. The first rows of `matrix` and of the forms correspond. `row_sums`, where it is not NULL,
    // gets the sums of every 32 rows as `delta_sums` above.
    void (*pack)(size_t rows, size_t columns, size_t stride, const float *matrix, const loom_bf16_forms *forms,
                 float *_Nullable row_sums, size_t row_sums_stride);
} loom_bf16_kernels;

// The fastest kernels of this machine for a definition, or NULL where it has none: other architectures than x86-64.
const loom_bf16_kernels *_Nullable loom_bf16_kernels_of(loom_bf16_numerics numerics);
// Those that do without the instructions that the definition is named after, with the vectors of `set`.
const loom_bf16_kernels *_Nullable loom_bf16_portable_kernels_of(loom_bf16_numerics numerics, loom_instruction_set set);

// Whether VDPBF16PS multiplies faster than float32's multiply-adds on this processor: AMD's do, Intel's do not.
_Bool loom_dot_is_fast(void);

// Blocks of the inner dimension, and block rows of the result, that are multiplied before the next ones are.
uint32_t loom_bf16_panel_blocks(void);
uint32_t loom_bf16_group_blocks(void);

// What the system says to the use of tiles, of which it saves eight kilobytes for every thread.
typedef enum {
    LOOM_TILES_ABSENT = 0,  // the processor has none
    LOOM_TILES_REFUSED,     // the system does not allow them
    LOOM_TILES_GRANTED,
} loom_tiles_permission;

// Asks the system, once in a process: before it starts threads that multiply.
loom_tiles_permission loom_request_tiles(void);

#pragma clang assume_nonnull end

#endif
