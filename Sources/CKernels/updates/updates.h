// Optimizer updates, one pass over the block.

#define UpdateRule FN(loom_update)

// What an update reads and writes; a rule uses as many states as it has.
typedef struct {
    Scalar *weights;
    const Scalar *gradients;
    Scalar *first_state;
    Scalar *second_state;
} FN(UpdateBlock);

typedef void FN(UpdateStep)(const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k, Vector g);

// Vectors from element k on: their gradients, and the step of each.
LOOM_INLINE void FN(update_at)(FN(UpdateStep) step, const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k,
                               size_t vectors) {
    Vector g[FN(update_vectors)];
    FN(sum_tree)(rule->addend_count, rule->addends, block->gradients + k, vectors, g);
    for (size_t v = 0; v < vectors; v++) {
        // Scale and L2 are always applied: one multiply-add more on data that has to be loaded anyway.
        const Vector w = FN(load)(block->weights + k + v * LANES);
        step(rule, block, k + v * LANES, FN(multiply_add)(w, rule->l2_twice, g[v] * rule->gradient_scale));
    }
}

LOOM_INLINE void FN(update_block)(FN(UpdateStep) step, const UpdateRule *update, size_t rows, size_t columns,
                                  size_t stride, const FN(UpdateBlock) block) {
    const UpdateRule rule = *update;
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        size_t k = i * stride;
        const size_t end = k + columns;
        for (; k + FN(update_vectors) * LANES <= end; k += FN(update_vectors) * LANES) {
            FN(update_at)(step, &rule, &block, k, FN(update_vectors));
        }
        for (; k < end; k += LANES) { FN(update_at)(step, &rule, &block, k, 1); }
    }
}

LOOM_INLINE void FN(store_weights)(const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k, Vector w) {
    FN(store)(block->weights + k, w);
    for (size_t m = 0; m < rule->mirror_count; m++) { FN(store)(block->weights + k + rule->mirrors[m], w); }
}

LOOM_INLINE void FN(sgd_step)(const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    const Vector w = FN(load)(block->weights + k);
    FN(store_weights)(rule, block, k, FN(multiply_add)(g, -rule->learning_rate, w));
}

LOOM_INLINE void FN(velocity_step)(_Bool nesterov, const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k,
                                   Vector g) {
    const Vector w = FN(load)(block->weights + k);
    // Rounded as where a product is added to velocities: a step may update by one half of a batch so and by the other so.
    const Vector v = FN(load)(block->first_state + k) * rule->momentum + g;
    const Vector direction = nesterov ? FN(multiply_add)(v, rule->momentum, g) : v;
    FN(store)(block->first_state + k, v);
    FN(store_weights)(rule, block, k, FN(multiply_add)(direction, -rule->learning_rate, w));
}

LOOM_INLINE void FN(momentum_step)(const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    FN(velocity_step)(0, rule, block, k, g);
}

LOOM_INLINE void FN(nesterov_step)(const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    FN(velocity_step)(1, rule, block, k, g);
}

LOOM_INLINE void FN(adam_step)(const UpdateRule *rule, const FN(UpdateBlock) * block, size_t k, Vector g) {
    const Scalar gain1 = (Scalar)1 - rule->beta1, gain2 = (Scalar)1 - rule->beta2;
    const Vector w = FN(load)(block->weights + k);
    const Vector m = FN(multiply_add)(FN(load)(block->first_state + k), rule->beta1, gain1 * g);
    const Vector v = FN(multiply_add)(FN(load)(block->second_state + k), rule->beta2, gain2 * g * g);
    const Vector root = __builtin_elementwise_sqrt(v * rule->bias_correction2);
    const Vector step = m * rule->bias_correction1 / (root + rule->epsilon);
    FN(store)(block->first_state + k, m);
    FN(store)(block->second_state + k, v);
    FN(store_weights)(rule, block, k, FN(multiply_add)(FN(multiply_add)(w, rule->weight_decay, step),
                                                       -rule->learning_rate, w));
}

static void FN(update_sgd)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                           Scalar *weights, const Scalar *gradients) {
    FN(update_block)(FN(sgd_step), update, rows, columns, stride, (FN(UpdateBlock)){weights, gradients, NULL, NULL});
}

static void FN(update_momentum)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                                Scalar *weights, const Scalar *gradients, Scalar *velocity) {
    FN(update_block)(FN(momentum_step), update, rows, columns, stride,
                     (FN(UpdateBlock)){weights, gradients, velocity, NULL});
}

static void FN(update_nesterov)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                                Scalar *weights, const Scalar *gradients, Scalar *velocity) {
    FN(update_block)(FN(nesterov_step), update, rows, columns, stride,
                     (FN(UpdateBlock)){weights, gradients, velocity, NULL});
}

static void FN(update_adam)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                            Scalar *weights, const Scalar *gradients, Scalar *first_moment,
                            Scalar *second_moment) {
    FN(update_block)(FN(adam_step), update, rows, columns, stride,
                     (FN(UpdateBlock)){weights, gradients, first_moment, second_moment});
}
#undef UpdateRule
