// Processors with AVX2, or SSE2 only. The numbers of AVX-512, with which the products of seven networks have 1.0 to 3 times
// the speed of OpenBLAS 0.3.21 for AVX2.
#ifndef LOOM_GEMM_TUNING_AVX2_H
#define LOOM_GEMM_TUNING_AVX2_H

#include "CKernels.h"

__attribute__((unused)) static const loom_gemm_tuning loom_gemm_avx2 = {
    .name = "avx2",

    .row_block = 256,
    .wide_panel_max_vectors = 16,

    .pack_first_tile_min_inner = 64,
    .copy_a_min_columns_transposed = 256,
    .copy_a_min_columns = 2048,
    .copy_a_min_bytes = 256 << 10,

    .prefetch_min_bytes = 64 << 10,
    .prefetch_b_min_stride_bytes = 1024,
    .prefetch_panel_min_bytes = 1 << 20,
    .prefetch_c_min_bytes = 256 << 10,
    .prefetch_c_in_tile_min_inner = 256,
    .prefetch_distance = 6,
    .prefetch_interval = 4,

    .transposed_max_rows = 96,
    .packing_cost_rows = 8,
    .transposition_cost_inner = 30,
};

#endif
