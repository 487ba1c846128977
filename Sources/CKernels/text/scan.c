// Finds records and cells, 64 bytes at a time: a mask has a bit for each byte, and quotes are paired by the parity of their
// number so far (Langdale and Lemire 2019, "Parsing gigabytes of JSON per second", doi:10.1007/s00778-019-00578-5).
#include "CKernels.h"

#include <string.h>

typedef uint8_t text_bytes __attribute__((ext_vector_type(64)));
typedef int8_t text_signed __attribute__((ext_vector_type(64)));
typedef _Bool text_bits __attribute__((ext_vector_type(64)));
typedef struct {
    text_bytes bytes;
} text_block;

#define text_mask(comparison)                                                        \
    __extension__({                                                                  \
        const text_bits bits = __builtin_convertvector(comparison, text_bits);       \
        uint64_t mask;                                                               \
        memcpy(&mask, &bits, sizeof mask);                                           \
        mask;                                                                        \
    })

// The bytes from `position` on, zeros after the text's end. Returns which of them are the text's.
static inline __attribute__((always_inline)) uint64_t text_load(const uint8_t *text, size_t position, size_t count,
                                                                text_block *block) {
    if (count - position >= 64) {
        memcpy(&block->bytes, text + position, 64);
        return ~0ull;
    }
    uint8_t rest[64] = {0};
    memcpy(rest, text + position, count - position);
    memcpy(&block->bytes, rest, 64);
    return (1ull << (count - position)) - 1;
}

// The bytes that an odd number of quotes precede, an opening one included and a closing one not.
static inline __attribute__((always_inline)) uint64_t text_inside(uint64_t quotes) {
    for (unsigned shift = 1; shift < 64; shift *= 2) { quotes ^= quotes << shift; }
    return quotes;
}

// All ones where the last byte is inside quotes.
static inline __attribute__((always_inline)) uint64_t text_carry(uint64_t inside) {
    return (uint64_t)((int64_t)inside >> 63);
}

int loom_is_blank_line(const uint8_t *text, size_t start, size_t count) {
    if (start >= count || text[start] == '\n') { return 1; }
    return text[start] == '\r' && (start + 1 == count || text[start + 1] == '\n');
}

#define SCAN(name) name##_baseline
#include "scan.h"
#undef SCAN

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt,bmi"))), apply_to = function)
#define SCAN(name) name##_avx2
#include "scan.h"
#undef SCAN
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,popcnt,bmi"))), \
                             apply_to = function)
#define SCAN(name) name##_avx512
#include "scan.h"
#undef SCAN
#pragma clang attribute pop

// Every processor with these vectors has popcnt and bmi.
#define DISPATCH(name, ...)                                       \
    switch (loom_active_instruction_set()) {                      \
    case LOOM_AVX512: return name##_avx512(__VA_ARGS__);          \
    case LOOM_AVX2: return name##_avx2(__VA_ARGS__);              \
    default: return name##_baseline(__VA_ARGS__);                 \
    }
#else
#define DISPATCH(name, ...) return name##_baseline(__VA_ARGS__);
#endif

loom_text_counts loom_count_text(const uint8_t *text, size_t count) { DISPATCH(count, text, count) }

size_t loom_find_records(const uint8_t *text, size_t begin, size_t end, size_t count, int begins_quoted, size_t *starts) {
    DISPATCH(find, text, begin, end, count, begins_quoted, starts)
}

loom_text_record loom_split_record(const uint8_t *text, size_t start, size_t count, uint8_t separator, size_t *ends,
                                   size_t capacity) {
    DISPATCH(split, text, start, count, separator, ends, capacity)
}
