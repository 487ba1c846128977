// The kernels with AVX2 and FMA: 32-byte vectors.
#include "tables.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define LOOM_VECTOR_BYTES 32
#define LOOM_AVX2_INTRINSICS 1
#define LOOM_TABLE loom_kernels_avx2
#define LOOM_INSTRUCTION_SET LOOM_AVX2

#pragma clang attribute push(__attribute__((target("avx2,fma,prfchw"))), apply_to = function)
#include "all_kernels.h"
#pragma clang attribute pop
#endif
