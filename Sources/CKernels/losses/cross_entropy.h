// Softmax cross entropy, with class indices and with distributions as targets.

// MARK: Class indices

LOOM_INLINE double FN(cross_entropy_labels_by_blocks)(
    size_t rows, size_t column_count, size_t stride, const Scalar *bias, Scalar *logits,
    const int32_t *labels, Scalar scale, Scalar *deltas, size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    FN(SoftmaxBlock) block;
    FN(store)(block.losses.factors, (Scalar)1);
    FN(store)(block.losses.offsets, (Scalar)0);
    double sum = 0;
    size_t right = 0;
    for (size_t start = 0; start < rows; start += LANES) {
        const size_t count = rows - start < LANES ? rows - start : LANES;
        FN(softmax_of_block)(&columns, count, stride, logits + start * stride, &block);
        for (size_t i = 0; i < count; i++) {
            const uint32_t label = (uint32_t)labels[start + i];
            block.losses.offsets[i] = block.maxima[i] - logits[(start + i) * stride + label];
            right += FN(lowest_bit)(block.at_maximum[i]) == 1u << label;
        }
        sum = FN(add_losses)(&block.losses, count, sum);
        if (!deltas) { continue; }
        Scalar factors[LANES] __attribute__((aligned(64)));
        FN(store)(factors, scale / ((Scalar)1 + FN(load)(block.losses.others)));
        for (size_t i = 0; i < count; i++) {
            Scalar *const delta_row = deltas + (start + i) * stride;
            const Integers label = labels[start + i];
            const Scalar others = block.losses.others[i];
            LOOM_FOR_EACH_VECTOR(columns, {
                // At the label p - 1 = (e - 1 - S) / (1 + S), which does not cancel where e is 1.
                const Vector e = block.exponentials[i][j / LANES];
                const Integers is_label = FN(lane_indices)() + (FN(Integer))j == label;
                const Vector numerator = FN(select)(is_label, (e - (Scalar)1) - others, e);
                FN(store)(delta_row + j, numerator * factors[i]);
            });
        }
    }
    *correct += right;
    return sum;
}

LOOM_INLINE double FN(cross_entropy_labels_by_rows)(
    size_t rows, size_t column_count, size_t stride, const Scalar *bias, Scalar *logits,
    const int32_t *labels, Scalar scale, Scalar *deltas, size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    FN(LossBlock) losses;
    FN(store)(losses.others, (Scalar)0);
    FN(store)(losses.factors, (Scalar)1);
    FN(store)(losses.offsets, (Scalar)0);
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        Scalar *const delta_row = deltas ? deltas + i * stride : NULL;
        const size_t label = (size_t)labels[i], slot = i % LANES;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, row, delta_row);
        losses.others[slot] = softmax.others;
        losses.offsets[slot] = softmax.maximum - row[label];
        right += FN(is_first_maximum)(&softmax, row, label);
        if (deltas) {
            const Scalar factor = scale / ((Scalar)1 + softmax.others);
            const Scalar at_label = (delta_row[label] - (Scalar)1) - softmax.others;
            LOOM_FOR_EACH_VECTOR(columns, {
                FN(store)(delta_row + j, FN(load)(delta_row + j) * factor);
            });
            delta_row[label] = at_label * factor;
        }
        if (slot == LANES - 1) { sum = FN(add_losses)(&losses, LANES, sum); }
    }
    *correct += right;
    return FN(add_losses)(&losses, rows % LANES, sum);
}

static double FN(softmax_cross_entropy_labels)(size_t rows, size_t columns, size_t stride,
                                               const void *bias, void *logits,
                                               const int32_t *labels, double scale, void *deltas,
                                               size_t *correct) {
    if (columns > 0 && columns <= LANES) {
        // Most shuffles of a transposition drop out where the compiler knows that there are few classes.
        const size_t fewest = LANES < 4 ? LANES : 4;
        return columns <= fewest ? FN(cross_entropy_labels_transposed)(fewest, rows, columns, stride, bias, logits, labels,
                                                                scale, deltas, correct)
                                 : FN(cross_entropy_labels_transposed)(LANES, rows, columns, stride, bias, logits, labels,
                                                                scale, deltas, correct);
    }
    if (columns <= LOOM_SOFTMAX_BLOCK_COLUMNS) {
        return FN(cross_entropy_labels_by_blocks)(rows, columns, stride, bias, logits, labels, scale, deltas,
                                               correct);
    }
    return FN(cross_entropy_labels_by_rows)(rows, columns, stride, bias, logits, labels, scale, deltas,
                                         correct);
}

// MARK: Distributions

// With targets t the loss is log Σ exp(z) Σ t - Σ t z = log(1 + S) Σ t + Σ t (M - z), and its derivative
// p Σt - t = (e Σt - t - t S) / (1 + S), exact where e and t are 1.
LOOM_INLINE Vector FN(target_numerator)(Vector e, Vector t, Scalar target_sum, Scalar others) {
    return FN(multiply_add)(-t, others, FN(multiply_add)(e, target_sum, -t));
}

