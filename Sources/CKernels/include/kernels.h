// The table of kernels of one element type and one instruction set.
#ifndef LOOM_KERNELS_H
#define LOOM_KERNELS_H

#include "gemm.h"
#include "instruction_set.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

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

static inline loom_derivative_source loom_activation_derivative_source(loom_activation activation) {
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

// The map from a network's last pre-activations (logits) to its prediction.
typedef enum {
    LOOM_OUTPUT_IDENTITY = 0,
    LOOM_OUTPUT_SIGMOID,
    LOOM_OUTPUT_SOFTMAX,
} loom_output_map;

// MARK: Updates

// One of the matrices that a gradient is the sum of, along a binary tree.
typedef struct {
    ptrdiff_t offset;  // elements from the first addend to this one, a multiple of 64 bytes that may be negative
    size_t merges;     // how many sums of two neighbouring subtrees end with it: the last addend's end the tree
} loom_addend;
// The deepest tree: 2^15 addends.
enum { LOOM_ADDEND_DEPTH = 16 };

// What one optimizer update needs; numbers that a rule does not use are ignored, the others are rounded to the element type.
// The gradient that enters a rule is  g = gradient_scale * gradient + l2_twice * weight.
typedef struct {
    double learning_rate;
    double gradient_scale;  // 1, or the factor of clipping by global norm
    double l2_twice;        // 2λ for weights, 0 for biases
    double momentum;        // μ of momentum and nesterov
    double beta1, beta2, epsilon;
    double bias_correction1;  // 1 / (1 - β1^t)
    double bias_correction2;  // 1 / (1 - β2^t)
    double weight_decay;      // decoupled decay of adamw, 0 otherwise
    // Elements from row to row of the gradient, or 0: as in the weights.
    size_t gradient_stride;
    // The gradient is the sum of these matrices, each as long as the weights' buffer; NULL: it is one.
    const loom_addend *_Nullable addends;
    size_t addend_count;
    // The new weights are also written this many elements, multiples of 64 bytes that may be negative, after the weights.
    const ptrdiff_t *_Nullable mirrors;
    size_t mirror_count;
} loom_update;

// An update of a block of parameters. All matrices have `stride`; padding lanes are updated like the others. A rule uses as
// many states as it has.
typedef void (*loom_update_function)(const loom_update *update, size_t rows, size_t columns, size_t stride, void *weights,
                                     const void *gradients, void *_Nullable first_state, void *_Nullable second_state);

// MARK: Kernels

typedef enum {
    LOOM_FLOAT32 = 0,
    LOOM_FLOAT64 = 1,
    LOOM_ELEMENT_COUNT
} loom_element;

// The kernels of one element type and one instruction set. Matrices, biases and sums have elements of that type; scale
// factors are given in double precision and rounded to it.
typedef struct {
    loom_instruction_set instruction_set;
    loom_element element;

    // z = pre + bias (bias may be NULL), outputs = activation(z). `pre` holds x·Wᵀ on entry and z on return; `outputs` may be
    // the same matrix, then only the outputs remain. Both have `stride`.
    void (*activate)(loom_activation activation, size_t rows, size_t columns, size_t stride, const void *_Nullable bias,
                     void *pre, void *outputs);
    // deltas *= activation'(z). `stored` is what loom_activation_derivative_source names for the activation.
    void (*multiply_derivative)(loom_activation activation, size_t rows, size_t columns, size_t stride,
                                const void *stored, void *deltas);
    // prediction = map(z), z = logits + bias. `prediction` may be `logits`. Softmax subtracts the row's maximum.
    void (*predict)(loom_output_map map, size_t rows, size_t columns, size_t stride, const void *_Nullable bias,
                    void *logits, void *prediction);

    // Losses. z = logits + bias is written back to `logits`; `deltas`, with the stride of the logits, receives
    // scale * ∂loss/∂z of each sample (NULL: not wanted); the sum of the samples' unscaled losses is returned, added in
    // double precision in row order; `correct` is increased by the number of right decisions.

    // −log softmax(z)[label]; a decision per row: the largest z, the lowest index on a tie.
    double (*softmax_cross_entropy_labels)(size_t rows, size_t columns, size_t stride, const void *_Nullable bias,
                                           void *logits, const int32_t *labels, double scale, void *_Nullable deltas,
                                           size_t *correct);
    // log Σ exp(z) · Σ t − Σ t z for a row of targets t; right when argmax z = argmax t.
    double (*softmax_cross_entropy)(size_t rows, size_t columns, size_t stride, const void *_Nullable bias, void *logits,
                                    const void *targets, size_t targets_stride, double scale, void *_Nullable deltas,
                                    size_t *correct);
    // Σ over columns of log(1 + exp(z)) − t z; a decision per element: z >= 0 against t >= ½.
    double (*sigmoid_cross_entropy)(size_t rows, size_t columns, size_t stride, const void *_Nullable bias, void *logits,
                                    const void *targets, size_t targets_stride, double scale, void *_Nullable deltas,
                                    size_t *correct);
    // factor · ‖map(z) − t‖², factor 1 or ½; decisions as above for softmax (row) and sigmoid (element), none for identity.
    double (*squared_error)(loom_output_map map, size_t rows, size_t columns, size_t stride, const void *_Nullable bias,
                            void *logits, const void *targets, size_t targets_stride, double factor, double scale,
                            void *_Nullable deltas, size_t *correct);

    // o = softmax(a)·a of every unit, a = pre + bias being its `components` neighbouring columns: `pre` has
    // units · components columns and holds a on return, `outputs` has units columns and may be the same address with the
    // same stride.
    void (*softmax_weighted)(size_t rows, size_t units, size_t components, size_t stride, const void *_Nullable bias,
                             void *pre, size_t outputs_stride, void *outputs);
    // deltas = gradient · ∂o/∂a = gradient · σ (1 + a − o), σ = softmax(a): `pre` holds a and `deltas` lies as it does,
    // `gradients` has units columns.
    void (*softmax_weighted_derivative)(size_t rows, size_t units, size_t components, size_t stride, const void *pre,
                                        size_t gradients_stride, const void *gradients, void *deltas);
    // factor · ‖o − t‖² of softmax-weighted units, with deltas like those of the losses above.
    double (*squared_error_softmax_weighted)(size_t rows, size_t units, size_t components, size_t stride,
                                             const void *_Nullable bias, void *logits, const void *targets,
                                             size_t targets_stride, double factor, double scale, void *_Nullable deltas);

    // sums[j] = Σ over rows of m[i][j], for every column; rows added in a fixed order. `sums` has any alignment.
    void (*column_sums)(size_t rows, size_t columns, size_t stride, const void *m, void *sums);
    // sums[j] += Σ over rows of m[i][j].
    void (*add_column_sums)(size_t rows, size_t columns, size_t stride, const void *m, void *sums);
    // sum = the sum along its tree of `count` >= 1 matrices, the first of them at `first`; also written to `mirror_count`
    // places, each `mirrors[i]` elements after `sum`. The addends may be NULL where there is one.
    void (*sum_addends)(size_t count, const loom_addend *_Nullable addends, size_t rows, size_t columns, size_t stride,
                        const void *first, void *sum, size_t mirror_count, const ptrdiff_t *_Nullable mirrors);
    // Σ of the squares of the elements inside the matrix (not the padding), in double precision.
    double (*sum_of_squares)(size_t rows, size_t columns, size_t stride, const void *m);
    // destination row i = source row indices[i]. `source` may have any stride and alignment; the destination's padding up to
    // its next multiple of 64 bytes is set to 0.
    void (*gather_rows)(size_t count, size_t columns, const void *source, size_t source_stride, const uint64_t *indices,
                        void *destination, size_t destination_stride);

    // Plans a product, with the numbers of `tuning`, or of this processor's table where it is NULL. An element is one chain
    // of multiply-adds in the order of the inner dimension (of blocks of `loom_gemm_inner_block()` k, added in their order):
    // the same bits for every tuning, and for every way to cut a product into several by rows or columns, but for columns of
    // op(A) · Bᵀ.
    void (*plan_gemm)(const loom_gemm_shape *shape, const loom_gemm_tuning *_Nullable tuning, loom_gemm_plan *plan);

    loom_update_function _Nonnull update_sgd;       // w −= ηg
    loom_update_function _Nonnull update_momentum;  // v = μv + g, w −= ηv; the state is v
    loom_update_function _Nonnull update_nesterov;  // v = μv + g, w −= η(g + μv)
    // m = β1 m + (1−β1) g, v = β2 v + (1−β2) g²,
    // w −= η (m · bias_correction1 / (sqrt(v · bias_correction2) + ε) + weight_decay · w); the states are m and v
    loom_update_function _Nonnull update_adam;

    // Positions start … start + count − 1 of a pseudo-random permutation of 0 … size − 1 keyed by `key`: a bijection that can
    // be evaluated anywhere without a table. The same for both element types.
    void (*permute)(uint64_t key, uint64_t size, uint64_t start, uint64_t count, uint64_t *indices);
    // What `permute` does from 2³² on. It is a bijection for every size, which can be seen of small ones only.
    void (*permute_wide)(uint64_t key, uint64_t size, uint64_t start, uint64_t count, uint64_t *indices);

    // Row i of `rows` (count × columns, float32 in both tables, any alignment) = the random numbers of row indices[i] under
    // seed, purpose and sub-stream: standard normal ones (magnitudes up to 6.7), or uniform ones in (0, 1). What lies between
    // the columns and the stride is left alone.
    void (*normal_rows)(uint64_t seed, uint32_t purpose, uint32_t stream, size_t count, size_t columns,
                        const uint64_t *indices, float *rows, size_t stride);
    void (*uniform_rows)(uint64_t seed, uint32_t purpose, uint32_t stream, size_t count, size_t columns,
                         const uint64_t *indices, float *rows, size_t stride);
    // y = x · w, float32 in both tables: x is count × inputs of any stride, w is inputs × units, y is count × units. Rows of w
    // and y are aligned to 64 bytes, and their padding is read and written. Each sum is one chain of multiply-adds in the order
    // of the inputs.
    void (*dense_rows)(size_t count, size_t inputs, size_t units, const float *x, size_t x_stride, const float *w,
                       size_t w_stride, float *y, size_t y_stride);
} loom_kernels;

// The kernels of `set`, or NULL when this machine cannot run it.
const loom_kernels *_Nullable loom_kernels_of(loom_instruction_set set, loom_element element);

// Of the instruction set in use, one for each element type. Read at every call, and written while other threads may read it:
// any order will do, as all tables give the same bits.
extern _Atomic(const loom_kernels *) loom_active_tables[LOOM_ELEMENT_COUNT];

// The kernels of the instruction set in use.
static inline const loom_kernels *loom_active_kernels(loom_element element) {
    return atomic_load_explicit(&loom_active_tables[element], memory_order_relaxed);
}

// MARK: Caches

// Prefetches the cache lines of `bytes` bytes from `memory` on for writing: other cores give up their copies while this one
// works on. Only a hint; no address is an error.
void loom_prefetch_for_writing(const void *memory, size_t bytes);

#pragma clang assume_nonnull end

#endif
