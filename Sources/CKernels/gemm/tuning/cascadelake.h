// Intel Skylake, Cascade Lake and Cooper Lake servers, measured on Cascade Lake. GFLOP/s of one core in float32, without →
// with what the number admits.
#ifndef LOOM_GEMM_TUNING_CASCADELAKE_H
#define LOOM_GEMM_TUNING_CASCADELAKE_H

#include "CKernels.h"

__attribute__((unused)) static const loom_gemm_tuning loom_gemm_cascadelake = {
    .name = "cascadelake",

    .row_block = 256,
    // Panels of three vectors and of four: 32 × 64 × 32 109 → 121, 64 × 128 × 784 124 → 129, gradients of 784 × 128 × 64
    // 109 → 118, of 512 × 10 × 128 83 → 86, but of 256 × 512 × 128 116 → 115.
    .wide_panel_max_vectors = 16,

    // A tile that packs takes twice the time. With a full row block 256 × 2048 × 1024 113 → 117, gradients of
    // 512 × 1024 × 256 109 → 116, of 1024 × 2048 × 512 103 → 111; with half as many rows 128 × 512 × 256 135 → 133,
    // 64 × 256 × 2048 113 → 108.
    .pack_first_tile_min_inner = 64,
    // Gradients of 1024 × 2048 × 512 75 → 120, of 256 × 512 × 2048 106 → 117, of 128 × 512 × 2048 110 → 116, on pages of
    // 4 KiB, which a virtual machine may have where the system gave large ones.
    .copy_a_min_columns_transposed = 256,
    // 256 × 2048 × 2048 111 → 120, but 128 × 1024 × 1024 120 → 118.
    .copy_a_min_columns = 2048,
    .copy_a_min_bytes = 256 << 10,

    // What fits into the first-level cache loses 5 to 10 % by prefetching.
    .prefetch_min_bytes = 64 << 10,
    // 128 × 512 × 256 115 → 137, 256 × 2048 × 1024 88 → 109, gradients of 512 × 1024 × 256 91 → 119, of 392 × 128 × 128
    // 111 → 122. Rows of less than 1 KiB lose 3 to 5 % (64 × 128 × 784).
    .prefetch_b_min_stride_bytes = 1024,
    .prefetch_panel_min_bytes = 1 << 20,
    .prefetch_c_min_bytes = 256 << 10,
    // Row by row instead of all at once: 128 × 512 × 512 125 → 130, gradient of 512 × 1024 × 256 112 → 119.
    .prefetch_c_in_tile_min_inner = 256,
    // A needless request costs 1 to 3 % of a product.
    .prefetch_distance = 6,
    // A panel of three vectors is complete after 12 tiles, of two after 8.
    .prefetch_interval = 4,

    .transposed_max_rows = 96,
    .packing_cost_rows = 8,
    .transposition_cost_inner = 30,
};

#endif
