// All kernels of one instruction set: included by baseline.c, avx2.c and avx512.c, which set
//   LOOM_VECTOR_BYTES     the width of a vector register
//   LOOM_TABLE            the name of the table that is defined here
//   LOOM_INSTRUCTION_SET  what it is for

// Contraction would depend on the optimisation level; where a fused multiply-add is wanted it is written.
#pragma STDC FP_CONTRACT OFF

#include "../gemm/numerics.h"

#define LOOM_INLINE static inline __attribute__((always_inline))

#define Scalar float
#define FN(name) name##_f32
#define LOOM_PRECISION 32
#include "element.h"
#undef LOOM_PRECISION
#undef FN
#undef Scalar

#define Scalar double
#define FN(name) name##_f64
#define LOOM_PRECISION 64
#include "element.h"
#undef LOOM_PRECISION
#undef FN
#undef Scalar

#include "../elementwise/permutation.h"

const loom_kernel_table LOOM_TABLE = {
#define LOOM_TABLE_ENTRIES(name) .name##_f32 = name##_f32, .name##_f64 = name##_f64,
    LOOM_KERNEL_NAMES(LOOM_TABLE_ENTRIES)
#undef LOOM_TABLE_ENTRIES
    .permute = permute,
};
