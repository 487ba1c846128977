// Products of all forms and edge sizes between guards.
#include "guarded.h"

#include "CKernels.h"

#include <string.h>

static size_t line_of(size_t bytes, size_t columns) {
    const size_t line = 64 / bytes;
    return (columns + line - 1) / line * line;
}

static void *zeros(const char *name, size_t bytes, side side) { return memset(guarded(name, bytes, side), 0, bytes); }

// A product whose A, and B where it is not transposed, are padded matrices or samples in place.
static void multiply(const loom_kernels *kernels, side side, const loom_gemm_tuning *tuning, loom_gemm_shape shape,
                     _Bool in_place) {
    const size_t bytes = kernels->element == LOOM_FLOAT32 ? 4 : 8;
    const size_t a_rows = shape.a_transposed ? shape.inner : shape.rows, a_columns = shape.a_transposed ? shape.rows : shape.inner;
    const size_t b_rows = shape.b_transposed ? shape.columns : shape.inner;
    const size_t b_columns = shape.b_transposed ? shape.inner : shape.columns;
    const _Bool b_in_place = in_place && !shape.b_transposed;
    shape.a_stride = (uint32_t)(in_place ? a_columns : line_of(bytes, a_columns));
    shape.b_stride = (uint32_t)(b_in_place ? b_columns : line_of(bytes, b_columns));
    shape.c_stride = shape.weights_stride = (uint32_t)line_of(bytes, shape.columns);
    const loom_gemm_operands operands = {
        .a = zeros("a", a_rows * shape.a_stride * bytes, side),
        .b = zeros("b", b_rows * shape.b_stride * bytes, side),
        .c = zeros("c", shape.rows * (size_t)shape.c_stride * bytes, side),
        .weights = shape.updates_weights ? zeros("weights", shape.rows * (size_t)shape.c_stride * bytes, side) : NULL,
        .alpha = 1, .beta = shape.accumulates, .learning_rate = 0.1};
    shape.a_aligned = (uintptr_t)operands.a % 64 == 0;
    shape.b_aligned = (uintptr_t)operands.b % 64 == 0;
    loom_gemm_plan plan;
    kernels->plan_gemm(&shape, tuning, &plan);
    plan.run(&plan, &operands, zeros("scratch", plan.scratch_bytes, side));
}

static void multiply_forms(const loom_kernels *kernels, side side, uint32_t rows, uint32_t columns, uint32_t inner,
                           size_t *calls) {
    // Everything small is packed, copied and prefetched, or nothing is.
    static const loom_gemm_tuning eager = {NULL, 64, 40, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1000, 1, 1};
    static const loom_gemm_tuning reluctant = {
        NULL, 37, 0, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 1000, 9, 7, 0, 50, 500};
    const loom_gemm_tuning *const tunings[] = {NULL, &eager, &reluctant};
    static const char *const names[] = {"A · B", "A · Bᵀ", "Aᵀ · B", "Aᵀ · Bᵀ"};
    now.kernel = "gemm";
    now.rows = rows;
    now.columns = columns;
    now.inner = inner;
    for (unsigned form = 0; form < 4; form++) {
        now.form = names[form];
        for (unsigned t = 0; t < 3; t++) {
            for (unsigned way = 0; way < 2; way++) {
                loom_gemm_shape shape = {.rows = rows, .columns = columns, .inner = inner, .a_transposed = form / 2,
                                         .b_transposed = form % 2, .accumulates = t != 0};
                multiply(kernels, side, tunings[t], shape, way);
                ++*calls;
                if (form == 2 && inner > 0) {
                    shape.updates_weights = 1;
                    multiply(kernels, side, tunings[t], shape, way);
                    ++*calls;
                }
            }
        }
    }
}

void call_products(const loom_kernels *kernels, side side, _Bool all, size_t *calls) {
    static const uint32_t few[] = {1, 7, 17, 33}, many[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48, 65, 100, 130};
    const uint32_t *const sizes = all ? many : few;
    const size_t count = all ? sizeof many / sizeof *many : sizeof few / sizeof *few;
    for (size_t r = 0; r < count; r++) {
        for (size_t c = 0; c < count; c++) {
            for (size_t k = 0; k < count; k++) { multiply_forms(kernels, side, sizes[r], sizes[c], sizes[k], calls); }
        }
    }
    // Beyond blocks of rows, of columns and of the inner dimension.
    static const uint32_t large[][3] = {{1, 129, 0}, {258, 19, 33}, {3, 33, 515}, {2, 4, 1030}, {17, 261, 66}, {270, 5, 60}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        multiply_forms(kernels, side, large[i][0], large[i][1], large[i][2], calls);
    }
}
