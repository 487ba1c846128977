// Chooses the kernels for this processor and forwards every call to them.
#include "tables.h"

#include <stdatomic.h>

// Read at every call, and written while other threads may read it: any order will do, as all tables give the same bits.
static _Atomic(const loom_kernel_table *) active_table = &loom_kernels_baseline;

static inline const loom_kernel_table *active_kernels(void) {
    return atomic_load_explicit(&active_table, memory_order_relaxed);
}

int loom_supports_instruction_set(loom_instruction_set set) {
    switch (set) {
    case LOOM_BASELINE:
        return 1;
#if defined(__x86_64__)
    // These builtins also ask the operating system (XGETBV) whether it saves the wide registers.
    case LOOM_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case LOOM_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("fma");
#endif
    default:
        return 0;
    }
}

const loom_kernel_table *loom_kernels(loom_instruction_set set) {
    if (!loom_supports_instruction_set(set)) { return NULL; }
    switch (set) {
#if defined(__x86_64__)
    case LOOM_AVX2: return &loom_kernels_avx2;
    case LOOM_AVX512: return &loom_kernels_avx512;
#endif
    default: return &loom_kernels_baseline;
    }
}

int loom_select_instruction_set(loom_instruction_set set) {
    const loom_kernel_table *const kernels = loom_kernels(set);
    if (!kernels) { return 0; }
    atomic_store_explicit(&active_table, kernels, memory_order_relaxed);
    return 1;
}

loom_instruction_set loom_active_instruction_set(void) {
#if defined(__x86_64__)
    const loom_kernel_table *const kernels = active_kernels();
    if (kernels == &loom_kernels_avx512) { return LOOM_AVX512; }
    if (kernels == &loom_kernels_avx2) { return LOOM_AVX2; }
#endif
    return LOOM_BASELINE;
}

__attribute__((constructor)) static void select_best_instruction_set(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    (void)(loom_select_instruction_set(LOOM_AVX512) || loom_select_instruction_set(LOOM_AVX2));
}

loom_derivative_source loom_activation_derivative_source(loom_activation activation) {
    switch (activation) {
    case LOOM_RELU_ONE:
    case LOOM_ARCTAN:
    case LOOM_SOFTPLUS:
    case LOOM_THRESHOLD:
        return LOOM_FROM_PRE_ACTIVATIONS;
    default:
        return LOOM_FROM_OUTPUTS;
    }
}

