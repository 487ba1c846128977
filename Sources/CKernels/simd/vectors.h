// Vectors of `Scalar` and what is done to whole registers: loads, selection, reductions.

#if LOOM_PRECISION == 32
typedef int32_t FN(Integer);
#define LOOM_MANTISSA_BITS 23
#define LOOM_EXPONENT_BIAS 127
#define LOOM_ROUND_TO_INTEGER 0x1.8p23f  // 1.5 · 2^23: adding it leaves the nearest integer in the low bits
#else
typedef int64_t FN(Integer);
#define LOOM_MANTISSA_BITS 52
#define LOOM_EXPONENT_BIAS 1023
#define LOOM_ROUND_TO_INTEGER 0x1.8p52
#endif

typedef Scalar Vector __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / sizeof(Scalar))));
// Signed integers as wide as the scalars; as a mask, a lane is -1 (true) or 0.
typedef FN(Integer) Integers __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / sizeof(Scalar))));
typedef Vector FN(AlignedVector) __attribute__((may_alias));
typedef Vector FN(UnalignedVector) __attribute__((may_alias, aligned(sizeof(Scalar))));
typedef _Bool FN(Bools) __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / sizeof(Scalar))));

LOOM_INLINE Vector FN(load)(const Scalar *address) { return *(const FN(AlignedVector) *)address; }
LOOM_INLINE void FN(store)(Scalar *address, Vector v) { *(FN(AlignedVector) *)address = v; }
LOOM_INLINE Vector FN(load_unaligned)(const Scalar *address) {
    return *(const FN(UnalignedVector) *)address;
}
LOOM_INLINE void FN(store_unaligned)(Scalar *address, Vector v) {
    *(FN(UnalignedVector) *)address = v;
}

LOOM_INLINE Integers FN(bits)(Vector v) { return (Integers)v; }
LOOM_INLINE Vector FN(from_bits)(Integers i) { return (Vector)i; }

LOOM_INLINE Vector FN(select)(Integers mask, Vector yes, Vector no) { return mask ? yes : no; }
// Both return b when a is a NaN, and a NaN when b is one: minps and maxps with their operands in this order.
LOOM_INLINE Vector FN(smaller)(Vector a, Vector b) { return a < b ? a : b; }
LOOM_INLINE Vector FN(larger)(Vector a, Vector b) { return a > b ? a : b; }

// a · b + c, rounded once. Where the processor has no such instruction, the C library computes it lane by lane: slow, but
// the same bits.
LOOM_INLINE Vector FN(multiply_add)(Vector a, Vector b, Vector c) { return __builtin_elementwise_fma(a, b, c); }

LOOM_INLINE Vector FN(magnitude)(Vector v) { return __builtin_elementwise_abs(v); }
// The magnitude of `v` with the sign of `sign`.
LOOM_INLINE Vector FN(with_sign)(Vector v, Vector sign) {
    const Integers sign_bit = FN(bits)((Vector)(Scalar)-0.0);
    return FN(from_bits)((FN(bits)(v) & ~sign_bit) | (FN(bits)(sign) & sign_bit));
}

LOOM_INLINE Integers FN(lane_indices)(void) {
    Integers indices = 0;
    for (size_t lane = 0; lane < LANES; lane++) { indices[lane] = (FN(Integer))lane; }
    return indices;
}
// True in the first `count` lanes.
LOOM_INLINE Integers FN(first_lanes)(size_t count) {
    return FN(lane_indices)() < (Integers)(FN(Integer))count;
}

// One bit a lane, lane 0 lowest.
LOOM_INLINE uint32_t FN(mask_bits)(Integers mask) {
    const FN(Bools) lanes = __builtin_convertvector(mask, FN(Bools));
    uint16_t bits = 0;
    memcpy(&bits, &lanes, sizeof lanes < sizeof bits ? sizeof lanes : sizeof bits);
    return bits & ((1u << LANES) - 1);
}

