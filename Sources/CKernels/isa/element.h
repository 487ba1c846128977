// All kernels of one instruction set and one element type. `Scalar` is float or double, `FN(name)` adds its suffix,
// LOOM_ELEMENT names it, and LOOM_TABLE is the table that is defined here.
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
#if LOOM_PRECISION == 32
#include "../generate/random_rows.h"
#include "../generate/dense_rows.h"
#if defined(__x86_64__)
#include "../bf16/tuning.h"
#include "../bf16/blocks.h"
#include "../bf16/lines_ahead.h"
#include "../bf16/driver.h"
#include "../bf16/portable.h"
#include "../bf16/portable_tables.h"
#endif
#endif

#undef LOOM_INTERLEAVE_FIRST
#undef LOOM_INTERLEAVE_SECOND
#undef LOOM_FOLD
#undef LOOM_MANTISSA_BITS
#undef LOOM_EXPONENT_BIAS
#undef LOOM_ROUND_TO_INTEGER
#undef LANES
#undef Integers
#undef Vector

const loom_kernels LOOM_TABLE = {
    .instruction_set = LOOM_INSTRUCTION_SET,
    .element = LOOM_ELEMENT,
    .activate = FN(activate),
    .multiply_derivative = FN(multiply_derivative),
    .predict = FN(predict),
    .softmax_cross_entropy_labels = FN(softmax_cross_entropy_labels),
    .softmax_cross_entropy = FN(softmax_cross_entropy),
    .sigmoid_cross_entropy = FN(sigmoid_cross_entropy),
    .squared_error = FN(squared_error),
    .softmax_weighted = FN(softmax_weighted),
    .softmax_weighted_derivative = FN(softmax_weighted_derivative),
    .squared_error_softmax_weighted = FN(squared_error_softmax_weighted),
    .column_sums = FN(column_sums),
    .add_column_sums = FN(add_column_sums),
    .sum_addends = FN(sum_addends),
    .sum_of_squares = FN(sum_of_squares),
    .gather_rows = FN(gather_rows),
    .plan_gemm = FN(plan_gemm),
    .update_sgd = FN(update_sgd),
    .update_momentum = FN(update_momentum),
    .update_nesterov = FN(update_nesterov),
    .update_adam = FN(update_adam),
    .permute = permute,
    .permute_wide = permute_wide,
    .normal_rows = normal_rows,
    .uniform_rows = uniform_rows,
    .dense_rows = dense_rows,
};
