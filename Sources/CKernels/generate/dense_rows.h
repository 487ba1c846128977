// y = x · w for a few units and any number of rows, one after the other: the layers of the networks that label generated
// samples. Each sum is one chain of multiply-adds in the order of the inputs, whichever rows share a call.

// Twelve sums at a time, in two vectors of each row: as many as hide the latency of a multiply-add and leave registers for its operands.
#define LOOM_DENSE_ROWS 6

LOOM_INLINE void dense_block(size_t rows, size_t vectors, size_t inputs, const float *x, size_t x_stride, const float *w,
                             size_t w_stride, float *y, size_t y_stride) {
    Vector sums[LOOM_DENSE_ROWS][2];
    for (size_t i = 0; i < rows; i++) {
        for (size_t v = 0; v < vectors; v++) { sums[i][v] = 0; }
    }
    for (size_t k = 0; k < inputs; k++) {
        Vector weights[2];
        for (size_t v = 0; v < vectors; v++) { weights[v] = FN(load)(w + k * w_stride + v * LANES); }
        for (size_t i = 0; i < rows; i++) {
            const Vector input = (Vector)x[i * x_stride + k];
            for (size_t v = 0; v < vectors; v++) { sums[i][v] = FN(multiply_add)(input, weights[v], sums[i][v]); }
        }
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t v = 0; v < vectors; v++) { FN(store)(y + i * y_stride + v * LANES, sums[i][v]); }
    }
}

static void dense_rows(size_t count, size_t inputs, size_t units, const float *x, size_t x_stride, const float *w,
                       size_t w_stride, float *y, size_t y_stride) {
    for (size_t u = 0; u < units; u += 2 * LANES) {
        size_t i = 0;
        if (units - u > LANES) {
            for (; i + LOOM_DENSE_ROWS <= count; i += LOOM_DENSE_ROWS) {
                dense_block(LOOM_DENSE_ROWS, 2, inputs, x + i * x_stride, x_stride, w + u, w_stride, y + i * y_stride + u,
                            y_stride);
            }
            for (; i < count; i++) {
                dense_block(1, 2, inputs, x + i * x_stride, x_stride, w + u, w_stride, y + i * y_stride + u, y_stride);
            }
        } else {
            for (; i + LOOM_DENSE_ROWS <= count; i += LOOM_DENSE_ROWS) {
                dense_block(LOOM_DENSE_ROWS, 1, inputs, x + i * x_stride, x_stride, w + u, w_stride, y + i * y_stride + u,
                            y_stride);
            }
            for (; i < count; i++) {
                dense_block(1, 1, inputs, x + i * x_stride, x_stride, w + u, w_stride, y + i * y_stride + u, y_stride);
            }
        }
    }
}
#undef LOOM_DENSE_ROWS
