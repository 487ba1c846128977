// All kernels of one instruction set and one precision. `Scalar` is float or double, `FN(name)` adds its
// suffix.
#define Vector FN(Vector)
#define Integers FN(Integers)
#define LANES (LOOM_VECTOR_BYTES / sizeof(Scalar))

#include "../simd/vectors.h"
#include "../simd/elementary.h"
#include "../elementwise/activations.h"
#include "../elementwise/column_sums.h"
#include "../elementwise/sum_of_squares.h"
#include "../elementwise/gather_rows.h"
#include "../losses/softmax.h"
#include "../losses/softmax_block.h"
#include "../losses/cross_entropy_transposed.h"
#include "../losses/cross_entropy.h"
#include "../losses/predict.h"
#include "../losses/sigmoid_cross_entropy.h"
#include "../losses/squared_error.h"
#include "../losses/softmax_weighted.h"
#include "../updates/sum_tree.h"
#include "../updates/updates.h"
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
