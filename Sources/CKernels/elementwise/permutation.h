// A keyed pseudo-random permutation that is evaluated anywhere without a table.
//
// A generalised Feistel network on Z_a × Z_b (Black and Rogaway, "Ciphers with Arbitrary Finite Domains",
// 2002), with a b >= size and a, b close to √size: each round adds a hash of one half to the other, modulo a
// or b. Positions that land outside 0 ..< size, fewer than one in √size, walk the cycle until they are
// inside.
//
// There are two such networks: sizes below 2³² have halves of 16 bits, of which a vector holds many, and all others halves
// of 32 bits, one position after the other: 31 ns an index.

#define LOOM_PERMUTATION_ROUNDS 8
#define LOOM_INDEX_LANES (LOOM_VECTOR_BYTES / 4)
// Registers evaluated side by side: the rounds are one long chain of dependent operations, and one register
// at a time took twice as long (3.0 against 1.4 ns an index with AVX-512).
#define LOOM_INDEX_VECTORS 4
#define LOOM_INDEX_BLOCK (LOOM_INDEX_LANES * LOOM_INDEX_VECTORS)

typedef uint32_t Indices __attribute__((ext_vector_type(LOOM_INDEX_LANES)));

typedef struct {
    uint32_t size, a, b;
    uint32_t keys[LOOM_PERMUTATION_ROUNDS];
} Permutation;

// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
LOOM_INLINE uint64_t next_round_key(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

// MARK: Fewer than 2³²

LOOM_INLINE Permutation make_permutation(uint64_t key, uint32_t size) {
    Permutation result;
    uint32_t a = (uint32_t)__builtin_elementwise_sqrt((double)size);
    while ((uint64_t)a * a < size) { a++; }
    result.size = size;
    result.a = a;
    result.b = (uint32_t)(((uint64_t)size + a - 1) / a);
    for (int round = 0; round < LOOM_PERMUTATION_ROUNDS; round++) {
        result.keys[round] = (uint32_t)(next_round_key(&key) >> 32);
    }
    return result;
}

// A hash of `half` in 0 ..< modulus, modulus <= 2¹⁶.
LOOM_INLINE Indices round_value(Indices half, uint32_t key, uint32_t modulus) {
    // Multiply, shift, multiply with the constants of "lowbias32" (Wellons, hash prospector); its outer
    // shifts would only improve the low bits, and the range is taken from the high ones.
    Indices hash = (half + key) * 0x7feb352du;
    hash ^= hash >> 15;
    hash *= 0x846ca68bu;
    // The upper 32 bits of hash · modulus, without 64-bit products.
    const Indices low = (hash & 0xffffu) * modulus >> 16;
    return ((hash >> 16) * modulus + low) >> 16;
}

LOOM_INLINE Indices add_modulo(Indices x, Indices y, uint32_t modulus) {
    const Indices sum = x + y;
    return __builtin_elementwise_min(sum, sum - modulus);  // wraps above the sum when sum < modulus
}

// position / divisor by way of double precision: right, or one too small where the division has no remainder.
// Elsewhere the fraction is at least 2⁻¹⁶ away from an integer, far more than the rounding.
LOOM_INLINE Indices approximate_quotients(Indices positions, double reciprocal) {
    typedef double Doubles __attribute__((ext_vector_type(LOOM_INDEX_LANES / 2)));
    typedef uint32_t Half __attribute__((ext_vector_type(LOOM_INDEX_LANES / 2)));
    Indices quotients;
    quotients.lo = __builtin_convertvector(__builtin_convertvector(positions.lo, Doubles) * reciprocal, Half);
    quotients.hi = __builtin_convertvector(__builtin_convertvector(positions.hi, Doubles) * reciprocal, Half);
    return quotients;
}

// Sends every position of the block through the network.
LOOM_INLINE void permute_block(const Permutation *p, Indices block[LOOM_INDEX_VECTORS]) {
    Indices left[LOOM_INDEX_VECTORS], right[LOOM_INDEX_VECTORS];
    for (int v = 0; v < LOOM_INDEX_VECTORS; v++) {
        left[v] = approximate_quotients(block[v], 1.0 / p->b);
        right[v] = block[v] - left[v] * p->b;
        const Indices too_small = (Indices)(right[v] >= p->b);
        left[v] -= too_small;
        right[v] -= too_small & p->b;
    }
    for (int round = 0; round < LOOM_PERMUTATION_ROUNDS; round += 2) {
        for (int v = 0; v < LOOM_INDEX_VECTORS; v++) {
            left[v] = add_modulo(left[v], round_value(right[v], p->keys[round], p->a), p->a);
        }
        for (int v = 0; v < LOOM_INDEX_VECTORS; v++) {
            right[v] = add_modulo(right[v], round_value(left[v], p->keys[round + 1], p->b), p->b);
        }
    }
    for (int v = 0; v < LOOM_INDEX_VECTORS; v++) { block[v] = left[v] * p->b + right[v]; }
}

// Walks the cycles of the positions that are outside until they are inside.
LOOM_INLINE void walk_cycles(const Permutation *p, Indices block[LOOM_INDEX_VECTORS]) {
    for (;;) {
        Indices next[LOOM_INDEX_VECTORS];
        Indices outside = 0;
        for (int v = 0; v < LOOM_INDEX_VECTORS; v++) {
            outside |= (Indices)(block[v] >= p->size);
            next[v] = block[v];
        }
        if (!__builtin_reduce_or(outside)) { return; }
        permute_block(p, next);
        for (int v = 0; v < LOOM_INDEX_VECTORS; v++) {
            block[v] = (block[v] >= p->size) ? next[v] : block[v];
        }
    }
}

// Widens the indices of a block and writes the first `count` of them.
LOOM_INLINE void store_indices(const Indices block[LOOM_INDEX_VECTORS], uint32_t count, uint64_t *indices) {
    typedef uint64_t Wide __attribute__((ext_vector_type(LOOM_INDEX_LANES)));
    Wide wide[LOOM_INDEX_VECTORS];
    for (int v = 0; v < LOOM_INDEX_VECTORS; v++) { wide[v] = __builtin_convertvector(block[v], Wide); }
    if (count == LOOM_INDEX_BLOCK) {
        memcpy(indices, wide, sizeof wide);  // a constant size needs no call
    } else {
        memcpy(indices, wide, count * sizeof *indices);
    }
}

LOOM_INLINE void permute_below_32_bits(uint64_t key, uint32_t size, uint32_t start, uint32_t count, uint64_t *indices) {
    const Permutation permutation = make_permutation(key, size);
    Indices lanes = 0;
    for (uint32_t lane = 0; lane < LOOM_INDEX_LANES; lane++) { lanes[lane] = lane; }
    for (uint32_t done = 0; done < count;) {
        const uint32_t remaining = count - done;
        const uint32_t wanted = remaining < LOOM_INDEX_BLOCK ? remaining : LOOM_INDEX_BLOCK;
        Indices block[LOOM_INDEX_VECTORS];
        for (uint32_t v = 0; v < LOOM_INDEX_VECTORS; v++) {
            // Lanes past the end take position 0: every position that enters the network is inside.
            const Indices offsets = lanes + v * LOOM_INDEX_LANES;
            block[v] = (offsets + (start + done)) & (Indices)(offsets < wanted);
        }
        permute_block(&permutation, block);
        walk_cycles(&permutation, block);
        store_indices(block, wanted, indices + done);
        done += wanted;
    }
}

// MARK: Any number

typedef struct {
    uint64_t size, a, b;
    uint64_t keys[LOOM_PERMUTATION_ROUNDS];
} WidePermutation;

LOOM_INLINE WidePermutation make_wide_permutation(uint64_t key, uint64_t size) {
    WidePermutation result;
    // The conversion and the root are rounded: a may be one too large, which does no harm, or too small.
    uint64_t a = (uint64_t)__builtin_elementwise_sqrt((double)size);
    while ((unsigned __int128)a * a < size) { a++; }
    result.size = size;
    result.a = a;
    result.b = size / a + (size % a != 0);
    for (int round = 0; round < LOOM_PERMUTATION_ROUNDS; round++) { result.keys[round] = next_round_key(&key); }
    return result;
}

// A hash of `half` in 0 ..< modulus, modulus <= 2³²: made as that of 32 bits, with the constants of SplitMix64.
LOOM_INLINE uint64_t wide_round_value(uint64_t half, uint64_t key, uint64_t modulus) {
    uint64_t hash = (half + key) * 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 31;
    hash *= 0x94d049bb133111ebu;
    return (uint64_t)((unsigned __int128)hash * modulus >> 64);
}

// Sends a position through the network.
LOOM_INLINE uint64_t wide_image(const WidePermutation *p, uint64_t position) {
    uint64_t left = position / p->b, right = position % p->b;
    for (int round = 0; round < LOOM_PERMUTATION_ROUNDS; round += 2) {
        left += wide_round_value(right, p->keys[round], p->a);
        left -= left >= p->a ? p->a : 0;
        right += wide_round_value(left, p->keys[round + 1], p->b);
        right -= right >= p->b ? p->b : 0;
    }
    return left * p->b + right;
}

static void permute_wide(uint64_t key, uint64_t size, uint64_t start, uint64_t count, uint64_t *indices) {
    if (size == 0) { return; }
    const WidePermutation permutation = make_wide_permutation(key, size);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t image = wide_image(&permutation, start + i);
        while (image >= size) { image = wide_image(&permutation, image); }
        indices[i] = image;
    }
}

static void permute(uint64_t key, uint64_t size, uint64_t start, uint64_t count, uint64_t *indices) {
    if (size >> 32 != 0) {
        permute_wide(key, size, start, count, indices);
    } else if (size > 0) {
        permute_below_32_bits(key, (uint32_t)size, (uint32_t)start, (uint32_t)count, indices);
    }
}
#undef LOOM_INDEX_BLOCK
#undef LOOM_INDEX_VECTORS
#undef LOOM_INDEX_LANES
#undef LOOM_PERMUTATION_ROUNDS
