// Processors with AVX-512 that have no table of their own: the numbers of Zen 5 and Cascade Lake, which agree.
#ifndef LOOM_GEMM_TUNING_GENERIC_AVX512_H
#define LOOM_GEMM_TUNING_GENERIC_AVX512_H

#include "CKernels.h"

__attribute__((unused)) static const loom_gemm_tuning loom_gemm_generic_avx512 = {
    .name = "generic_avx512",

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
