// Products of bfloat16 by the instructions made for them: VDPBF16PS of AVX-512, and tiles (AMX).
#include "tables.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define LOOM_INLINE static inline __attribute__((always_inline))
#define LOOM_VECTOR_BYTES 64
#define LOOM_AVX512_INTRINSICS 1
#define LOOM_BF16_INSTRUCTIONS 1
#define Scalar float
#define FN(name) name##_native
#define LOOM_PRECISION 32
#define Vector FN(Vector)
#define Integers FN(Integers)
#define LANES (LOOM_VECTOR_BYTES / sizeof(Scalar))

#pragma clang attribute push(                                                                        \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,prfchw,amx-tile,amx-bf16"))), \
    apply_to = function)
#include "../simd/vectors.h"
#include "../bf16/tuning.h"
#include "../bf16/blocks.h"
#include "../bf16/lines_ahead.h"
#include "../bf16/driver.h"
#include "../bf16/dot.h"
#define LOOM_TILE_CONFIGURE _tile_loadconfig
#define LOOM_TILE_RELEASE _tile_release
#define LOOM_TILE_CLEAR _tile_zero
#define LOOM_TILE_LOAD _tile_loadd
#define LOOM_TILE_STORE _tile_stored
#define LOOM_TILE_MULTIPLY _tile_dpbf16ps
#include "../bf16/tiles.h"

static void needs_no_region(void) {}

static void multiply_dot(const loom_bf16_product *product, void *scratch) {
    multiply_bf16_native(dot_block, 0, product, scratch);
}

static void multiply_tiles(const loom_bf16_product *product, void *scratch) {
    multiply_bf16_native(tiles_block, 0, product, scratch);
}
#pragma clang attribute pop

const loom_bf16_kernels loom_native_bf16[LOOM_BF16_NUMERICS_COUNT] = {
    [LOOM_BF16_DOT] = {
        .numerics = LOOM_BF16_DOT,
        .is_accelerated = 1,
        .begin_region = needs_no_region,
        .end_region = needs_no_region,
        .multiply = multiply_dot,
        .pack = pack_bf16_native,
    },
    [LOOM_BF16_TILES] = {
        .numerics = LOOM_BF16_TILES,
        .is_accelerated = 1,
        .begin_region = begin_tiles,
        .end_region = end_tiles,
        .multiply = multiply_tiles,
        .pack = pack_bf16_native,
    },
};
#endif
