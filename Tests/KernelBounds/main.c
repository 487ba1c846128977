// Calls every kernel with every instruction set that this machine has, for both element types, with all numbers of columns
// from 0 to 130, on operands that lie directly before and directly behind pages that nothing may touch: a kernel that reads or
// writes an element too far ends here, with or without a sanitizer. Values are other tests' business.
//
// What is allowed is what kernels.h says: matrices have rows of whole cache lines, whose padding may be read and overwritten;
// biases, labels, indices, sums, and samples in place have no padding and any alignment.
//
// kernel-bounds [--all]: with more numbers of rows, and more products.
#include "guarded.h"

#include "CKernels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// The place, the kernels and the shape of the calls at the moment.
typedef struct {
    const loom_kernels *kernels;
    size_t bytes;  // of an element
    side side;
    size_t rows, columns, stride;
} setting;

static size_t calls;

static size_t padded(const setting *s, size_t columns) {
    const size_t line = 64 / s->bytes;
    return (columns + line - 1) / line * line;
}

// Fills what lies at `memory` with 0.25 … 0.75, so that an element may be a share, too.
static void *filled(const setting *s, void *memory, size_t count) {
    static float floats[256];
    static double doubles[256];
    for (size_t i = 0; floats[255] == 0 && i < 256; i++) { floats[i] = (float)(doubles[i] = 0.25 + (double)(i * 7 % 16) / 32); }
    for (size_t start = 0; start < count; start += 256) {
        const size_t part = count - start < 256 ? count - start : 256;
        memcpy((char *)memory + start * s->bytes, s->bytes == 4 ? (void *)floats : (void *)doubles, part * s->bytes);
    }
    return memory;
}

// A matrix with padded rows.
static void *matrix(const setting *s, const char *name, size_t rows, size_t columns) {
    const size_t count = rows * padded(s, columns);
    return filled(s, guarded(name, count * s->bytes, s->side), count);
}

// Elements without padding.
static void *elements(const setting *s, const char *name, size_t count) {
    return filled(s, guarded(name, count * s->bytes, s->side), count);
}

// Says what is called now.
static void call(const setting *s, const char *kernel, const char *form) {
    now.kernel = kernel;
    now.form = form;
    now.rows = s->rows;
    now.columns = s->columns;
    now.inner = 0;
    calls++;
}

// A softmax of nothing is none.
static int last_map(const setting *s) { return s->columns > 0 ? LOOM_OUTPUT_SOFTMAX : LOOM_OUTPUT_SIGMOID; }

static const char *const activation_names[] = {"identity", "sigmoid", "relu",     "relu_one", "arctan",
                                               "tanh",     "exp",     "softplus", "threshold"};

static void call_activations(const setting *s) {
    void *const bias = elements(s, "bias", s->columns);
    for (int activation = 0; activation < LOOM_ACTIVATION_COUNT; activation++) {
        for (int form = 0; form < 3; form++) {
            void *const pre = matrix(s, "pre", s->rows, s->columns);
            void *const outputs = form == 1 ? pre : matrix(s, "outputs", s->rows, s->columns);
            call(s, "activate", activation_names[activation]);
            s->kernels->activate((loom_activation)activation, s->rows, s->columns, s->stride, form == 2 ? NULL : bias, pre,
                                 outputs);
        }
        void *const stored = matrix(s, "stored", s->rows, s->columns), *const deltas = matrix(s, "deltas", s->rows, s->columns);
        call(s, "multiply_derivative", activation_names[activation]);
        s->kernels->multiply_derivative((loom_activation)activation, s->rows, s->columns, s->stride, stored, deltas);
    }
    static const char *const maps[] = {"identity", "sigmoid", "softmax"};
    for (int map = LOOM_OUTPUT_IDENTITY; map <= last_map(s); map++) {
        for (int form = 0; form < 3; form++) {
            void *const logits = matrix(s, "logits", s->rows, s->columns);
            void *const prediction = form == 1 ? logits : matrix(s, "prediction", s->rows, s->columns);
            call(s, "predict", maps[map]);
            s->kernels->predict((loom_output_map)map, s->rows, s->columns, s->stride, form == 2 ? NULL : bias, logits,
                                prediction);
        }
    }
}

