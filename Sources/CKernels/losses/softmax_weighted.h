// Softmax-weighted units: o = softmax(a)·a over the n components a of a unit, which lie beside each other.
//
// A unit has few components, so vectors go across units: each lane is one unit and has its own maximum and
// sums, and its bits do not depend on the others. Rows with fewer units than lanes take LANES rows at a time.
//
// With M the largest component and d = a - M <= 0, o = M + Σ exp(d) d / Σ exp(d): nothing overflows, and o is
// a component itself where that has all the weight. ∂o/∂a_i = σ_i (1 + a_i - o) with a_i - o = d_i - (o - M).

// Where component 0 of every lane's unit is, from that of lane 0; lanes from `count` on repeat lane 0.
LOOM_INLINE Integers FN(unit_offsets)(size_t step, size_t count) {
    const Integers zero = 0;
    return FN(first_lanes)(count) ? FN(lane_indices)() * (FN(Integer))step : zero;
}

LOOM_INLINE Vector FN(gather)(const Scalar *address, Integers offsets) {
#if defined(LOOM_AVX512_INTRINSICS) && LOOM_PRECISION == 32
    return (Vector)_mm512_i32gather_ps((__m512i)offsets, address, 4);
#elif defined(LOOM_AVX512_INTRINSICS)
    return (Vector)_mm512_i64gather_pd((__m512i)offsets, address, 8);
#elif defined(LOOM_AVX2_INTRINSICS) && LOOM_PRECISION == 32
    return (Vector)_mm256_i32gather_ps(address, (__m256i)offsets, 4);
#elif defined(LOOM_AVX2_INTRINSICS)
    return (Vector)_mm256_i64gather_pd(address, (__m256i)offsets, 8);
#else
    Vector v = 0;
    for (size_t lane = 0; lane < LANES; lane++) { v[lane] = address[offsets[lane]]; }
    return v;
#endif
}

// Lane i of `v` to `address[i * step]`, for the first `count` lanes.
LOOM_INLINE void FN(scatter_first)(Scalar *address, size_t step, Vector v, size_t count) {
    for (size_t lane = 0; lane < count; lane++) { address[lane * step] = v[lane]; }
}

typedef struct {
    Vector maximum;  // M
    Vector sum;      // Σ exp(d)
    Vector shift;    // o - M
} FN(WeightedUnits);

LOOM_INLINE FN(WeightedUnits) FN(weighted_units)(const Scalar *pre, Integers offsets, size_t components) {
    FN(WeightedUnits) result;
    result.maximum = FN(gather)(pre, offsets);
    for (size_t c = 1; c < components; c++) {
        result.maximum = FN(larger)(result.maximum, FN(gather)(pre + c, offsets));
    }
    Vector weighted = 0;
    result.sum = (Scalar)0;
    for (size_t c = 0; c < components; c++) {
        const Vector d = FN(gather)(pre + c, offsets) - result.maximum;
        const Vector e = FN(exp_of_nonpositive)(d);
        result.sum += e;
        weighted = FN(multiply_add)(e, d, weighted);
    }
    result.shift = weighted / result.sum;
    return result;
}

// deltas = gradient · ∂o/∂a for the components of the lanes' units, of which deltas lie as `pre` does.
LOOM_INLINE void FN(weighted_units_deltas)(const FN(WeightedUnits) *units, const Scalar *pre,
                                           Integers offsets, size_t step, size_t count,
                                           size_t components, Vector gradient, Scalar *deltas) {
    const Vector one = (Scalar)1;
    for (size_t c = 0; c < components; c++) {
        const Vector d = FN(gather)(pre + c, offsets) - units->maximum;
        const Vector weight = FN(exp_of_nonpositive)(d) / units->sum;
        const Vector delta = gradient * (weight * (one + (d - units->shift)));
        FN(scatter_first)(deltas + c, step, delta, count);
    }
}

LOOM_INLINE void FN(add_bias)(size_t rows, size_t column_count, size_t stride, const Scalar *bias,
                              Scalar *pre) {
    if (bias) { FN(activate_rows)(LOOM_IDENTITY, rows, column_count, stride, bias, pre, pre); }
}