#define LOOM_DEFINE_FORWARDS(T, suffix)                                                             \
    void loom_activate_##suffix(loom_activation activation, size_t rows, size_t columns,            \
                                size_t stride, const T *bias, T *pre, T *outputs) {                 \
        active_kernels()->activate_##suffix(activation, rows, columns, stride, bias, pre, outputs); \
    }                                                                                               \
    void loom_multiply_derivative_##suffix(loom_activation activation, size_t rows, size_t columns, \
                                           size_t stride, const T *stored, T *deltas) {             \
        active_kernels()->multiply_derivative_##suffix(activation, rows, columns, stride, stored,   \
                                                     deltas);                                       \
    }                                                                                               \
    void loom_predict_##suffix(loom_output_map map, size_t rows, size_t columns, size_t stride,     \
                               const T *bias, T *logits, T *prediction) {                           \
        active_kernels()->predict_##suffix(map, rows, columns, stride, bias, logits, prediction);   \
    }                                                                                               \
    double loom_softmax_cross_entropy_labels_##suffix(                                              \
        size_t rows, size_t columns, size_t stride, const T *bias, T *logits,                       \
        const int32_t *labels, T scale, T *deltas, size_t *correct) {                               \
        return active_kernels()->softmax_cross_entropy_labels_##suffix(                             \
            rows, columns, stride, bias, logits, labels, scale, deltas, correct);                   \
    }                                                                                               \
    double loom_softmax_cross_entropy_##suffix(                                                     \
        size_t rows, size_t columns, size_t stride, const T *bias, T *logits, const T *targets,     \
        size_t targets_stride, T scale, T *deltas, size_t *correct) {                               \
        return active_kernels()->softmax_cross_entropy_##suffix(                                    \
            rows, columns, stride, bias, logits, targets, targets_stride, scale, deltas, correct);  \
    }                                                                                               \
    double loom_sigmoid_cross_entropy_##suffix(                                                     \
        size_t rows, size_t columns, size_t stride, const T *bias, T *logits, const T *targets,     \
        size_t targets_stride, T scale, T *deltas, size_t *correct) {                               \
        return active_kernels()->sigmoid_cross_entropy_##suffix(                                    \
            rows, columns, stride, bias, logits, targets, targets_stride, scale, deltas, correct);  \
    }                                                                                               \
    double loom_squared_error_##suffix(                                                             \
        loom_output_map map, size_t rows, size_t columns, size_t stride, const T *bias, T *logits,  \
        const T *targets, size_t targets_stride, T factor, T scale, T *deltas, size_t *correct) {   \
        return active_kernels()->squared_error_##suffix(map, rows, columns, stride, bias, logits,   \
                                                      targets, targets_stride, factor, scale,       \
                                                      deltas, correct);                             \
    }                                                                                               \
    void loom_softmax_weighted_##suffix(size_t rows, size_t units, size_t components,               \
                                        size_t stride, const T *bias, T *pre,                       \
                                        size_t outputs_stride, T *outputs) {                        \
        active_kernels()->softmax_weighted_##suffix(rows, units, components, stride, bias, pre,     \
                                                  outputs_stride, outputs);                         \
    }                                                                                               \
    void loom_softmax_weighted_derivative_##suffix(                                                 \
        size_t rows, size_t units, size_t components, size_t stride, const T *pre,                  \
        size_t gradients_stride, const T *gradients, T *deltas) {                                   \
        active_kernels()->softmax_weighted_derivative_##suffix(                                     \
            rows, units, components, stride, pre, gradients_stride, gradients, deltas);             \
    }                                                                                               \
    double loom_squared_error_softmax_weighted_##suffix(                                            \
        size_t rows, size_t units, size_t components, size_t stride, const T *bias, T *logits,      \
        const T *targets, size_t targets_stride, T factor, T scale, T *deltas) {                    \
        return active_kernels()->squared_error_softmax_weighted_##suffix(                           \
            rows, units, components, stride, bias, logits, targets, targets_stride, factor, scale,  \
            deltas);                                                                                \
    }                                                                                               \
    void loom_column_sums_##suffix(size_t rows, size_t columns, size_t stride, const T *m,          \
                                   T *sums) {                                                       \
        active_kernels()->column_sums_##suffix(rows, columns, stride, m, sums);                     \
    }                                                                                               \
    void loom_add_column_sums_##suffix(size_t rows, size_t columns, size_t stride, const T *m,      \
                                       T *sums) {                                                   \
        active_kernels()->add_column_sums_##suffix(rows, columns, stride, m, sums);                 \
    }                                                                                               \
    void loom_sum_addends_##suffix(size_t count, const loom_addend *addends, size_t rows, size_t columns, \
                                   size_t stride, const T *first, T *sum, size_t mirror_count,      \
                                   const ptrdiff_t *mirrors) {                                      \
        active_kernels()->sum_addends_##suffix(count, addends, rows, columns, stride, first, sum, mirror_count, \
                                               mirrors);                                            \
    }                                                                                               \
    double loom_sum_of_squares_##suffix(size_t rows, size_t columns, size_t stride, const T *m) {   \
        return active_kernels()->sum_of_squares_##suffix(rows, columns, stride, m);                 \
    }                                                                                               \
    void loom_gather_rows_##suffix(size_t count, size_t columns, const T *source,                   \
                                   size_t source_stride, const uint32_t *indices, T *destination,   \
                                   size_t destination_stride) {                                     \
        active_kernels()->gather_rows_##suffix(count, columns, source, source_stride, indices,      \
                                             destination, destination_stride);                      \
    }                                                                                               \
    void loom_plan_gemm_##suffix(const loom_gemm_shape *shape, const loom_gemm_tuning *tuning,      \
                                 loom_gemm_plan *plan) {                                            \
        active_kernels()->plan_gemm_##suffix(shape, tuning, plan);                                  \
    }                                                                                               \
    void loom_update_sgd_##suffix(const loom_update_##suffix *update, size_t rows, size_t columns,  \
                                  size_t stride, T *weights, const T *gradients) {                  \
        active_kernels()->update_sgd_##suffix(update, rows, columns, stride, weights, gradients);   \
    }                                                                                               \
    void loom_update_momentum_##suffix(const loom_update_##suffix *update, size_t rows,             \
                                       size_t columns, size_t stride, T *weights,                   \
                                       const T *gradients, T *velocity) {                           \
        active_kernels()->update_momentum_##suffix(update, rows, columns, stride, weights, gradients, \
                                                 velocity);                                         \
    }                                                                                               \
    void loom_update_nesterov_##suffix(const loom_update_##suffix *update, size_t rows,             \
                                       size_t columns, size_t stride, T *weights,                   \
                                       const T *gradients, T *velocity) {                           \
        active_kernels()->update_nesterov_##suffix(update, rows, columns, stride, weights, gradients, \
                                                 velocity);                                         \
    }                                                                                               \
    void loom_update_adam_##suffix(const loom_update_##suffix *update, size_t rows, size_t columns, \
                                   size_t stride, T *weights, const T *gradients, T *first_moment,  \
                                   T *second_moment) {                                              \
        active_kernels()->update_adam_##suffix(update, rows, columns, stride, weights, gradients,   \
                                             first_moment, second_moment);                          \
    }

LOOM_DEFINE_FORWARDS(float, f32)
LOOM_DEFINE_FORWARDS(double, f64)

// Processors without this instruction, before Intel's Broadwell, take it for one that does nothing.
#if defined(__x86_64__)
__attribute__((target("prfchw")))
#endif
void loom_prefetch_for_writing(const void *memory, size_t bytes) {
    for (size_t byte = 0; byte < bytes; byte += 64) { __builtin_prefetch((const char *)memory + byte, 1); }
}

void loom_permute(uint64_t key, uint32_t size, uint32_t start, uint32_t count, uint32_t *indices) {
    active_kernels()->permute(key, size, start, count, indices);
}