static void call_losses(const setting *s) {
    void *const bias_row = elements(s, "bias", s->columns);
    const void *const targets = matrix(s, "targets", s->rows, s->columns);
    int32_t *const labels = guarded("labels", s->rows * sizeof *labels, s->side);
    for (size_t i = 0; i < s->rows; i++) { labels[i] = (int32_t)(i % (s->columns ? s->columns : 1)); }
    size_t correct = 0;
    for (int form = 0; form < 4; form++) {
        const void *const bias = form % 2 ? NULL : bias_row;
        void *const deltas = form / 2 ? NULL : matrix(s, "deltas", s->rows, s->columns);
        const char *const name = form / 2 ? "without deltas" : "with deltas";
        const size_t rows = s->rows, columns = s->columns, stride = s->stride;
        if (columns > 0) {
            call(s, "softmax_cross_entropy_labels", name);
            s->kernels->softmax_cross_entropy_labels(rows, columns, stride, bias, matrix(s, "logits", rows, columns), labels,
                                                     0.1, deltas, &correct);
            call(s, "softmax_cross_entropy", name);
            s->kernels->softmax_cross_entropy(rows, columns, stride, bias, matrix(s, "logits", rows, columns), targets,
                                              stride, 0.1, deltas, &correct);
        }
        call(s, "sigmoid_cross_entropy", name);
        s->kernels->sigmoid_cross_entropy(rows, columns, stride, bias, matrix(s, "logits", rows, columns), targets, stride,
                                          0.1, deltas, &correct);
        for (int map = LOOM_OUTPUT_IDENTITY; map <= last_map(s); map++) {
            call(s, "squared_error", name);
            s->kernels->squared_error((loom_output_map)map, rows, columns, stride, bias, matrix(s, "logits", rows, columns),
                                      targets, stride, 0.5, 0.1, deltas, &correct);
        }
    }
}

// `columns` units of several components each.
static void call_softmax_weighted(const setting *s, _Bool all_counts) {
    const size_t counts[] = {2, 5, 1, 3};
    for (size_t c = 0; c < (all_counts ? 4 : 2); c++) {
        const size_t components = counts[c], all = s->columns * components, rows = s->rows, units = s->columns;
        const size_t stride = padded(s, all);
        for (int form = 0; form < 3; form++) {
            const void *const bias = form == 2 ? NULL : elements(s, "bias", all);
            void *pre = matrix(s, "pre", rows, all);
            void *const outputs = form == 1 ? pre : matrix(s, "outputs", rows, units);
            call(s, "softmax_weighted", form == 1 ? "in place" : "apart");
            now.inner = components;
            s->kernels->softmax_weighted(rows, units, components, stride, bias, pre, form == 1 ? stride : s->stride, outputs);
            pre = matrix(s, "pre", rows, all);
            call(s, "softmax_weighted_derivative", "");
            now.inner = components;
            s->kernels->softmax_weighted_derivative(rows, units, components, stride, pre, s->stride,
                                                    matrix(s, "gradients", rows, units), matrix(s, "deltas", rows, all));
            call(s, "squared_error_softmax_weighted", "");
            now.inner = components;
            s->kernels->squared_error_softmax_weighted(rows, units, components, stride, bias, pre,
                                                       matrix(s, "targets", rows, units), s->stride, 0.5, 0.1,
                                                       form == 1 ? NULL : matrix(s, "deltas", rows, all));
        }
    }
}

