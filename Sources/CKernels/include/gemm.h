// Matrix products as plans: planned once for a shape, run often.
#ifndef LOOM_GEMM_H
#define LOOM_GEMM_H

#include "instruction_set.h"

#include <stddef.h>
#include <stdint.h>

// MARK: Shape

// C = beta · C + alpha · op(A) · op(B): op(A) is rows × inner, op(B) inner × columns. A transposed operand lies in memory
// as inner × rows, or columns × inner. Strides are elements from row to row as the matrices lie.
//
// Rows of C, and of a B with `b_aligned`, start on 64-byte boundaries, and their padding up to the next boundary may be
// overwritten (C) or read (B). A, and a B that is not transposed, may be samples in place: with any stride and alignment,
// and no padding. A transposed B has aligned rows.
typedef struct {
    uint32_t rows, columns, inner;
    uint32_t a_stride, b_stride, c_stride;
    uint32_t weights_stride;  // of the weights that follow C
    _Bool a_transposed, b_transposed;
    _Bool a_aligned, b_aligned;  // the first row starts on a 64-byte boundary; strides tell the rest
    _Bool accumulates;           // beta is not 0: a hint, C is read by what beta says when it runs
    // C is the velocity of momentum, and weights -= learning_rate · C follows while C is in the cache, with the bits of
    // `update_sgd`. Only for a transposed A and a B as it lies: a gradient.
    _Bool updates_weights;
} loom_gemm_shape;

// What one run of a plan multiplies. Pointers are to the plan's number format; the scalars are rounded to that of C.
typedef struct {
    const void *a, *b;
    void *c;        // not read when beta is 0
    void *weights;  // where the shape updates weights
    double alpha, beta;
    double learning_rate;
} loom_gemm_operands;

// MARK: Tuning

// Numbers that decide how fast a product is on one kind of processor, and never its bits. One table for each
// micro-architecture is in gemm/tuning/, where every number stands beside its measurement.
typedef struct {
    const char *name;

    // Cache blocking.
    uint32_t row_block;              // rows of A that meet all panels before the next rows do; plans have 1 to
                                     // LOOM_GEMM_MAX_ROW_BLOCK of them, whatever stands here
    uint32_t wide_panel_max_vectors; // products up to this width may have panels as wide as tiles can be

    // Packing.
    uint32_t pack_first_tile_min_inner;      // the first of a row block's tiles packs B as it multiplies
    uint32_t copy_a_min_columns_transposed;  // A is copied where so many columns meet it: a transposed A, …
    uint32_t copy_a_min_columns;             // … and an A as it lies
    uint32_t copy_a_min_bytes;               // and where a block of it has so many bytes

    // Prefetching.
    uint32_t prefetch_min_bytes;             // A and B of fewer bytes are near enough
    uint32_t prefetch_b_min_stride_bytes;    // rows of B so far apart are prefetched
    uint32_t prefetch_panel_min_bytes;       // the next panel of a B of so many bytes is, and C
    uint32_t prefetch_c_min_bytes;           // a C of so many bytes that is added to is
    uint32_t prefetch_c_in_tile_min_inner;   // row by row as a tile multiplies, where it has so many k
    uint32_t prefetch_distance;              // k from the prefetch of a row of A and B to its multiplication
    uint32_t prefetch_interval;              // k from line to line of the next panel and of C

    // Rows in the lanes instead of columns: estimates in multiply-adds for each element.
    uint32_t transposed_max_rows;        // more rows of an A as it lies never are
    uint32_t packing_cost_rows;          // packing a transposed B takes as long as so many rows
    uint32_t transposition_cost_inner;   // transposing C takes as long as so many k
} loom_gemm_tuning;

// MARK: Plan

// Who carries a plan out.
typedef enum {
    LOOM_GEMM_TILES = 0,         // tiles of C in registers, columns of C in the lanes of vectors
    LOOM_GEMM_TILES_TRANSPOSED,  // the same for Cᵀ = Bᵀ · Aᵀ: rows of C in the lanes
    LOOM_GEMM_DOT,               // few columns: the inner dimension in the lanes, added up in the end
    LOOM_GEMM_LIBRARY,           // another library
} loom_gemm_kernel;

// How the rows of a row block are cut into tiles: `count` tiles of `rows` rows, the first `taller` of them with one more.
typedef struct {
    uint16_t count, rows, taller;
} loom_gemm_tiling;

typedef struct loom_gemm_plan loom_gemm_plan;

// Runs `plan`. `scratch` has the plan's `scratch_bytes`, aligned to 64; nobody else uses it meanwhile.
typedef void (*loom_gemm_function)(const loom_gemm_plan *plan, const loom_gemm_operands *operands, void *scratch);

// A plain value: it may be copied, and holds no memory.
struct loom_gemm_plan {
    loom_gemm_function run;
    loom_gemm_shape shape;  // as the loops see it: of LOOM_GEMM_TILES_TRANSPOSED the shape of the transposes
    loom_gemm_kernel kernel;
    uint32_t scratch_bytes;
    // Of the tiles' kernels only:
    uint32_t row_block;
    uint32_t panels;         // of B, each of `panel_vectors` vectors of columns, the first `wider_panels` of one more
    uint32_t panel_vectors, wider_panels;
    loom_gemm_tiling tiling[2][2];  // [of the last row block][of a wider panel]
    uint16_t lanes;                 // of a vector
    uint16_t prefetch_distance, prefetch_interval, prefetch_c_in_tile_min_inner;
    _Bool packs_b;                  // before tiles meet a panel
    _Bool packs_b_with_first_tile;  // while the first one does
    _Bool copies_a;
    _Bool prefetches_a, prefetches_b, prefetches_next_panel, prefetches_c;
};

// Bytes of scratch memory that are enough for every plan of a number format with `element_bytes`: for a panel of B, and
// behind it a block of A. Multiples of 64.
#define LOOM_GEMM_MAX_ROW_BLOCK 256
#define LOOM_GEMM_PANEL_ELEMENTS (512 * 64)
#define LOOM_GEMM_COPY_ELEMENTS (512 * (LOOM_GEMM_MAX_ROW_BLOCK + 16))
static inline size_t loom_gemm_scratch_bytes(size_t element_bytes) {
    return (LOOM_GEMM_PANEL_ELEMENTS + LOOM_GEMM_COPY_ELEMENTS) * element_bytes;
}

// The k that sums are formed over before they are rounded and added to C.
uint32_t loom_gemm_inner_block(void);

// The table of this processor for `set`.
const loom_gemm_tuning *loom_gemm_tuning_of(loom_instruction_set set);

#endif
