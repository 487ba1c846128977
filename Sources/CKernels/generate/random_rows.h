// Rows of random numbers: normal ones, and uniform ones.
//
// Row i has the blocks b(i) … b(i) + n − 1 of Philox, n = ⌈columns / 4⌉, b(i) = n · indices[i]: a number depends on seed,
// purpose, sub-stream, the row's index, its place in the row and the number of columns, and on nothing else. All operations
// are rounded as IEEE 754 says, so that all instruction sets give the same bits.

// −2 log(1 + f) = −2 f + f² p(f) on √½ − 1 <= f <= √2 − 1: minimax, 3.0e-8 of the result.
static const float negative_double_log[] = {
    0x1.fffff4p-1f, -0x1.5556e8p-1f, 0x1.0006c6p-1f, -0x1.98da1ep-2f,
    0x1.52fb08p-2f, -0x1.30d156p-2f, 0x1.277674p-2f, -0x1.6fcd88p-3f};
// cos(πx/2) / √2 in x², and sin(πx/2) / (√2 x) in x², on |x| <= ½: minimax, 1.9e-8 and 3.4e-9.
static const float scaled_cosine[] = {0x1.6a09e6p-1f, -0x1.bea562p-1f, 0x1.6f4004p-3f, -0x1.d8df08p-7f};
static const float scaled_sine[] = {0x1.1c5832p+0f, -0x1.d3ba3ep-2f, 0x1.cd8ea4p-5f, -0x1.aa89dcp-9f};

// √(−2 log u), u = (w / 2 + ½) / 2³¹ in (0, 1] for a word w: 31 of its bits.
LOOM_INLINE Vector radii(Integers words) {
    const Integers halves = (words >> 1) & 0x7fffffff;
    const Vector u = FN(multiply_add)(__builtin_convertvector(halves, Vector), 0x1p-31f, 0x1p-32f);
    // u = 2ᵏ (1 + f) with √½ <= 1 + f < √2.
    const Integers k = (FN(bits)(u) - FN(bits)((Vector)FN(sqrt_half))) >> LOOM_MANTISSA_BITS;
    const Vector f = FN(from_bits)(FN(bits)(u) - (k << LOOM_MANTISSA_BITS)) - 1.0f;
    const Vector rest = FN(multiply_add)(f * f, LOOM_POLYNOMIAL(f, negative_double_log), -2.0f * f);
    const Vector squared =
        FN(multiply_add)(__builtin_convertvector(k, Vector), -2.0f * 0x1.62e43p-1f, rest);
    // Rounding may leave a tiny negative number where u is nearly 1.
    return __builtin_elementwise_sqrt(FN(larger)(squared, (Vector)0.0f));
}

// Cosine and sine of a random angle: its place in a quarter of the circle from 30 bits of a word, the quarter from two.
LOOM_INLINE void directions(Integers words, Vector *cosine, Vector *sine) {
    const Integers place = (words & 0x3fffffff) - 0x20000000;
    const Vector x = __builtin_convertvector(place, Vector) * 0x1p-30f;
    const Vector square = x * x;
    // cos(π/4 + y) and sin(π/4 + y) are (cos y ∓ sin y) / √2.
    const Vector even = LOOM_POLYNOMIAL(square, scaled_cosine);
    const Vector odd = LOOM_POLYNOMIAL(square, scaled_sine) * x;
    const Integers sign = (Integers)0x80000000;
    *cosine = FN(from_bits)(FN(bits)(even - odd) ^ (words & sign));
    *sine = FN(from_bits)(FN(bits)(even + odd) ^ (words << 1 & sign));
}

// The numbers of as many blocks as there are lanes, in their order: 2 vectors.
LOOM_INLINE void normal_blocks(Blocks blocks, Vector numbers[2]) {
    const Vector radius = radii((Integers)word_pairs(blocks.words[0], blocks.words[2]));
    Vector cosine, sine;
    directions((Integers)word_pairs(blocks.words[1], blocks.words[3]), &cosine, &sine);
    cosine *= radius;
    sine *= radius;
    numbers[0] = LOOM_INTERLEAVE_FIRST(cosine, sine);
    numbers[1] = LOOM_INTERLEAVE_SECOND(cosine, sine);
}