static void call_sums(const setting *s) {
    const size_t rows = s->rows, columns = s->columns, stride = s->stride;
    const void *const m = matrix(s, "matrix", rows, columns);
    call(s, "column_sums", "");
    s->kernels->column_sums(rows, columns, stride, m, elements(s, "sums", columns));
    call(s, "add_column_sums", "");
    s->kernels->add_column_sums(rows, columns, stride, m, elements(s, "sums", columns));
    call(s, "sum_of_squares", "");
    (void)s->kernels->sum_of_squares(rows, columns, stride, m);

    // Three addends, and a mirror, as matrices that follow each other.
    const size_t count = rows * stride;
    void *const addends = filled(s, guarded("addends", 3 * count * s->bytes, s->side), 3 * count);
    void *const sum = filled(s, guarded("sum", 2 * count * s->bytes, s->side), 2 * count);
    const loom_addend list[] = {{0, 0}, {(ptrdiff_t)count, 1}, {2 * (ptrdiff_t)count, 1}};
    const ptrdiff_t mirrors[] = {(ptrdiff_t)count};
    for (size_t n = 1; n <= 3; n++) {
        call(s, "sum_addends", n == 1 ? "of one" : n == 2 ? "of two" : "of three");
        s->kernels->sum_addends(n, n == 1 ? NULL : list, rows, columns, stride, addends, sum, n - 1 > 0, mirrors);
    }
}

static void call_updates(const setting *s) {
    const loom_update_function functions[] = {s->kernels->update_sgd, s->kernels->update_momentum, s->kernels->update_nesterov,
                                              s->kernels->update_adam};
    static const char *const names[] = {"update_sgd", "update_momentum", "update_nesterov", "update_adam"};
    const size_t count = s->rows * s->stride;
    const loom_addend list[] = {{0, 0}, {(ptrdiff_t)count, 1}};
    const ptrdiff_t mirrors[] = {(ptrdiff_t)count};
    for (size_t rule = 0; rule < 4; rule++) {
        for (size_t form = 0; form < 2; form++) {
            const loom_update update = {
                .learning_rate = 0.1, .gradient_scale = 1, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8,
                .bias_correction1 = 1, .bias_correction2 = 1, .addends = form ? list : NULL, .addend_count = 1 + form,
                .mirrors = form ? mirrors : NULL, .mirror_count = form};
            const size_t all = (1 + form) * count;
            void *const weights = filled(s, guarded("weights", all * s->bytes, s->side), all);
            const void *const gradients = filled(s, guarded("gradients", all * s->bytes, s->side), all);
            call(s, names[rule], form ? "of two addends, with a mirror" : "");
            functions[rule](&update, s->rows, s->columns, s->stride, weights, gradients,
                            rule > 0 ? matrix(s, "first state", s->rows, s->columns) : NULL,
                            rule > 2 ? matrix(s, "second state", s->rows, s->columns) : NULL);
        }
    }
}

static void call_gathers(const setting *s) {
    const size_t columns = s->columns, strides[] = {columns, columns + 1, padded(s, columns)};
    uint64_t *const indices = guarded("indices", s->rows * sizeof *indices, s->side);
    for (size_t i = 0; i < s->rows; i++) { indices[i] = s->rows - 1 - i; }
    for (size_t i = 0; i < 3; i++) {
        // The last row ends where its elements do.
        const size_t count = s->rows == 0 ? 0 : (s->rows - 1) * strides[i] + columns;
        call(s, "gather_rows", i == 0 ? "without padding" : i == 1 ? "with one more" : "with padding");
        s->kernels->gather_rows(s->rows, columns, elements(s, "source", count), strides[i], indices,
                                matrix(s, "destination", s->rows, columns), padded(s, columns));
    }
}