// Folds the lanes by halves: lane i with lane i + LANES / 2, and so on.
#define LOOM_FOLD_2(v, combine) combine((v).lo, (v).hi)
#define LOOM_FOLD_4(v, combine)                                                                     \
    ({ const __auto_type two = combine((v).lo, (v).hi); LOOM_FOLD_2(two, combine); })
#define LOOM_FOLD_8(v, combine)                                                                     \
    ({ const __auto_type four = combine((v).lo, (v).hi); LOOM_FOLD_4(four, combine); })
#define LOOM_FOLD_16(v, combine)                                                                    \
    ({ const __auto_type eight = combine((v).lo, (v).hi); LOOM_FOLD_8(eight, combine); })
#if LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION == 16
#define LOOM_FOLD LOOM_FOLD_16
#elif LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION == 8
#define LOOM_FOLD LOOM_FOLD_8
#elif LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION == 4
#define LOOM_FOLD LOOM_FOLD_4
#else
#define LOOM_FOLD LOOM_FOLD_2
#endif
#define LOOM_ADD(a, b) ((a) + (b))
#define LOOM_LARGER(a, b) ((a) > (b) ? (a) : (b))

LOOM_INLINE Scalar FN(sum_of_lanes)(Vector v) { return LOOM_FOLD(v, LOOM_ADD); }
LOOM_INLINE Scalar FN(largest_lane)(Vector v) { return LOOM_FOLD(v, LOOM_LARGER); }

// The lanes of a and b in turn, from their first and from their second halves.
#if LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION == 16
#define LOOM_INTERLEAVE_FIRST(a, b)                                                                 \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define LOOM_INTERLEAVE_SECOND(a, b)                                                                \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION == 8
#define LOOM_INTERLEAVE_FIRST(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define LOOM_INTERLEAVE_SECOND(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LOOM_VECTOR_BYTES * 8 / LOOM_PRECISION == 4
#define LOOM_INTERLEAVE_FIRST(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define LOOM_INTERLEAVE_SECOND(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOOM_INTERLEAVE_FIRST(a, b) __builtin_shufflevector(a, b, 0, 2)
#define LOOM_INTERLEAVE_SECOND(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

// LANES × LANES elements, transposed. Every round rotates the bits of (row, column) by one place.
LOOM_INLINE void FN(transpose)(Vector block[LANES]) {
    Vector other[LANES];
#pragma clang loop unroll(full)
    for (size_t distance = 1; distance < LANES; distance *= 2) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES / 2; i++) {
            other[2 * i] = LOOM_INTERLEAVE_FIRST(block[i], block[i + LANES / 2]);
            other[2 * i + 1] = LOOM_INTERLEAVE_SECOND(block[i], block[i + LANES / 2]);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES; i++) { block[i] = other[i]; }
    }
}

// Lane i of the results is the fold of vectors[i], by halves as above; `vectors` is used up. LANES folds
// together take a third of the shuffles of LANES single ones.
LOOM_INLINE Vector FN(sums_of_lanes)(Vector vectors[LANES]) {
    for (size_t count = LANES / 2; count > 0; count /= 2) {
        for (size_t i = 0; i < count; i++) {
            const Vector a = vectors[i], b = vectors[i + count];
            vectors[i] = LOOM_INTERLEAVE_FIRST(a, b) + LOOM_INTERLEAVE_SECOND(a, b);
        }
    }
    return vectors[0];
}
LOOM_INLINE Vector FN(largest_lanes)(Vector vectors[LANES]) {
    for (size_t count = LANES / 2; count > 0; count /= 2) {
        for (size_t i = 0; i < count; i++) {
            const Vector a = vectors[i], b = vectors[i + count];
            vectors[i] = FN(larger)(LOOM_INTERLEAVE_FIRST(a, b), LOOM_INTERLEAVE_SECOND(a, b));
        }
    }
    return vectors[0];
}

// The first `count` <= LANES elements at an address with any alignment; the other lanes are 0 and not read.
LOOM_INLINE Vector FN(load_first)(const Scalar *address, size_t count) {
#if defined(LOOM_AVX512_INTRINSICS) && LOOM_PRECISION == 32
    return (Vector)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), address);
