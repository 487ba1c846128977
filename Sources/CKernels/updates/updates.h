// Optimizer updates, one pass over the block.

// A `loom_update`, its numbers rounded.
typedef struct {
    Scalar learning_rate, gradient_scale, l2_twice, momentum, beta1, beta2, epsilon, bias_correction1, bias_correction2;
    Scalar gain1, gain2;  // 1 − β1 and 1 − β2, rounded once
    Scalar weight_decay;
    const loom_addend *addends;
    size_t addend_count;
    const ptrdiff_t *mirrors;
    size_t mirror_count;
} FN(UpdateRule);

// What an update reads and writes; a rule uses as many states as it has.
typedef struct {
    Scalar *weights;
    const Scalar *gradients;
    Scalar *first_state;
    Scalar *second_state;
} FN(UpdateBlock);

typedef void FN(UpdateStep)(const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k, Vector g);

// Vectors from element k on: their gradients, and the step of each.
LOOM_INLINE void FN(update_at)(FN(UpdateStep) step, const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k,
                               size_t vectors) {
    Vector g[FN(update_vectors)];
    FN(sum_tree)(rule->addend_count, rule->addends, block->gradients + k, vectors, g);
    for (size_t v = 0; v < vectors; v++) {
        // Scale and L2 are always applied: one multiply-add more on data that has to be loaded anyway.
        const Vector w = FN(load)(block->weights + k + v * LANES);
        step(rule, block, k + v * LANES, FN(multiply_add)(w, rule->l2_twice, g[v] * rule->gradient_scale));
    }
}

LOOM_INLINE FN(UpdateRule) FN(update_rule)(const loom_update *update) {
    return (FN(UpdateRule)){
        .learning_rate = (Scalar)update->learning_rate,
        .gradient_scale = (Scalar)update->gradient_scale,
        .l2_twice = (Scalar)update->l2_twice,
        .momentum = (Scalar)update->momentum,
        .beta1 = (Scalar)update->beta1,
        .beta2 = (Scalar)update->beta2,
        // Of a β in float32, 1 − β has lost digits, three for 0.999, and would not go with the bias correction.
        .gain1 = (Scalar)(1 - update->beta1),
        .gain2 = (Scalar)(1 - update->beta2),
        .epsilon = (Scalar)update->epsilon,
        .bias_correction1 = (Scalar)update->bias_correction1,
        .bias_correction2 = (Scalar)update->bias_correction2,
        .weight_decay = (Scalar)update->weight_decay,
        .addends = update->addends,
        .addend_count = update->addend_count,
        .mirrors = update->mirrors,
        .mirror_count = update->mirror_count,
    };
}

LOOM_INLINE void FN(update_block)(FN(UpdateStep) step, const loom_update *update, size_t rows, size_t columns,
                                  size_t stride, void *weights, const void *gradients, void *first_state,
                                  void *second_state) {
    const FN(UpdateRule) rule = FN(update_rule)(update);
    const size_t gradient_stride = update->gradient_stride ? update->gradient_stride : stride;
    if (gradient_stride == stride) { FN(flatten)(&rows, &columns, stride); }
    for (size_t i = 0; i < rows; i++) {
        // A place in the weights is one in the gradient, too, behind this address.
        const Scalar *const row_gradients = (const Scalar *)gradients - i * stride + i * gradient_stride;
        const FN(UpdateBlock) block = {weights, row_gradients, first_state, second_state};
        size_t k = i * stride;
        const size_t end = k + columns;
        for (; k + FN(update_vectors) * LANES <= end; k += FN(update_vectors) * LANES) {
            FN(update_at)(step, &rule, &block, k, FN(update_vectors));
        }
        for (; k < end; k += LANES) { FN(update_at)(step, &rule, &block, k, 1); }
    }
}

LOOM_INLINE void FN(store_weights)(const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k, Vector w) {
    FN(store)(block->weights + k, w);
    for (size_t m = 0; m < rule->mirror_count; m++) { FN(store)(block->weights + k + rule->mirrors[m], w); }
}

LOOM_INLINE void FN(sgd_step)(const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    const Vector w = FN(load)(block->weights + k);
    FN(store_weights)(rule, block, k, FN(multiply_add)(g, -rule->learning_rate, w));
}

LOOM_INLINE void FN(velocity_step)(_Bool nesterov, const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k,
                                   Vector g) {
    const Vector w = FN(load)(block->weights + k);
    // Rounded as where a product is added to velocities: a step may update by one half of a batch so and by the other so.
    const Vector v = FN(load)(block->first_state + k) * rule->momentum + g;
    const Vector direction = nesterov ? FN(multiply_add)(v, rule->momentum, g) : v;
    FN(store)(block->first_state + k, v);
    FN(store_weights)(rule, block, k, FN(multiply_add)(direction, -rule->learning_rate, w));
}

LOOM_INLINE void FN(momentum_step)(const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    FN(velocity_step)(0, rule, block, k, g);
}

LOOM_INLINE void FN(nesterov_step)(const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    FN(velocity_step)(1, rule, block, k, g);
}

LOOM_INLINE void FN(adam_step)(const FN(UpdateRule) *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    const Vector w = FN(load)(block->weights + k);
    const Vector m = FN(multiply_add)(FN(load)(block->first_state + k), rule->beta1, rule->gain1 * g);
    const Vector v = FN(multiply_add)(FN(load)(block->second_state + k), rule->beta2, rule->gain2 * g * g);
    const Vector root = __builtin_elementwise_sqrt(v * rule->bias_correction2);
    const Vector step = m * rule->bias_correction1 / (root + rule->epsilon);
    FN(store)(block->first_state + k, m);
    FN(store)(block->second_state + k, v);
    FN(store_weights)(rule, block, k, FN(multiply_add)(FN(multiply_add)(w, rule->weight_decay, step),
                                                       -rule->learning_rate, w));
}

#define LOOM_UPDATE(name)                                                                           \
    static void FN(update_##name)(const loom_update *update, size_t rows, size_t columns, size_t stride, void *weights, \
                                  const void *gradients, void *first_state, void *second_state) {   \
        FN(update_block)(FN(name##_step), update, rows, columns, stride, weights, gradients, first_state, second_state); \
    }
LOOM_UPDATE(sgd)
LOOM_UPDATE(momentum)
LOOM_UPDATE(nesterov)
LOOM_UPDATE(adam)
#undef LOOM_UPDATE
