// Products of bfloat16 between guards: factors and packed forms that end with their last block, matrices that end with their
// last padded row, samples in place, and biases and sums that end with their last number.
#include "guarded.h"

#include "CKernels.h"

#include <string.h>

// What multiplies, where operands lie, and the shape at the moment.
typedef struct {
    const loom_bf16_kernels *kernels;
    side side;
    size_t rows, columns, inner;
    size_t *calls;
} setting;

static void *filled(const char *name, size_t bytes, side side) {
    void *const memory = guarded(name, bytes, side);
    // 0.75 in bfloat16, and something near it in float32.
    for (size_t i = 0; i < bytes / 2; i++) { ((uint16_t *)memory)[i] = 0x3f40; }
    return memory;
}

// Packed blocks: `across` side by side, `down` times, one more than `across` apart.
static uint16_t *blocks(const setting *s, const char *name, size_t down, size_t across) {
    const size_t count = down && across ? (down - 1) * (across + 1) + across : 0;
    return filled(name, count * LOOM_BF16_BLOCK_ELEMENTS * sizeof(uint16_t), s->side);
}

// A matrix of the result's shape with padded rows.
static float *matrix(const setting *s, const char *name, size_t stride) {
    return filled(name, s->rows * stride * sizeof(float), s->side);
}

// Of the sums of every 32 rows, rows that follow each other.
static float *sums(const setting *s) {
    return filled("sums", loom_bf16_blocks(s->rows) * s->columns * sizeof(float), s->side);
}

static loom_bf16_forms forms(const setting *s, _Bool all) {
    const size_t down = loom_bf16_blocks(s->rows), across = loom_bf16_blocks(s->columns);
    return (loom_bf16_forms){
        .left = blocks(s, "left form", down, across),
        .right_transposed = all ? blocks(s, "transposed right form", down, across) : NULL,
        .right = all ? blocks(s, "right form", across, down) : NULL,
        .left_transposed = blocks(s, "transposed left form", across, down),
        .row_stride = across + 1,
        .column_stride = down + 1,
    };
}

static void multiply(const setting *s, const char *form, loom_bf16_product product) {
    const size_t inner = loom_bf16_blocks(s->inner);
    product.rows = s->rows;
    product.columns = s->columns;
    product.inner = s->inner;
    product.left = blocks(s, "left factor", loom_bf16_blocks(s->rows), inner);
    product.right = blocks(s, "right factor", loom_bf16_blocks(s->columns), inner);
    product.left_stride = product.right_stride = inner + 1;
    now.kernel = "bf16 product";
    now.form = form;
    void *const scratch = filled("scratch", LOOM_BF16_SCRATCH_BYTES, s->side);
    s->kernels->begin_region();
    s->kernels->multiply(&product, scratch);
    s->kernels->end_region();
    ++*s->calls;
}

static void call_activations(const setting *s, size_t stride) {
    static const loom_activation activations[] = {LOOM_IDENTITY, LOOM_SIGMOID, LOOM_RELU_ONE};
    const size_t across = loom_bf16_blocks(s->columns);
    for (int way = 0; way < 3; way++) {
        const loom_activation activation = activations[way];
        const _Bool from_pre = loom_activation_derivative_source(activation) == LOOM_FROM_PRE_ACTIVATIONS;
        loom_bf16_product product = {.epilogue = LOOM_BF16_ACTIVATE, .activation = activation};
        product.accumulates = way == 1;
        if (product.accumulates) { product.result = matrix(s, "result", stride); }
        product.result_stride = product.pre_activations_stride = stride;
        product.bias = way != 2 ? filled("bias", s->columns * sizeof(float), s->side) : NULL;
        if (way != 0) { product.pre_activations = matrix(s, "pre", stride); }
        product.packed = forms(s, way == 2);
        multiply(s, "with an activation", product);

        product.epilogue = LOOM_BF16_DERIVE;
        product.pre_activations = from_pre ? matrix(s, "pre", stride) : NULL;
        product.outputs = way == 1 ? blocks(s, "outputs", loom_bf16_blocks(s->rows), across) : NULL;
        product.outputs_stride = across + 1;
        product.delta_sums = way != 0 ? sums(s) : NULL;
        product.delta_sums_stride = s->columns;
        multiply(s, "with a derivative", product);
    }
}