// (w / 2⁸ + ½) / 2²⁴ for each word w, rounded: never 0, and never 1, which 1 − 2⁻²⁵ would be rounded to.
LOOM_INLINE Vector units(Integers words) {
    const Integers high = (words >> 8) & 0xffffff;
    const Vector numbers = FN(multiply_add)(__builtin_convertvector(high, Vector), 0x1p-24f, 0x1p-25f);
    return FN(smaller)(numbers, (Vector)0x1.fffffep-1f);
}

LOOM_INLINE void uniform_blocks(Blocks blocks, Vector numbers[2]) {
    const Vector even = units((Integers)word_pairs(blocks.words[0], blocks.words[2]));
    const Vector odd = units((Integers)word_pairs(blocks.words[1], blocks.words[3]));
    numbers[0] = LOOM_INTERLEAVE_FIRST(even, odd);
    numbers[1] = LOOM_INTERLEAVE_SECOND(even, odd);
}

typedef void (*BlockNumbers)(Blocks, Vector[2]);

// Rows of more blocks than half of what a vector holds: each one by itself.
LOOM_INLINE void long_random_rows(BlockNumbers make, uint64_t seed, uint32_t purpose, uint32_t stream, size_t count,
                                  size_t columns, const uint64_t *indices, float *rows, size_t stride) {
    const uint64_t row_blocks = (columns + 3) / 4;
    Lanes lanes = 0;
    for (size_t lane = 0; lane < LOOM_BLOCK_LANES; lane++) { lanes[lane] = lane; }
    for (size_t i = 0; i < count; i++) {
        float *const row = rows + i * stride;
        Lanes block = lanes + indices[i] * row_blocks;
        for (size_t j = 0; j < columns; j += 2 * LANES, block += LOOM_BLOCK_LANES) {
            Vector numbers[2];
            make(philox(block, seed, purpose, stream), numbers);
            if (j + 2 * LANES <= columns) {
                FN(store_unaligned)(row + j, numbers[0]);
                FN(store_unaligned)(row + j + LANES, numbers[1]);
            } else {
                const size_t rest = columns - j;
                FN(store_first)(row + j, numbers[0], rest < LANES ? rest : LANES);
                if (rest > LANES) { FN(store_first)(row + j + LANES, numbers[1], rest - LANES); }
            }
        }
    }
}

// Rows of fewer blocks: two or more of them in a vector.
LOOM_INLINE void short_random_rows(BlockNumbers make, uint64_t seed, uint32_t purpose, uint32_t stream, size_t count,
                                   size_t columns, const uint64_t *indices, float *rows, size_t stride) {
    const size_t row_blocks = (columns + 3) / 4;
    const size_t together = LOOM_BLOCK_LANES / row_blocks;
    for (size_t i = 0; i < count; i += together) {
        const size_t here = count - i < together ? count - i : together;
        Lanes block = 0;
        for (size_t row = 0, lane = 0; row < here; row++) {
            for (size_t b = 0; b < row_blocks; b++) { block[lane++] = indices[i + row] * row_blocks + b; }
        }
        Vector numbers[2];
        make(philox(block, seed, purpose, stream), numbers);
        float buffer[2 * LANES];
        memcpy(buffer, numbers, sizeof buffer);
        for (size_t row = 0; row < here; row++) {
            memcpy(rows + (i + row) * stride, buffer + 4 * row * row_blocks, columns * sizeof(float));
        }
    }
}

#define LOOM_RANDOM_ROWS(make)                                                                            \
    if (columns > 4 * LOOM_BLOCK_LANES / 2) {                                                             \
        long_random_rows(make, seed, purpose, stream, count, columns, indices, rows, stride);             \
    } else if (columns > 0) {                                                                             \
        short_random_rows(make, seed, purpose, stream, count, columns, indices, rows, stride);            \
    }

static void normal_rows(uint64_t seed, uint32_t purpose, uint32_t stream, size_t count, size_t columns,
                        const uint64_t *indices, float *rows, size_t stride) {
    LOOM_RANDOM_ROWS(normal_blocks)
}
static void uniform_rows(uint64_t seed, uint32_t purpose, uint32_t stream, size_t count, size_t columns,
                         const uint64_t *indices, float *rows, size_t stride) {
    LOOM_RANDOM_ROWS(uniform_blocks)
}
#undef LOOM_RANDOM_ROWS
