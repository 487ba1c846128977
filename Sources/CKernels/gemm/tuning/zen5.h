// AMD Zen 5. GFLOP/s of one core in float32, without → with what the number admits.
#ifndef LOOM_GEMM_TUNING_ZEN5_H
#define LOOM_GEMM_TUNING_ZEN5_H

#include "CKernels.h"

__attribute__((unused)) static const loom_gemm_tuning loom_gemm_zen5 = {
    .name = "zen5",

    // x · Wᵀ of 1024 × 512 × 512, where each block packs B again: 128 rows 214, 256 rows 224, 512 rows 226.
    .row_block = 256,
    .wide_panel_max_vectors = 16,

    .pack_first_tile_min_inner = 64,
    // 256 × 256 × 256: 192 with a copy of A, 214 without. The limits are those of Cascade Lake.
    .copy_a_min_columns_transposed = 256,
    .copy_a_min_columns = 2048,
    .copy_a_min_bytes = 256 << 10,

    .prefetch_min_bytes = 64 << 10,
    .prefetch_b_min_stride_bytes = 1024,
    // 256 × 2048 × 2048: 213 → 219; a step of 784-1024-1024-10 in batches of 256 takes 2.5 % less time. Steps on 540 KB
    // lose 2 %.
    .prefetch_panel_min_bytes = 1 << 20,
    // 256 × 512 × 2048: 215 → 224.
    .prefetch_c_min_bytes = 256 << 10,
    .prefetch_c_in_tile_min_inner = 256,
    .prefetch_distance = 6,
    .prefetch_interval = 4,

    // x · Wᵀ of 16 × 1024 × 1024: 147 → 182, of 64 × 1024 × 1024: 205 → 220. More rows would read a large B again and
    // again.
    .transposed_max_rows = 96,
    .packing_cost_rows = 8,
    // δᵀ · x of 64 × 10 × 64: 117 → 175, of 64 × 50 × 128: 185 → 203.
    .transposition_cost_inner = 30,
};

#endif
