// Vectorised element-wise kernels, float32 and float64, instruction set chosen at run time.
//
// Every matrix is row-major: `rows` × `columns`, element (i, j) at `i * stride + j`. Its base address is
// aligned to 64 bytes and `stride` is a multiple of 64 bytes, so a row ends in padding. Kernels work on whole
// vectors: they may read and overwrite the padding, whose content never influences an element inside the
// matrix. Unless a parameter is said to alias another one, no two may overlap.
//
// Every element's value depends on its own row and column only, never on how many rows a call covers: calls
// on parts of a matrix give the same bits as one call on the whole. And all instruction sets give the same bits (but for
// the signs and payloads of NaNs): elements are made of IEEE 754's operations and fused multiply-adds in one order, and sums
// along a row, or along an inner dimension, have an order that does not depend on the width of vectors (simd/vectors.h).
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Instruction set

typedef enum {
    LOOM_BASELINE = 0,  // what the compiler assumes of every processor of the architecture (SSE2, NEON)
    LOOM_AVX2 = 1,      // AVX2 and FMA
    LOOM_AVX512 = 2,    // AVX-512 F, BW, DQ, VL
} loom_instruction_set;

// The instruction set in use: the best one that this processor and operating system support, unless selected.
loom_instruction_set loom_active_instruction_set(void);
// Whether this machine can run `set`.
int loom_supports_instruction_set(loom_instruction_set set);
// Makes all later kernel calls use `set`; returns 0 and changes nothing when the machine cannot run it. At any time, from
// any thread: calls that are under way go on with the one before, and all give the same bits.
int loom_select_instruction_set(loom_instruction_set set);

#include "gemm.h"

// MARK: Activations

typedef enum {
    LOOM_IDENTITY = 0,
    LOOM_SIGMOID,      // 1 / (1 + exp(-z))
    LOOM_RELU,         // max(z, 0), derivative 0 at 0
    LOOM_RELU_ONE,     // max(z, 0), derivative 1 at 0
    LOOM_ARCTAN,
    LOOM_TANH,
    LOOM_EXP,
    LOOM_SOFTPLUS,     // max(z, 0) + log1p(exp(-|z|))
    LOOM_THRESHOLD,    // 1 at z >= 0, else 0
    LOOM_ACTIVATION_COUNT
} loom_activation;

// What the derivative of an activation is computed from.
typedef enum {
    LOOM_FROM_OUTPUTS = 0,      // u = activation(z): identity, sigmoid u(1-u), relu (u > 0), tanh 1-u², exp u
    LOOM_FROM_PRE_ACTIVATIONS,  // z: relu_one (z >= 0), arctan 1/(1+z²), softplus sigmoid(z), threshold 0
} loom_derivative_source;

loom_derivative_source loom_activation_derivative_source(loom_activation activation);

// The map from a network's last pre-activations (logits) to its prediction.
typedef enum {
    LOOM_OUTPUT_IDENTITY = 0,
    LOOM_OUTPUT_SIGMOID,
    LOOM_OUTPUT_SOFTMAX,
} loom_output_map;

// MARK: Optimizers

// One of the matrices that a gradient is the sum of, along a binary tree.
typedef struct {
    ptrdiff_t offset;  // elements from the first addend to this one, a multiple of 64 bytes that may be negative
    size_t merges;     // how many sums of two neighbouring subtrees end with it: the last addend's end the tree
} loom_addend;
// The deepest tree: 2^15 addends.
enum { LOOM_ADDEND_DEPTH = 16 };

// What one optimizer update needs. `T` is float or double; fields that a rule does not use are ignored.
// The gradient that enters a rule is  g = gradient_scale * gradient + l2_twice * weight.
#define LOOM_DECLARE_UPDATE(T, suffix)                                                              \
    typedef struct {                                                                                \
        T learning_rate;                                                                            \
        T gradient_scale; /* 1, or the factor of clipping by global norm */                         \
        T l2_twice;       /* 2λ for weights, 0 for biases */                                        \
        T momentum;       /* μ of momentum and nesterov */                                          \
        T beta1, beta2, epsilon;                                                                    \
        T bias_correction1; /* 1 / (1 - β1^t) */                                                    \
        T bias_correction2; /* 1 / (1 - β2^t) */                                                    \
        T weight_decay;   /* decoupled decay of adamw, 0 otherwise */                               \
        /* The gradient is the sum of these matrices, each as long as the weights' buffer; NULL: it is one. */ \
        const loom_addend *addends;                                                                     \
        size_t addend_count;                                                                            \
        /* The new weights are also written this many elements, multiples of 64 bytes that may be        \
           negative, after the weights. */                                                              \
        const ptrdiff_t *mirrors;                                                                       \
        size_t mirror_count;                                                                            \
    } loom_update_##suffix;

LOOM_DECLARE_UPDATE(float, f32)
LOOM_DECLARE_UPDATE(double, f64)

