// A keyed pseudo-random permutation that is evaluated anywhere without a table.
//
// A generalised Feistel network on Z_a × Z_b (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002), with
// a b >= size and a, b close to √size: each round adds a hash of one half to the other, modulo a or b. Positions
// that land outside 0 ..< size, fewer than one in √size, walk the cycle until they are inside.

#define LOOM_PERMUTATION_ROUNDS 8
#define LOOM_INDEX_LANES (LOOM_VECTOR_BYTES / 4)

typedef uint32_t Indices __attribute__((ext_vector_type(LOOM_INDEX_LANES)));
typedef Indices UnalignedIndices __attribute__((may_alias, aligned(4)));
typedef double IndexDoubles __attribute__((ext_vector_type(LOOM_INDEX_LANES)));

typedef struct {
    uint32_t size, a, b;
    uint32_t keys[LOOM_PERMUTATION_ROUNDS];
} Permutation;

LOOM_INLINE Permutation make_permutation(uint64_t key, uint32_t size) {
    Permutation result;
    uint32_t a = (uint32_t)__builtin_sqrt((double)size);
    while ((uint64_t)a * a < size) { a++; }
    result.size = size;
    result.a = a;
    result.b = (uint32_t)(((uint64_t)size + a - 1) / a);
    // SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
    for (int round = 0; round < LOOM_PERMUTATION_ROUNDS; round++) {
        key += 0x9e3779b97f4a7c15u;
        uint64_t mixed = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
        result.keys[round] = (uint32_t)((mixed ^ (mixed >> 31)) >> 32);
    }
    return result;
}

// A hash of `half` in 0 ..< modulus, modulus <= 2¹⁶.
LOOM_INLINE Indices round_value(Indices half, uint32_t key, uint32_t modulus) {
    // The 32-bit finaliser "lowbias32" found by Wellons' hash prospector.
    Indices hash = half + key;
    hash ^= hash >> 16;
    hash *= 0x7feb352du;
    hash ^= hash >> 15;
    hash *= 0x846ca68bu;
    hash ^= hash >> 16;
    // The upper 32 bits of hash · modulus, without 64-bit products.
    const Indices low = (hash & 0xffffu) * modulus >> 16;
    return ((hash >> 16) * modulus + low) >> 16;
}

LOOM_INLINE Indices add_modulo(Indices x, Indices y, uint32_t modulus) {
    const Indices sum = x + y;
    return __builtin_elementwise_min(sum, sum - modulus);  // wraps above the sum when sum < modulus
}

LOOM_INLINE Indices permuted(const Permutation *p, Indices positions) {
    // The quotient by way of double precision is right or one too small or large; the remainder tells.
    const IndexDoubles quotients = __builtin_convertvector(positions, IndexDoubles) * (1.0 / p->b);
    Indices left = __builtin_convertvector(quotients, Indices);
    Indices right = positions - left * p->b;
    const Indices too_large = (Indices)(right >= 0x80000000u);
    left += too_large;
    right += too_large & p->b;
    const Indices too_small = (Indices)(right >= p->b);
    left -= too_small;
    right -= too_small & p->b;
    for (int round = 0; round < LOOM_PERMUTATION_ROUNDS; round += 2) {
        left = add_modulo(left, round_value(right, p->keys[round], p->a), p->a);
        right = add_modulo(right, round_value(left, p->keys[round + 1], p->b), p->b);
    }
    return left * p->b + right;
}

static void permute(uint64_t key, uint32_t size, uint32_t start, uint32_t count, uint32_t *indices) {
    if (size == 0) { return; }
    const Permutation permutation = make_permutation(key, size);
    Indices lanes = 0;
    for (uint32_t lane = 0; lane < LOOM_INDEX_LANES; lane++) { lanes[lane] = lane; }
    for (uint32_t i = 0; i < count; i += LOOM_INDEX_LANES) {
        // Lanes past the end take position 0: every position that enters the network is inside.
        const uint32_t wanted = count - i;
        const Indices inside = (Indices)(lanes < wanted);
        Indices result = permuted(&permutation, (lanes + (start + i)) & inside);
        while (__builtin_reduce_or(result >= size)) {
            const Indices next = permuted(&permutation, result);
            result = (result >= size) ? next : result;
        }
        if (wanted >= LOOM_INDEX_LANES) {
            *(UnalignedIndices *)(indices + i) = result;
        } else {
            memcpy(indices + i, &result, wanted * sizeof *indices);
        }
        if (wanted <= LOOM_INDEX_LANES) { break; }  // i must not wrap
    }
}
#undef LOOM_INDEX_LANES
#undef LOOM_PERMUTATION_ROUNDS