// Runs the statement for every vector of units: `row` and `unit` are those of lane 0, `count` lanes are used,
// `step` is the distance between the components 0 of two lanes and `offsets` are those of all lanes.
#define LOOM_FOR_EACH_UNITS(rows, units, components, stride, ...)                                   \
    do {                                                                                            \
        const _Bool across_rows = (units) < LANES;                                                  \
        const size_t step = across_rows ? (stride) : (components);                                  \
        const size_t row_step = across_rows ? LANES : 1, unit_step = across_rows ? 1 : LANES;       \
        for (size_t row = 0; row < (rows); row += row_step) {                                       \
            for (size_t unit = 0; unit < (units); unit += unit_step) {                              \
                const size_t left = across_rows ? (rows) - row : (units) - unit;                    \
                const size_t count = left < LANES ? left : LANES;                                   \
                const Integers offsets = FN(unit_offsets)(step, count);                             \
                __VA_ARGS__                                                                         \
            }                                                                                       \
        }                                                                                           \
    } while (0)

static void FN(softmax_weighted)(size_t rows, size_t units, size_t components, size_t stride,
                                 const void *bias, void *pre_activations, size_t outputs_stride,
                                 void *outputs_of_units) {
    Scalar *const pre = pre_activations, *const outputs = outputs_of_units;
    FN(add_bias)(rows, units * components, stride, bias, pre);
    // In place, too: outputs are written where components have been read.
    LOOM_FOR_EACH_UNITS(rows, units, components, stride, {
        const FN(WeightedUnits) weighted =
            FN(weighted_units)(pre + row * stride + unit * components, offsets, components);
        FN(scatter_first)(outputs + row * outputs_stride + unit, across_rows ? outputs_stride : 1,
                          weighted.maximum + weighted.shift, count);
    });
}

static void FN(softmax_weighted_derivative)(size_t rows, size_t units, size_t components,
                                            size_t stride, const void *pre_activations, size_t gradients_stride,
                                            const void *gradients_of_units, void *deltas_of_components) {
    const Scalar *const pre = pre_activations, *const gradients = gradients_of_units;
    Scalar *const deltas = deltas_of_components;
    LOOM_FOR_EACH_UNITS(rows, units, components, stride, {
        const size_t first = row * stride + unit * components;
        const FN(WeightedUnits) weighted = FN(weighted_units)(pre + first, offsets, components);
        const Vector gradient = FN(gather)(
            gradients + row * gradients_stride + unit,
            FN(unit_offsets)(across_rows ? gradients_stride : 1, count));
        FN(weighted_units_deltas)(&weighted, pre + first, offsets, step, count, components, gradient,
                                  deltas + first);
    });
}

LOOM_INLINE double FN(squared_error_of_weighted_units)(size_t rows, size_t units, size_t components,
                                                       size_t stride, const Scalar *bias, Scalar *logits,
                                                       const Scalar *targets, size_t targets_stride,
                                                       Scalar factor, Scalar scale, Scalar *deltas) {
    const Scalar slope = (Scalar)2 * factor * scale;
    double sum = 0;
    double row_sums[LANES] = {0};  // of the rows of the lanes, or of the row in [0]
    FN(add_bias)(rows, units * components, stride, bias, logits);
    LOOM_FOR_EACH_UNITS(rows, units, components, stride, {
        const size_t first = row * stride + unit * components;
        const FN(WeightedUnits) weighted = FN(weighted_units)(logits + first, offsets, components);
        const Vector target = FN(gather)(
            targets + row * targets_stride + unit,
            FN(unit_offsets)(across_rows ? targets_stride : 1, count));
        const Vector error = weighted.maximum + weighted.shift - target;
        for (size_t lane = 0; lane < count; lane++) {
            row_sums[across_rows ? lane : 0] += (double)error[lane] * (double)error[lane];
        }
        if (deltas) {
            FN(weighted_units_deltas)(&weighted, logits + first, offsets, step, count, components,
                                      error * slope, deltas + first);
        }
        if (unit + unit_step >= units) {
            for (size_t lane = 0; lane < (across_rows ? count : 1); lane++) {
                sum += row_sums[lane] * (double)factor;
                row_sums[lane] = 0;
            }
        }
    });
    return sum;
}

static double FN(squared_error_softmax_weighted)(size_t rows, size_t units, size_t components, size_t stride,
                                                 const void *bias, void *logits, const void *targets,
                                                 size_t targets_stride, double factor, double scale, void *deltas) {
    return FN(squared_error_of_weighted_units)(rows, units, components, stride, bias, logits, targets, targets_stride,
                                               factor, scale, deltas);
}