// MARK: Kernels

#define LOOM_DECLARE_KERNELS(T, suffix)                                                             \
    /* z = pre + bias (bias may be NULL), outputs = activation(z). `pre` holds x·Wᵀ on entry and z on \
       return; `outputs` may be the same matrix, then only the outputs remain. Both have `stride`. */ \
    void loom_activate_##suffix(loom_activation activation, size_t rows, size_t columns,            \
                                size_t stride, const T *bias, T *pre, T *outputs);                  \
    /* deltas *= activation'(z). `stored` is what                          \
       loom_activation_derivative_source names for the activation. */                               \
    void loom_multiply_derivative_##suffix(loom_activation activation, size_t rows, size_t columns, \
                                           size_t stride, const T *stored, T *deltas);              \
    /* prediction = map(z), z = logits + bias. `prediction` may be `logits`. Softmax subtracts the   \
       row's maximum. */                                                                            \
    void loom_predict_##suffix(loom_output_map map, size_t rows, size_t columns, size_t stride,     \
                               const T *bias, T *logits, T *prediction);                            \
    /* Losses. z = logits + bias is written back to `logits`; `deltas` receives scale * ∂loss/∂z of  \
       each sample (NULL: not wanted); the sum of the samples' unscaled losses is returned, added in \
       double precision in row order; `correct` is increased by the number of right decisions.       \
       deltas has the same stride as logits. */                                                     \
    /* −log softmax(z)[label]; a decision per row: the largest z, the lowest index on a tie. */     \
    double loom_softmax_cross_entropy_labels_##suffix(                                              \
        size_t rows, size_t columns, size_t stride, const T *bias, T *logits,                       \
        const int32_t *labels, T scale, T *deltas, size_t *correct);                                \
    /* log Σ exp(z) · Σ t − Σ t z for a row of targets t; right when argmax z = argmax t. */        \
    double loom_softmax_cross_entropy_##suffix(                                                     \
        size_t rows, size_t columns, size_t stride, const T *bias, T *logits,                       \
        const T *targets, size_t targets_stride, T scale, T *deltas, size_t *correct);              \
    /* Σ over columns of log(1 + exp(z)) − t z; a decision per element: z >= 0 against t >= ½. */   \
    double loom_sigmoid_cross_entropy_##suffix(                                                     \
        size_t rows, size_t columns, size_t stride, const T *bias, T *logits,                       \
        const T *targets, size_t targets_stride, T scale, T *deltas, size_t *correct);              \
    /* factor · ‖map(z) − t‖², factor 1 or ½; decisions as above for softmax (row) and sigmoid       \
       (element), none for identity. */                                                             \
    double loom_squared_error_##suffix(                                                             \
        loom_output_map map, size_t rows, size_t columns, size_t stride, const T *bias, T *logits,  \
        const T *targets, size_t targets_stride, T factor, T scale, T *deltas, size_t *correct);    \
    /* o = softmax(a)·a of every unit, a = pre + bias being its `components` neighbouring columns: `pre` \
       has units · components columns and holds a on return, `outputs` has units columns and may be the \
       same address with the same stride. */                                                        \
    void loom_softmax_weighted_##suffix(size_t rows, size_t units, size_t components,               \
                                        size_t stride, const T *bias, T *pre,                       \
                                        size_t outputs_stride, T *outputs);                         \
    /* deltas = gradient · ∂o/∂a = gradient · σ (1 + a − o), σ = softmax(a): `pre` holds a and `deltas` \
       lies as it does, `gradients` has units columns. */                                           \
    void loom_softmax_weighted_derivative_##suffix(                                                 \
        size_t rows, size_t units, size_t components, size_t stride, const T *pre,                  \
        size_t gradients_stride, const T *gradients, T *deltas);                                    \
    /* factor · ‖o − t‖² of softmax-weighted units, with deltas like those of the losses above. */   \
    double loom_squared_error_softmax_weighted_##suffix(                                            \
        size_t rows, size_t units, size_t components, size_t stride, const T *bias, T *logits,      \
        const T *targets, size_t targets_stride, T factor, T scale, T *deltas);                     \
    /* sums[j] = Σ over rows of m[i][j], for every column; rows added in a fixed order. */          \
    void loom_column_sums_##suffix(size_t rows, size_t columns, size_t stride, const T *m, T *sums); \
    /* sums[j] += Σ over rows of m[i][j]. */                                                         \
    void loom_add_column_sums_##suffix(size_t rows, size_t columns, size_t stride, const T *m,      \
                                       T *sums);                                                    \
    /* sum = the sum along its tree of `count` >= 1 matrices, the first of them at `first`; also written   \
       to `mirror_count` places, each `mirrors[i]` elements after `sum`. */                         \
    void loom_sum_addends_##suffix(size_t count, const loom_addend *addends, size_t rows, size_t columns, \
                                   size_t stride, const T *first, T *sum, size_t mirror_count,      \
                                   const ptrdiff_t *mirrors);                                       \
    /* Σ of the squares of the elements inside the matrix (not the padding), in double precision. */ \
    double loom_sum_of_squares_##suffix(size_t rows, size_t columns, size_t stride, const T *m);    \
    /* destination row i = source row indices[i]. `source` may have any stride and alignment;        \
       the destination's padding up to its next multiple of 64 bytes is set to 0. */                \
    void loom_gather_rows_##suffix(size_t count, size_t columns, const T *source,                   \
                                   size_t source_stride, const uint32_t *indices, T *destination,   \
                                   size_t destination_stride);                                      \
    /* Updates over a block of the parameters; all matrices of a call have `stride`; padding lanes    \
       are updated like the others. */                                                              \
    /* Plans a product, with the numbers of `tuning`, or of this processor's table where it is NULL. An    \
       element is one chain of multiply-adds in the order of the inner dimension (of blocks of             \
       `loom_gemm_inner_block()` k, added in their order): the same bits for every tuning, and for every    \
       way to cut a product into several by rows or columns, but for columns of op(A) · Bᵀ. */       \
    void loom_plan_gemm_##suffix(const loom_gemm_shape *shape, const loom_gemm_tuning *tuning,      \
                                 loom_gemm_plan *plan);                                             \
    void loom_update_sgd_##suffix(const loom_update_##suffix *update, size_t rows, size_t columns,  \
                                  size_t stride, T *weights, const T *gradients);                   \
    /* v = μv + g, w −= ηv */                                                                       \
    void loom_update_momentum_##suffix(const loom_update_##suffix *update, size_t rows,             \
                                       size_t columns, size_t stride, T *weights,                   \
                                       const T *gradients, T *velocity);                            \
    /* v = μv + g, w −= η(g + μv) */                                                                \
    void loom_update_nesterov_##suffix(const loom_update_##suffix *update, size_t rows,             \
                                       size_t columns, size_t stride, T *weights,                   \
                                       const T *gradients, T *velocity);                            \
    /* m = β1 m + (1−β1) g, v = β2 v + (1−β2) g²,                                                   \
       w −= η (m · bias_correction1 / (sqrt(v · bias_correction2) + ε) + weight_decay · w) */       \
    void loom_update_adam_##suffix(const loom_update_##suffix *update, size_t rows, size_t columns, \
                                   size_t stride, T *weights, const T *gradients, T *first_moment,  \
                                   T *second_moment);