// What makes generated samples: float32, whatever the table.
static void call_generators(const setting *s) {
    setting own = *s;
    own.bytes = sizeof(float);
    const size_t columns = s->columns, strides[] = {columns, columns + 1};
    uint64_t *const indices = guarded("indices", s->rows * sizeof *indices, s->side);
    for (size_t i = 0; i < s->rows; i++) { indices[i] = i * 0x9e3779b97f4a7c15; }
    for (size_t i = 0; i < 2; i++) {
        // The last row ends where its numbers do.
        const size_t count = s->rows == 0 ? 0 : (s->rows - 1) * strides[i] + columns;
        call(&own, "normal_rows", i == 0 ? "without padding" : "with one more");
        s->kernels->normal_rows(7, 5, 1, s->rows, columns, indices, elements(&own, "rows", count), strides[i]);
        call(&own, "uniform_rows", i == 0 ? "without padding" : "with one more");
        s->kernels->uniform_rows(7, 5, 1, s->rows, columns, indices, elements(&own, "rows", count), strides[i]);
    }
    for (size_t inputs = 0; inputs < 4; inputs++) {
        const size_t count = s->rows == 0 || inputs == 0 ? 0 : (s->rows - 1) * (inputs + 1) + inputs;
        call(&own, "dense_rows", "");
        s->kernels->dense_rows(s->rows, inputs, columns, elements(&own, "samples", count), inputs + 1,
                               matrix(&own, "weights", inputs, columns), padded(&own, columns),
                               matrix(&own, "outputs", s->rows, columns), padded(&own, columns));
    }
}

// `columns` positions of permutations of so many, and of far more.
static void call_permutations(const setting *s) {
    const uint64_t count = s->columns, sizes[] = {count, count + 1, 1000003, (uint64_t)1 << 32, ((uint64_t)1 << 62) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] == 0) { continue; }
        uint64_t *const indices = guarded("indices", count * sizeof *indices, s->side);
        call(s, "permute", "");
        s->kernels->permute(i * 0x9e3779b97f4a7c15, sizes[i], sizes[i] - count, count, indices);
        call(s, "permute_wide", "");
        s->kernels->permute_wide(i * 0x9e3779b97f4a7c15, sizes[i], sizes[i] - count, count, indices);
    }
}

void call_products(const loom_kernels *kernels, side side, _Bool all, size_t *calls);
size_t call_text(side side);
size_t call_bf16(side side, _Bool all);

static void call_all(const loom_kernels *kernels, side side, _Bool all) {
    static const size_t few[] = {1, 18}, many[] = {0, 1, 2, 5, 16, 17, 35};
    const size_t *const rows = all ? many : few, row_counts = all ? 7 : 2;
    setting s = {.kernels = kernels, .bytes = kernels->element == LOOM_FLOAT32 ? 4 : 8, .side = side};
    for (s.columns = 0; s.columns <= 130; s.columns++) {
        s.stride = padded(&s, s.columns);
        for (size_t r = 0; r < row_counts; r++) {
            s.rows = rows[r];
            // Around whole vectors, and where there are few.
            if (!all && r > 0 && s.columns > 20 && (s.columns + 1) % 8 > 2) { continue; }
            call_activations(&s);
            call_losses(&s);
            call_softmax_weighted(&s, all);
            call_sums(&s);
            call_updates(&s);
            call_gathers(&s);
            call_generators(&s);
        }
        call_permutations(&s);
    }
    call_products(kernels, side, all, &calls);
}

int main(int count, char **arguments) {
    const _Bool all = count > 1 && strcmp(arguments[1], "--all") == 0;
    static const char *const sets[] = {"baseline", "AVX2", "AVX-512"};
    guarded_begin();
    for (int set = LOOM_BASELINE; set <= LOOM_AVX512; set++) {
        if (!loom_supports_instruction_set((loom_instruction_set)set)) { continue; }
        now.set = sets[set];
        const size_t before = calls;
        for (int element = 0; element < LOOM_ELEMENT_COUNT; element++) {
            now.element = element == LOOM_FLOAT32 ? "float32" : "float64";
            const loom_kernels *const kernels = loom_kernels_of((loom_instruction_set)set, (loom_element)element);
            call_all(kernels, AT_START, all);
            call_all(kernels, AT_END, all);
        }
        loom_select_instruction_set((loom_instruction_set)set);
        calls += call_bf16(AT_START, all) + call_bf16(AT_END, all);
        calls += call_text(AT_START) + call_text(AT_END);
        printf("%s: %zu calls\n", now.set, calls - before);
    }
    printf("no kernel touched what is not its own\n");
    return 0;
}
