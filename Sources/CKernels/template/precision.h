// All kernels of one instruction set and one precision. `Scalar` is float or double, `FN(name)` adds its
// suffix.
#define Vector FN(Vector)
#define Integers FN(Integers)
#define LANES (LOOM_VECTOR_BYTES / sizeof(Scalar))

#include "vectors.h"
#include "elementary.h"
#include "activations.h"
#include "softmax.h"
#include "narrow_softmax.h"
#include "few_classes.h"
#include "cross_entropy.h"
#include "losses.h"
#include "softmax_weighted.h"
#include "rows.h"
#include "updates.h"
#include "../gemm/microkernel.h"
#include "../gemm/pack.h"
#include "../gemm/dot.h"
#include "../gemm/plan.h"
#include "../gemm/transposed.h"
#include "../gemm/loops.h"

#undef LOOM_INTERLEAVE_FIRST
#undef LOOM_INTERLEAVE_SECOND
#undef LOOM_FOLD
#undef LOOM_MANTISSA_BITS
#undef LOOM_EXPONENT_BIAS
#undef LOOM_ROUND_TO_INTEGER
#undef LANES
#undef Integers
#undef Vector