#elif defined(LOOM_AVX512_INTRINSICS)
    return (Vector)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), address);
#elif defined(LOOM_AVX2_INTRINSICS) && LOOM_PRECISION == 32
    const __m256i mask = (__m256i)FN(first_lanes)(count);
    return (Vector)_mm256_maskload_ps(address, mask);
#elif defined(LOOM_AVX2_INTRINSICS)
    const __m256i mask = (__m256i)FN(first_lanes)(count);
    return (Vector)_mm256_maskload_pd(address, mask);
#else
    Vector v = 0;
    for (size_t lane = 0; lane < count; lane++) { v[lane] = address[lane]; }
    return v;
#endif
}

LOOM_INLINE void FN(store_first)(Scalar *address, Vector v, size_t count) {
#if defined(LOOM_AVX512_INTRINSICS) && LOOM_PRECISION == 32
    _mm512_mask_storeu_ps(address, (__mmask16)((1u << count) - 1), (__m512)v);
#elif defined(LOOM_AVX512_INTRINSICS)
    _mm512_mask_storeu_pd(address, (__mmask8)((1u << count) - 1), (__m512d)v);
#elif defined(LOOM_AVX2_INTRINSICS) && LOOM_PRECISION == 32
    const __m256i mask = (__m256i)FN(first_lanes)(count);
    _mm256_maskstore_ps(address, mask, (__m256)v);
#elif defined(LOOM_AVX2_INTRINSICS)
    const __m256i mask = (__m256i)FN(first_lanes)(count);
    _mm256_maskstore_pd(address, mask, (__m256d)v);
#else
    for (size_t lane = 0; lane < count; lane++) { address[lane] = v[lane]; }
#endif
}

// The columns of a matrix as whole vectors and a rest of fewer than LANES columns, with the row of biases.
typedef struct {
    size_t full;       // columns in whole vectors
    size_t rest;       // columns after them
    Integers in_rest;  // true in the first `rest` lanes
    const Scalar *bias;
    Vector bias_rest;
} FN(Columns);

LOOM_INLINE FN(Columns) FN(columns)(size_t columns, const Scalar *bias) {
    FN(Columns) result;
    result.full = columns / LANES * LANES;
    result.rest = columns - result.full;
    result.in_rest = FN(first_lanes)(result.rest);
    result.bias = bias;
    // A bias has neither padding nor alignment: its end must not be read past.
    result.bias_rest = bias && result.rest ? FN(load_first)(bias + result.full, result.rest) : (Vector)0;
    return result;
}

// The same for 1 to LANES columns, as a rest alone: its row loops shrink to one masked vector.
LOOM_INLINE FN(Columns) FN(columns_of_one_vector)(size_t columns, const Scalar *bias) {
    FN(Columns) result = {.full = 0, .rest = columns, .bias = bias};
    result.in_rest = FN(first_lanes)(columns);
    result.bias_rest = bias ? FN(load_first)(bias, columns) : (Vector)0;
    return result;
}

// z = x·Wᵀ + bias for the vector at `column`.
LOOM_INLINE Vector FN(biased)(const FN(Columns) *columns, const Scalar *row, size_t column) {
    Vector z = FN(load)(row + column);
    if (columns->bias) {
        z += column < columns->full ? FN(load_unaligned)(columns->bias + column) : columns->bias_rest;
    }
    return z;
}

// MARK: Positions
//
// A sum along a row, or along an inner dimension, is defined over 16 positions, so that its bits do not depend on how many
// lanes a vector has: element j belongs to position j mod 16, every position adds its elements up in their order, and then
// the positions are folded by halves: p with p + 8, then p with p + 4, with p + 2, with p + 1. A position without elements
// is +0. Largest elements need no such order: they are the same in every one.

#define LOOM_POSITIONS 16
// The vectors that hold all positions.
#define LOOM_PARTS (LOOM_POSITIONS / LANES)

// Lane l of part v is position v · LANES + l.
typedef struct {
    Vector part[LOOM_PARTS];
} FN(Positions);

