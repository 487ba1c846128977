// The kernels with AVX-512 F, BW, DQ, VL: 64-byte vectors.
#include "tables.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define LOOM_VECTOR_BYTES 64
#define LOOM_AVX512_INTRINSICS 1
#define LOOM_FLOAT32_TABLE loom_avx512_float32
#define LOOM_FLOAT64_TABLE loom_avx512_float64
#define LOOM_BF16_TABLE loom_avx512_bf16
#define LOOM_INSTRUCTION_SET LOOM_AVX512

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prfchw"))), \
                             apply_to = function)
#include "all_kernels.h"
#pragma clang attribute pop
#endif
