// All kernels of one instruction set: included by baseline.c, avx2.c and avx512.c, which set
//   LOOM_VECTOR_BYTES                       the width of a vector register
//   LOOM_FLOAT32_TABLE, LOOM_FLOAT64_TABLE  the names of the tables that are defined here
//   LOOM_BF16_TABLE                         the name of those of products of bfloat16
//   LOOM_INSTRUCTION_SET                    what they are for

// Contraction would depend on the optimisation level; where a fused multiply-add is wanted it is written.
#pragma STDC FP_CONTRACT OFF

#include "../gemm/numerics.h"

#define LOOM_INLINE static inline __attribute__((always_inline))

#include "../elementwise/permutation.h"
#include "../generate/philox.h"

#define Scalar float
#define FN(name) name##_f32
#define LOOM_PRECISION 32
#define LOOM_ELEMENT LOOM_FLOAT32
#define LOOM_TABLE LOOM_FLOAT32_TABLE
#include "element.h"
#undef LOOM_TABLE
#undef LOOM_ELEMENT
#undef LOOM_PRECISION
#undef FN
#undef Scalar

#define Scalar double
#define FN(name) name##_f64
#define LOOM_PRECISION 64
#define LOOM_ELEMENT LOOM_FLOAT64
#define LOOM_TABLE LOOM_FLOAT64_TABLE
#include "element.h"
#undef LOOM_TABLE
#undef LOOM_ELEMENT
#undef LOOM_PRECISION
#undef FN
#undef Scalar
