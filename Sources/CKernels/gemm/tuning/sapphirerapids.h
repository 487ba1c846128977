// Intel Sapphire Rapids and Emerald Rapids, measured on Emerald Rapids: the speed of a product in float32 with the number,
// by that without what it admits. Other numbers than these made no product faster.
#ifndef LOOM_GEMM_TUNING_SAPPHIRERAPIDS_H
#define LOOM_GEMM_TUNING_SAPPHIRERAPIDS_H

#include "CKernels.h"

__attribute__((unused)) static const loom_gemm_tuning loom_gemm_sapphirerapids = {
    .name = "sapphirerapids",

    .row_block = 256,
    // 32 × 64 × 10 1.08, with a transposed B 1.15, gradient of 784 × 128 × 64 1.07.
    .wide_panel_max_vectors = 16,

    // Gradients of 512 × 1024 × 256 1.03, of 256 × 512 × 2048 1.06.
    .pack_first_tile_min_inner = 64,
    .copy_a_min_columns_transposed = 256,
    .copy_a_min_columns = 2048,
    // 256 × 2048 × 2048 1.07, gradients of 1024 × 2048 × 512 1.11, of 256 × 512 × 2048 1.02.
    .copy_a_min_bytes = 256 << 10,

    .prefetch_min_bytes = 64 << 10,
    // 128 × 512 × 256 1.06, gradients of 1024 × 2048 × 512 1.05, of 784 × 1024 × 256 1.04.
    .prefetch_b_min_stride_bytes = 1024,
    // Instead of 4 MiB: gradient of 784 × 1024 × 256 1.17, 256 × 512 × 512 with a transposed B 1.05.
    .prefetch_panel_min_bytes = 1 << 20,
    .prefetch_c_min_bytes = 256 << 10,
    .prefetch_c_in_tile_min_inner = 256,
    // 3 and 12 are as fast.
    .prefetch_distance = 6,
    // 2 is as fast.
    .prefetch_interval = 4,

    .transposed_max_rows = 96,
    .packing_cost_rows = 8,
    .transposition_cost_inner = 30,
};

#endif