LOOM_DECLARE_KERNELS(float, f32)
LOOM_DECLARE_KERNELS(double, f64)

// MARK: Order

// Positions start … start + count − 1 of a pseudo-random permutation of 0 … size − 1 keyed by `key`: a
// bijection that can be evaluated anywhere without a table. size < 2³².
void loom_permute(uint64_t key, uint32_t size, uint32_t start, uint32_t count, uint32_t *indices);

// MARK: Caches

// Asks for the cache lines of `bytes` bytes from `memory` on, which will be written: other cores give up their copies
// while this one works on. Only a hint; no address is an error.
void loom_prefetch_for_writing(const void *memory, size_t bytes);

// MARK: Tables

// Every kernel that exists in float32 and float64.
#define LOOM_KERNEL_NAMES(X)                                                                        \
    X(activate)                                                                                     \
    X(multiply_derivative)                                                                          \
    X(predict)                                                                                      \
    X(softmax_cross_entropy_labels)                                                                 \
    X(softmax_cross_entropy)                                                                        \
    X(sigmoid_cross_entropy)                                                                        \
    X(squared_error)                                                                                \
    X(softmax_weighted)                                                                             \
    X(softmax_weighted_derivative)                                                                  \
    X(squared_error_softmax_weighted)                                                               \
    X(column_sums)                                                                                  \
    X(add_column_sums)                                                                              \
    X(sum_addends)                                                                                  \
    X(sum_of_squares)                                                                               \
    X(plan_gemm)                                                                                    \
    X(gather_rows)                                                                                  \
    X(update_sgd)                                                                                   \
    X(update_momentum)                                                                              \
    X(update_nesterov)                                                                              \
    X(update_adam)

// The kernels of one instruction set. The plain functions above call those of the active one; tests call
// each.
typedef struct {
#define LOOM_TABLE_FIELDS(name)                                                                     \
    __typeof__(&loom_##name##_f32) name##_f32;                                                      \
    __typeof__(&loom_##name##_f64) name##_f64;
    LOOM_KERNEL_NAMES(LOOM_TABLE_FIELDS)
#undef LOOM_TABLE_FIELDS
    __typeof__(&loom_permute) permute;
} loom_kernel_table;

// The kernels of `set`, or NULL when this machine cannot run it.
const loom_kernel_table *loom_kernels(loom_instruction_set set);

#ifdef __cplusplus
}
#endif

#endif