static void call_updates(const setting *s, size_t stride) {
    const loom_kernels *const ordinary = loom_active_kernels(LOOM_FLOAT32);
    const loom_update_function rules[] = {ordinary->update_sgd, ordinary->update_momentum, ordinary->update_adam};
    const loom_update update = {.learning_rate = 0.1, .gradient_scale = 1, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.99,
                                .epsilon = 1e-8, .bias_correction1 = 1, .bias_correction2 = 1, .addend_count = 1};
    for (int rule = 0; rule < 3; rule++) {
        const loom_bf16_product product = {
            .epilogue = LOOM_BF16_UPDATE,
            .update_rule = rules[rule],
            .update = &update,
            .weights = matrix(s, "weights", stride),
            .weights_stride = stride,
            .first_state = rule > 0 ? matrix(s, "first state", stride) : NULL,
            .second_state = rule > 1 ? matrix(s, "second state", stride) : NULL,
            .packed = forms(s, rule == 2),
        };
        multiply(s, "with an update", product);
    }
}

static void call_product(const setting *s) {
    now.rows = s->rows;
    now.columns = s->columns;
    now.inner = s->inner;
    const size_t stride = (s->columns + 15) / 16 * 16;
    for (int accumulates = 0; accumulates < 2; accumulates++) {
        multiply(s, "stored", (loom_bf16_product){.accumulates = accumulates, .result = matrix(s, "result", stride),
                                                  .result_stride = stride});
    }
    call_activations(s, stride);
    call_updates(s, stride);
}

// Samples that begin anywhere, and whose last one ends where its numbers do.
static void call_pack(const setting *s) {
    const size_t strides[] = {s->columns, s->columns + 1, (s->columns + 15) / 16 * 16};
    now.kernel = "bf16 pack";
    now.rows = s->rows;
    now.columns = s->columns;
    now.inner = 0;
    for (int way = 0; way < 3; way++) {
        const size_t count = s->rows == 0 ? 0 : (s->rows - 1) * strides[way] + s->columns;
        now.form = way == 0 ? "without padding" : way == 1 ? "with one more" : "with padding";
        const float *const source = filled("source", count * sizeof(float), s->side);
        const loom_bf16_forms packed = forms(s, way != 1);
        s->kernels->pack(s->rows, s->columns, strides[way], source, &packed, way != 2 ? sums(s) : NULL, s->columns);
        ++*s->calls;
    }
}

static void call_kernels(const loom_bf16_kernels *kernels, side side, _Bool all, size_t *calls) {
    static const size_t few[] = {1, 18, 33}, many[] = {1, 2, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65};
    const size_t *const sizes = all ? many : few, count = all ? sizeof many / sizeof *many : sizeof few / sizeof *few;
    setting s = {.kernels = kernels, .side = side, .calls = calls};
    for (s.columns = 0; s.columns <= 100; s.columns++) {
        for (size_t r = 0; r < count; r++) {
            s.rows = sizes[r];
            call_pack(&s);
            s.inner = sizes[(r + s.columns) % count];
            call_product(&s);
        }
    }
    // Beyond the blocks of a panel, and of a group of block rows; nothing to multiply, and no rows.
    static const size_t large[][3] = {{1, 129, 0}, {258, 19, 33}, {3, 33, 515}, {300, 65, 7}, {0, 5, 5}, {40, 0, 8}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        s.rows = large[i][0];
        s.columns = large[i][1];
        s.inner = large[i][2];
        call_pack(&s);
        call_product(&s);
    }
}

// Those of the instruction set in use, whose ordinary kernels finish products, and those of the processor's own instructions.
// Returns the number of calls.
size_t call_bf16(side side, _Bool all) {
    size_t calls = 0;
    for (int numerics = 0; numerics < LOOM_BF16_NUMERICS_COUNT; numerics++) {
        now.element = numerics == LOOM_BF16_DOT ? "dot" : "tiles";
        const loom_bf16_kernels *const kernels[] = {
            loom_bf16_portable_kernels_of((loom_bf16_numerics)numerics, loom_active_instruction_set()),
            loom_bf16_kernels_of((loom_bf16_numerics)numerics)};
        for (int way = 0; way < 2; way++) {
            if (!kernels[way] || kernels[way]->is_accelerated != way) { continue; }
            call_kernels(kernels[way], side, all, &calls);
        }
    }
    return calls;
}
