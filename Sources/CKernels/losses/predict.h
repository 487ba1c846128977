// Predictions from the logits of a network.

LOOM_INLINE void FN(softmax_rows)(size_t rows, size_t column_count, size_t stride, const Scalar *bias,
                                  Scalar *logits, Scalar *prediction) {
    const FN(Columns) columns = FN(columns)(column_count, bias);
    for (size_t i = 0; i < rows; i++) {
        Scalar *const row = logits + i * stride;
        Scalar *const output_row = prediction + i * stride;
        const FN(SoftmaxRow) softmax = FN(softmax_row)(&columns, row, output_row);
        const Vector sum = (Scalar)1 + softmax.others;
        LOOM_FOR_EACH_VECTOR(columns, {
            FN(store)(output_row + j, FN(load)(output_row + j) / sum);
        });
    }
}

static void FN(predict)(loom_output_map map, size_t rows, size_t columns, size_t stride,
                        const void *bias, void *logits, void *prediction) {
    switch (map) {
    case LOOM_OUTPUT_SIGMOID:
        FN(activate_rows)(LOOM_SIGMOID, rows, columns, stride, bias, logits, prediction);
        break;
    case LOOM_OUTPUT_SOFTMAX:
        FN(softmax_rows)(rows, columns, stride, bias, logits, prediction);
        break;
    default:
        FN(activate_rows)(LOOM_IDENTITY, rows, columns, stride, bias, logits, prediction);
        break;
    }
}
