// Random words as a function of a counter, many counters at a time.
//
// Philox4x32 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011,
// doi:10.1145/2063384.2063405) with 7 rounds, the fewest with which it passes all tests of BigCrush, as the paper says. The
// seed is the key; block number, purpose and sub-stream are the counter. A block is four words.

#define LOOM_PHILOX_ROUNDS 7
#define LOOM_BLOCK_LANES (LOOM_VECTOR_BYTES / 8)

// The counters of as many blocks as there are 64-bit lanes, and then their words, each in the lower half of a lane; what is
// above it has no meaning.
typedef uint64_t Lanes __attribute__((ext_vector_type(LOOM_BLOCK_LANES)));
typedef struct {
    Lanes words[4];
} Blocks;

LOOM_INLINE Lanes low_words(Lanes v) { return v & 0xffffffffu; }

LOOM_INLINE Blocks philox(Lanes block, uint64_t seed, uint32_t purpose, uint32_t stream) {
    Lanes c0 = block, c1 = block >> 32, c2 = (Lanes)(uint64_t)purpose, c3 = (Lanes)(uint64_t)stream;
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
#pragma clang loop unroll(full)
    for (int round = 0; round < LOOM_PHILOX_ROUNDS; round++) {
        const Lanes product0 = low_words(c0) * 0xd2511f53u, product1 = low_words(c2) * 0xcd9e8d57u;
        c0 = (product1 >> 32) ^ c1 ^ (Lanes)(uint64_t)key0;
        c1 = product1;
        c2 = (product0 >> 32) ^ c3 ^ (Lanes)(uint64_t)key1;
        c3 = product0;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return (Blocks){{c0, c1, c2, c3}};
}

// Two words of each block side by side. A shift of the second by 32 would be made part of the product that it comes from, and
// 64-bit products are slow.
typedef uint32_t Words __attribute__((ext_vector_type(LOOM_VECTOR_BYTES / 4)));
LOOM_INLINE Words word_pairs(Lanes first, Lanes second) {
    const Words a = (Words)first, b = (Words)second;
#if LOOM_VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
#elif LOOM_VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
#else
    return __builtin_shufflevector(a, b, 0, 4, 2, 6);
#endif
}
