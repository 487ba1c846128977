// Activations and their derivatives, one pass over the matrix.

LOOM_INLINE Vector FN(activation_value)(loom_activation activation, Vector z) {
    const Vector zero = 0, one = (Scalar)1;
    switch (activation) {
    case LOOM_SIGMOID: return FN(sigmoid)(z);
    case LOOM_RELU:
    case LOOM_RELU_ONE: return FN(larger)(zero, z);  // a NaN stays one
    case LOOM_ARCTAN: return FN(arctan)(z);
    case LOOM_TANH: return FN(tanh)(z);
    case LOOM_EXP: return FN(exp)(z);
    case LOOM_SOFTPLUS: return FN(softplus)(z);
    case LOOM_THRESHOLD: return FN(select)(z >= zero, one, zero);
    default: return z;
    }
}

// `activation` is a constant at every call, so that the switch above is gone from the loop.
LOOM_INLINE void FN(activate_rows)(loom_activation activation, size_t rows, size_t column_count,
                                   size_t stride, const Scalar *bias, Scalar *pre, Scalar *outputs) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    const _Bool keeps_pre = pre != outputs;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const pre_row = pre + i * stride;
        Scalar *const output_row = outputs + i * stride;
        LOOM_FOR_EACH_VECTOR(columns, {
            const Vector z = FN(biased)(&columns, pre_row, j);
            if (keeps_pre) { FN(store)(pre_row + j, z); }
            FN(store)(output_row + j, FN(activation_value)(activation, z));
        });
    }
}

#define LOOM_ACTIVATION_CASES(X)                                                                    \
    X(LOOM_IDENTITY) X(LOOM_SIGMOID) X(LOOM_RELU) X(LOOM_RELU_ONE) X(LOOM_ARCTAN) X(LOOM_TANH)      \
    X(LOOM_EXP) X(LOOM_SOFTPLUS) X(LOOM_THRESHOLD)

static void FN(activate)(loom_activation activation, size_t rows, size_t columns, size_t stride,
                         const void *bias, void *pre, void *outputs) {
    switch (activation) {
#define LOOM_ACTIVATE_CASE(name)                                                                    \
    case name: FN(activate_rows)(name, rows, columns, stride, bias, pre, outputs); break;
        LOOM_ACTIVATION_CASES(LOOM_ACTIVATE_CASE)
#undef LOOM_ACTIVATE_CASE
    default: break;
    }
}

// delta · activation'(z), `stored` being z or activation(z) as loom_activation_derivative_source says.
LOOM_INLINE Vector FN(times_derivative)(loom_activation activation, Vector stored, Vector delta) {
    const Vector zero = 0, one = (Scalar)1;
    switch (activation) {
    case LOOM_SIGMOID: return delta * (stored * (one - stored));
    case LOOM_RELU: return FN(select)(stored > zero, delta, zero);
    case LOOM_RELU_ONE: return FN(select)(stored >= zero, delta, zero);
    case LOOM_ARCTAN: return delta / FN(multiply_add)(stored, stored, one);
    case LOOM_TANH: return delta * FN(multiply_add)(-stored, stored, one);
    case LOOM_EXP: return delta * stored;
    case LOOM_SOFTPLUS: return delta * FN(sigmoid)(stored);
    case LOOM_THRESHOLD: return zero;
    default: return delta;
    }
}

LOOM_INLINE void FN(multiply_derivative_rows)(loom_activation activation, size_t rows, size_t columns,
                                              size_t stride, const Scalar *stored, Scalar *deltas) {
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        const Scalar *const stored_row = stored + i * stride;
        Scalar *const delta_row = deltas + i * stride;
        for (size_t j = 0; j < columns; j += LANES) {
            const Vector delta = FN(load)(delta_row + j);
            FN(store)(delta_row + j,
                      FN(times_derivative)(activation, FN(load)(stored_row + j), delta));
        }
    }
}

static void FN(multiply_derivative)(loom_activation activation, size_t rows, size_t columns,
                                    size_t stride, const void *stored, void *deltas) {
    switch (activation) {
    case LOOM_IDENTITY: break;
#define LOOM_DERIVATIVE_CASE(name)                                                                  \
    case name: FN(multiply_derivative_rows)(name, rows, columns, stride, stored, deltas); break;
        LOOM_DERIVATIVE_CASE(LOOM_SIGMOID)
        LOOM_DERIVATIVE_CASE(LOOM_RELU)
        LOOM_DERIVATIVE_CASE(LOOM_RELU_ONE)
        LOOM_DERIVATIVE_CASE(LOOM_ARCTAN)
        LOOM_DERIVATIVE_CASE(LOOM_TANH)
        LOOM_DERIVATIVE_CASE(LOOM_EXP)
        LOOM_DERIVATIVE_CASE(LOOM_SOFTPLUS)
        LOOM_DERIVATIVE_CASE(LOOM_THRESHOLD)
#undef LOOM_DERIVATIVE_CASE
    default: break;
    }
}
