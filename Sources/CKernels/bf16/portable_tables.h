// Products of bfloat16 without their own instructions: the tables of one instruction set.

static void FN(needs_no_region)(void) {}

static void FN(multiply_dot_portable)(const loom_bf16_product *product, void *scratch) {
    FN(multiply_bf16)(FN(dot_block_portable), 1, product, scratch);
}

static void FN(multiply_tiles_portable)(const loom_bf16_product *product, void *scratch) {
    FN(multiply_bf16)(FN(tiles_block_portable), 1, product, scratch);
}

const loom_bf16_kernels LOOM_BF16_TABLE[LOOM_BF16_NUMERICS_COUNT] = {
    [LOOM_BF16_DOT] = {
        .numerics = LOOM_BF16_DOT,
        .begin_region = FN(needs_no_region),
        .end_region = FN(needs_no_region),
        .multiply = FN(multiply_dot_portable),
        .pack = FN(pack_bf16),
    },
    [LOOM_BF16_TILES] = {
        .numerics = LOOM_BF16_TILES,
        .begin_region = FN(needs_no_region),
        .end_region = FN(needs_no_region),
        .multiply = FN(multiply_tiles_portable),
        .pack = FN(pack_bf16),
    },
};
