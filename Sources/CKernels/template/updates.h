// Optimizer updates, one pass over the block.

#define UpdateRule FN(loom_update)

// The gradient that enters a rule. Scale and L2 are always applied: one multiply-add more on data that has to
// be loaded anyway.
LOOM_INLINE Vector FN(effective_gradient)(const UpdateRule *rule, const Scalar *gradient, Vector weight) {
    return FN(multiply_add)(weight, rule->l2_twice, FN(load)(gradient) * rule->gradient_scale);
}

static void FN(update_sgd)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                           Scalar *weights, const Scalar *gradients) {
    const UpdateRule rule = *update;
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = i * stride; k < i * stride + columns; k += LANES) {
            const Vector w = FN(load)(weights + k);
            const Vector g = FN(effective_gradient)(&rule, gradients + k, w);
            FN(store)(weights + k, FN(multiply_add)(g, -rule.learning_rate, w));
        }
    }
}

LOOM_INLINE void FN(update_with_velocity)(_Bool nesterov, const UpdateRule *update, size_t rows,
                                          size_t columns, size_t stride, Scalar *weights,
                                          const Scalar *gradients, Scalar *velocity) {
    const UpdateRule rule = *update;
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = i * stride; k < i * stride + columns; k += LANES) {
            const Vector w = FN(load)(weights + k);
            const Vector g = FN(effective_gradient)(&rule, gradients + k, w);
            const Vector v = FN(multiply_add)(FN(load)(velocity + k), rule.momentum, g);
            const Vector direction = nesterov ? FN(multiply_add)(v, rule.momentum, g) : v;
            FN(store)(velocity + k, v);
            FN(store)(weights + k, FN(multiply_add)(direction, -rule.learning_rate, w));
        }
    }
}

static void FN(update_momentum)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                                Scalar *weights, const Scalar *gradients, Scalar *velocity) {
    FN(update_with_velocity)(0, update, rows, columns, stride, weights, gradients, velocity);
}

static void FN(update_nesterov)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                                Scalar *weights, const Scalar *gradients, Scalar *velocity) {
    FN(update_with_velocity)(1, update, rows, columns, stride, weights, gradients, velocity);
}

static void FN(update_adam)(const UpdateRule *update, size_t rows, size_t columns, size_t stride,
                            Scalar *weights, const Scalar *gradients, Scalar *first_moment,
                            Scalar *second_moment) {
    const UpdateRule rule = *update;
    const Scalar gain1 = (Scalar)1 - rule.beta1, gain2 = (Scalar)1 - rule.beta2;
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = i * stride; k < i * stride + columns; k += LANES) {
            const Vector w = FN(load)(weights + k);
            const Vector g = FN(effective_gradient)(&rule, gradients + k, w);
            const Vector m = FN(multiply_add)(FN(load)(first_moment + k), rule.beta1, gain1 * g);
            const Vector v = FN(multiply_add)(FN(load)(second_moment + k), rule.beta2, gain2 * g * g);
            const Vector root = __builtin_elementwise_sqrt(v * rule.bias_correction2);
            const Vector step = m * rule.bias_correction1 / (root + rule.epsilon);
            FN(store)(first_moment + k, m);
            FN(store)(second_moment + k, v);
            FN(store)(weights + k, FN(multiply_add)(FN(multiply_add)(w, rule.weight_decay, step),
                                                    -rule.learning_rate, w));
        }
    }
}
#undef UpdateRule