LOOM_INLINE double FN(cross_entropy_by_blocks)(
    _Bool one_vector, size_t rows, size_t column_count, size_t stride, const Scalar *bias, Scalar *logits,
    const Scalar *targets, size_t targets_stride, Scalar scale, Scalar *deltas, size_t *correct) {
    const FN(Columns) columns = one_vector ? FN(columns_of_one_vector)(column_count, bias)
                                           : FN(columns)(column_count, bias);
    const Vector zero = 0, minus_infinity = (Scalar)-__builtin_inff();
    FN(SoftmaxBlock) block;
    double sum = 0;
    size_t right = 0;
    for (size_t start = 0; start < rows; start += LANES) {
        const size_t count = rows - start < LANES ? rows - start : LANES;
        FN(softmax_of_block)(&columns, count, stride, logits + start * stride, &block);
        Vector target_sums[LANES], offsets[LANES], largest[LANES];
        for (size_t i = 0; i < LANES; i++) {
            target_sums[i] = zero;
            offsets[i] = zero;
            largest[i] = minus_infinity;
        }
        for (size_t i = 0; i < count; i++) {
            const Scalar *const row = logits + (start + i) * stride;
            const Scalar *const target_row = targets + (start + i) * targets_stride;
            FN(Positions) target_sum = FN(no_elements)(), offset = FN(no_elements)();
            LOOM_FOR_EACH_PART(columns, LOOM_PARTS, {
                const Vector t = FN(load)(target_row + j);
                const Vector sum = FN(multiply_add)(t, block.maxima[i] - FN(load)(row + j), offset.part[part]);
                target_sum.part[part] += FN(select)(inside, t, zero);
                offset.part[part] = FN(select)(inside, sum, offset.part[part]);
                largest[i] = FN(larger)(FN(select)(inside, t, minus_infinity), largest[i]);
            });
            target_sums[i] = FN(one_vector)(target_sum);
            offsets[i] = FN(one_vector)(offset);
        }
        Scalar largest_targets[LANES] __attribute__((aligned(64)));
        Scalar factors[LANES] __attribute__((aligned(64)));
        FN(store)(block.losses.factors, FN(sums_of_lanes)(target_sums));
        FN(store)(block.losses.offsets, FN(sums_of_lanes)(offsets));
        FN(store)(largest_targets, FN(largest_lanes)(largest));
        FN(store)(factors, scale / ((Scalar)1 + FN(load)(block.losses.others)));
        sum = FN(add_losses)(&block.losses, count, sum);
        for (size_t i = 0; i < count; i++) {
            const Scalar *const target_row = targets + (start + i) * targets_stride;
            Scalar *const delta_row = deltas ? deltas + (start + i) * stride : NULL;
            uint32_t at_target = 0;
            LOOM_FOR_EACH_VECTOR(columns, {
                const Vector t = FN(load)(target_row + j);
                at_target |= FN(mask_bits)((t == largest_targets[i]) & inside) << j;
                if (deltas) {
                    const Vector numerator =
                        FN(target_numerator)(block.exponentials[i][j / LANES], t,
                                             block.losses.factors[i], block.losses.others[i]);
                    FN(store)(delta_row + j, numerator * factors[i]);
                }
            });
            right += at_target != 0
                && FN(lowest_bit)(block.at_maximum[i]) == FN(lowest_bit)(at_target);
        }
    }
    *correct += right;
    return sum;
}

LOOM_INLINE double FN(cross_entropy_by_rows)(
    size_t rows, size_t column_count, size_t stride, const Scalar *bias, Scalar *logits,
    const Scalar *targets, size_t targets_stride, Scalar scale, Scalar *deltas, size_t *correct) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    const Vector zero = 0;
    FN(LossBlock) losses;
    FN(store)(losses.others, zero);
    FN(store)(losses.factors, zero);
    FN(store)(losses.offsets, zero);
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        const Scalar *const target_row = targets + i * targets_stride;
        Scalar *const delta_row = deltas ? deltas + i * stride : NULL;
        const size_t slot = i % LANES;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, row, delta_row);
        FN(Positions) target_sum = FN(no_elements)(), offset = FN(no_elements)();
        LOOM_FOR_EACH_PART(columns, LOOM_PARTS, {
            const Vector t = FN(load)(target_row + j);
            const Vector sum = FN(multiply_add)(t, softmax.maximum - FN(load)(row + j), offset.part[part]);
            target_sum.part[part] += FN(select)(inside, t, zero);
            offset.part[part] = FN(select)(inside, sum, offset.part[part]);
        });
        const Scalar total = FN(sum_of_positions)(target_sum);
        losses.others[slot] = softmax.others;
        losses.factors[slot] = total;
        losses.offsets[slot] = FN(sum_of_positions)(offset);
        right += FN(is_first_maximum)(&softmax, row, FN(first_maximum)(&columns, target_row));
        if (deltas) {
            const Scalar factor = scale / ((Scalar)1 + softmax.others);
            LOOM_FOR_EACH_VECTOR(columns, {
                const Vector numerator = FN(target_numerator)(
                    FN(load)(delta_row + j), FN(load)(target_row + j), total, softmax.others);
                FN(store)(delta_row + j, numerator * factor);
            });
        }
        if (slot == LANES - 1) { sum = FN(add_losses)(&losses, LANES, sum); }
    }
    *correct += right;
    return FN(add_losses)(&losses, rows % LANES, sum);
}

static double FN(softmax_cross_entropy)(size_t rows, size_t columns, size_t stride, const void *bias,
                                        void *logits, const void *targets, size_t targets_stride,
                                        double scale, void *deltas, size_t *correct) {
    if (columns > 0 && columns <= LANES) {
        return FN(cross_entropy_by_blocks)(1, rows, columns, stride, bias, logits, targets,
                                        targets_stride, scale, deltas, correct);
    }
    if (columns <= LOOM_SOFTMAX_BLOCK_COLUMNS) {
        return FN(cross_entropy_by_blocks)(0, rows, columns, stride, bias, logits, targets, targets_stride,
                                        scale, deltas, correct);
    }
    return FN(cross_entropy_by_rows)(rows, columns, stride, bias, logits, targets, targets_stride, scale,
                                  deltas, correct);
}
#undef LOOM_SOFTMAX_BLOCK_COLUMNS