LOOM_INLINE FN(Positions) FN(no_elements)(void) {
    FN(Positions) positions;
#pragma clang loop unroll(full)
    for (size_t part = 0; part < LOOM_PARTS; part++) { positions.part[part] = (Scalar)0; }
    return positions;
}

// vectors[0] = Σ of `count` vectors, a power of two, by halves; the others are used up.
#define LOOM_FOLD_VECTORS(vectors, count)                                                           \
    do {                                                                                            \
        _Pragma("clang loop unroll(full)")                                                          \
        for (size_t half = (count) / 2; half > 0; half /= 2) {                                      \
            _Pragma("clang loop unroll(full)")                                                      \
            for (size_t i = 0; i < half; i++) { (vectors)[i] += (vectors)[i + half]; }              \
        }                                                                                           \
    } while (0)

// The first folds of the positions, down to one vector, of which sum_of_lanes or sums_of_lanes make one number.
LOOM_INLINE Vector FN(one_vector)(FN(Positions) positions) {
    LOOM_FOLD_VECTORS(positions.part, LOOM_PARTS);
    return positions.part[0];
}
LOOM_INLINE Scalar FN(sum_of_positions)(FN(Positions) positions) {
    return FN(sum_of_lanes)(FN(one_vector)(positions));
}

// Runs the statement for every vector of a row, `parts` vectors to a round: `part`, a constant in every copy of the
// statement, says which of them it is. `j` and `inside` are as below.
#define LOOM_FOR_EACH_PART(columns, parts, ...)                                                     \
    do {                                                                                            \
        const size_t round = (parts) * LANES, end = (columns).full + (columns).rest;                \
        const size_t rounds_end = (parts) == 1 ? (columns).full : (columns).full / round * round;   \
        for (size_t start = 0; start < rounds_end; start += round) {                                \
            _Pragma("clang loop unroll(full)")                                                      \
            for (size_t part = 0; part < (parts); part++) {                                         \
                const size_t j = start + part * LANES;                                              \
                const Integers inside = -1;                                                         \
                (void)inside;                                                                       \
                __VA_ARGS__                                                                         \
            }                                                                                       \
        }                                                                                           \
        _Pragma("clang loop unroll(full)")                                                          \
        for (size_t part = 0; part < (parts); part++) {                                             \
            const size_t j = rounds_end + part * LANES;                                             \
            if (j < end) {                                                                          \
                const Integers everywhere = -1;                                                     \
                const Integers inside =                                                             \
                    (parts) > 1 && j < (columns).full ? everywhere : (columns).in_rest;             \
                (void)inside;                                                                       \
                __VA_ARGS__                                                                         \
            }                                                                                       \
        }                                                                                           \
    } while (0)

// Runs the statement for every vector of a row, with the vector's first column `j` and the mask `inside` of
// the lanes that are inside the matrix, constant true for whole vectors so that masking them costs nothing.
#define LOOM_FOR_EACH_VECTOR(columns, ...)                                                          \
    do {                                                                                            \
        for (size_t j = 0; j < (columns).full; j += LANES) {                                        \
            const Integers inside = -1;                                                             \
            (void)inside;                                                                           \
            __VA_ARGS__                                                                             \
        }                                                                                           \
        if ((columns).rest) {                                                                       \
            const size_t j = (columns).full;                                                        \
            const Integers inside = (columns).in_rest;                                              \
            (void)inside;                                                                           \
            __VA_ARGS__                                                                             \
        }                                                                                           \
    } while (0)

// The columns with the padding up to the next 64 bytes, that element-wise kernels without bias may treat
// alike; where rows follow each other without a gap, the matrix becomes one long row.
LOOM_INLINE void FN(flatten)(size_t *rows, size_t *columns, size_t stride) {
    const size_t scalars_per_line = 64 / sizeof(Scalar);
    *columns = (*columns + scalars_per_line - 1) / scalars_per_line * scalars_per_line;
    if (*columns == stride) {
        *columns *= *rows;
        *rows = *rows > 0;
    }
}
