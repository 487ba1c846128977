// The kernels of one instruction set, as a table of function pointers.
#ifndef LOOM_KERNEL_TABLE_H
#define LOOM_KERNEL_TABLE_H

#include "CKernels.h"

// Every kernel that exists in float32 and float64.
#define LOOM_KERNEL_NAMES(X)                                                                        \
    X(activate)                                                                                     \
    X(multiply_derivative)                                                                          \
    X(predict)                                                                                      \
    X(softmax_cross_entropy_labels)                                                                 \
    X(softmax_cross_entropy)                                                                        \
    X(sigmoid_cross_entropy)                                                                        \
    X(squared_error)                                                                                \
    X(column_sums)                                                                                  \
    X(sum_of_squares)                                                                               \
    X(gather_rows)                                                                                  \
    X(update_sgd)                                                                                   \
    X(update_momentum)                                                                              \
    X(update_nesterov)                                                                              \
    X(update_adam)

struct loom_kernel_table {
#define LOOM_TABLE_FIELDS(name)                                                                     \
    __typeof__(&loom_##name##_f32) name##_f32;                                                      \
    __typeof__(&loom_##name##_f64) name##_f64;
    LOOM_KERNEL_NAMES(LOOM_TABLE_FIELDS)
#undef LOOM_TABLE_FIELDS
    __typeof__(&loom_permute) permute;
};

extern const struct loom_kernel_table loom_kernels_baseline;
#if defined(__x86_64__)
extern const struct loom_kernel_table loom_kernels_avx2;
extern const struct loom_kernel_table loom_kernels_avx512;
#endif

#endif
