// The kernels with AVX2 and FMA: 32-byte vectors.
#include "tables.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define LOOM_VECTOR_BYTES 32
#define LOOM_AVX2_INTRINSICS 1
#define LOOM_FLOAT32_TABLE loom_avx2_float32
#define LOOM_FLOAT64_TABLE loom_avx2_float64
#define LOOM_BF16_TABLE loom_avx2_bf16
#define LOOM_INSTRUCTION_SET LOOM_AVX2

#pragma clang attribute push(__attribute__((target("avx2,fma,prfchw"))), apply_to = function)
#include "all_kernels.h"
#pragma clang attribute pop
#endif
