// Decimal numbers, correctly rounded to float64.
//
// Digits that fit into 53 bits with a power of ten up to 22 take one exact multiplication or division (Clinger 1990, "How to
// read floating point numbers accurately", doi:10.1145/93542.93557). Up to 19 digits are multiplied by 128 bits of a power of
// five, which decides all but a few (Lemire 2021, "Number parsing at a gigabyte per second", doi:10.1002/spe.2984).
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define likely(condition) __builtin_expect(condition, 1)
#define unlikely(condition) __builtin_expect(condition, 0)

typedef unsigned __int128 uint128;

enum { SMALLEST_POWER = -342, LARGEST_POWER = 308, POWER_COUNT = LARGEST_POWER - SMALLEST_POWER + 1 };

// MARK: Powers of five

// The highest 128 bits of 5^q, from the highest one on: cut off, and for q in -27 ... -1 rounded up.
static uint128 powers_of_five[POWER_COUNT];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;
static atomic_int powers_are_made;

// A whole number of fixed length, its lowest word first: 5^308 has 716 bits, 2^2048 / 5^342 has 1254.
enum { WORD_COUNT = 33 };

static uint128 highest_bits(const uint64_t *words) {
    size_t top = WORD_COUNT - 1;
    while (words[top] == 0) { top--; }
    const unsigned shift = (unsigned)__builtin_clzll(words[top]);
    uint64_t three[3];
    for (size_t i = 0; i < 3; i++) { three[i] = top >= i ? words[top - i] : 0; }
    const uint128 high = (uint128)three[0] << 64 | three[1];
    return shift == 0 ? high : high << shift | three[2] >> (64 - shift);
}

static void make_powers_of_five(void) {
    uint64_t power[WORD_COUNT] = {1};
    for (int q = 0; q <= LARGEST_POWER; q++) {
        powers_of_five[q - SMALLEST_POWER] = highest_bits(power);
        uint64_t carry = 0;
        for (size_t i = 0; i < WORD_COUNT; i++) {
            const uint128 product = (uint128)power[i] * 5 + carry;
            power[i] = (uint64_t)product;
            carry = (uint64_t)(product >> 64);
        }
    }
    uint64_t reciprocal[WORD_COUNT] = {0};
    reciprocal[WORD_COUNT - 1] = 1;
    for (int q = -1; q >= SMALLEST_POWER; q--) {
        uint64_t rest = 0;
        for (size_t i = WORD_COUNT; i-- > 0;) {
            const uint128 dividend = (uint128)rest << 64 | reciprocal[i];
            reciprocal[i] = (uint64_t)(dividend / 5);
            rest = (uint64_t)(dividend % 5);
        }
        powers_of_five[q - SMALLEST_POWER] = highest_bits(reciprocal) + (q >= -27);
    }
    atomic_store_explicit(&powers_are_made, 1, memory_order_release);
}

static inline void make_powers(void) {
    if (!atomic_load_explicit(&powers_are_made, memory_order_acquire)) { pthread_once(&powers_once, make_powers_of_five); }
}

// w · 10^q for w > 0 and q of SMALLEST_POWER ... LARGEST_POWER, correctly rounded; 0: undecided, or no normal number. The powers
// have been made.
static inline __attribute__((always_inline)) int multiply_by_power(uint64_t w, int64_t q, double *value) {
    const int zeros = __builtin_clzll(w);
    w <<= zeros;
    const uint128 power = powers_of_five[q - SMALLEST_POWER];
    uint128 product = (uint128)w * (uint64_t)(power >> 64);
    // 55 bits decide, unless those behind them might still carry.
    if (unlikely((uint64_t)(product >> 64 & 0x1ff) == 0x1ff)) { product += (uint128)w * (uint64_t)power >> 64; }
    const uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64);
    const int top = (int)(high >> 63);
    uint64_t mantissa = high >> (top + 9);
    const int64_t exponent = ((217706 * q) >> 16) + 63 + top - zeros + 1023;
    if (unlikely(exponent <= 0)) { return 0; }
    // UINT64_MAX, 0 or 1.
    if (unlikely(low + 1 <= 2)) {
        if (low == UINT64_MAX && (q < -27 || q > 55)) { return 0; }
        // Halfway between two numbers, exactly: to the even one.
        const int is_halfway = low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << (top + 9) == high;
        if (is_halfway) { mantissa &= ~1ull; }
    }
    // The mantissa's highest bit, which is not kept, adds one to the exponent, and so does a carry beyond it.
    const uint64_t bits = ((uint64_t)(exponent - 1) << 52) + ((mantissa + (mantissa & 1)) >> 1);
    if (unlikely(bits >= 0x7ffull << 52)) { return 0; }
    memcpy(value, &bits, sizeof bits);
    return 1;
}

// MARK: Digits

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t whole_powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

static const uint64_t zeros = 0x3030303030303030, highest_bits_of_bytes = 0x8080808080808080;

// The bytes of `word`, characters without zeros' bits, that are no digits, by their highest bits. A carry disturbs bytes behind
// the first of them only.
static inline uint64_t no_digits(uint64_t word) {
    return ((word + 0x7676767676767676) | word) & highest_bits_of_bytes;
}

// The number of eight digits, the first in the lowest byte: pairs, fours, all.
static inline uint32_t eight_digits(uint64_t word) {
    word = word * 10 + (word >> 8);
    return (uint32_t)(((word & 0x000000ff000000ff) * 0x000f424000000064 + (word >> 16 & 0x000000ff000000ff) * 0x0000271000000001)
                      >> 32);
}

// Appends the digits from `p` on to `number`, modulo 2^64; returns where they end. Bytes before `limit` can be read.
static inline __attribute__((always_inline)) const uint8_t *append_digits(const uint8_t *p, const uint8_t *limit,
                                                                          uint64_t *number) {
    for (;;) {
        uint64_t word = 0;
        if (limit - p >= 8) {
            memcpy(&word, p, 8);
        } else {
            memcpy(&word, p, (size_t)(limit - p));
        }
        word ^= zeros;
        const uint64_t others = no_digits(word);
        if (others == 0) {
            *number = *number * 100000000 + eight_digits(word);
            p += 8;
            continue;
        }
        // No branch on their number, either. Zeros come before the first digit.
        const unsigned digits = (unsigned)__builtin_ctzll(others) / 8;
        *number = *number * whole_powers[digits] + eight_digits(word << (56 - 8 * digits) << 8);
        return p + digits;
    }
}

// The digits of text[p ..< end] after the zeros that it begins with.
static size_t significant_digits(const uint8_t *p, const uint8_t *end) {
    while (p < end && (*p < '1' || *p > '9')) { p++; }
    size_t digits = 0;
    for (; p < end; p++) { digits += *p >= '0' && *p <= '9'; }
    return digits;
}

// The number of at most eight characters before `end`, digits with or without a point, without a branch on what they are.
static inline __attribute__((always_inline)) int parse_short(const uint8_t *end, size_t length, uint8_t point, double *value) {
    uint64_t word;
    memcpy(&word, end - 8, 8);
    const unsigned before = 8 * (8 - (unsigned)length);
    word = (word ^ zeros) >> before << before;
    // The first byte that is the point.
    const uint64_t others = word ^ (uint64_t)(point ^ '0') * 0x0101010101010101;
    const uint64_t points = (others - 0x0101010101010101) & ~others & highest_bits_of_bytes;
    unsigned fraction = 0;
    if (points != 0) {
        const unsigned bit = (unsigned)__builtin_ctzll(points) & ~7u;
        const uint64_t whole = (1ull << bit) - 1;
        fraction = 7 - bit / 8;
        // The digits before the point move into its place.
        word = (word & ~whole & ~(0xffull << bit)) | (word & whole) << 8;
        if (length == 1) { return 0; }
    }
    if (no_digits(word) != 0) { return 0; }
    *value = (double)eight_digits(word) / exact_powers[fraction];
    return 1;
}

static inline int with_sign(double magnitude, uint64_t is_negative, double *value) {
    uint64_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    bits |= is_negative << 63;
    memcpy(value, &bits, sizeof bits);
    return 1;
}

// `text` is where bytes can be read from, `limit` where they no longer can.
static inline __attribute__((always_inline)) int parse(const uint8_t *text, const uint8_t *p, const uint8_t *end, const uint8_t *limit,
                                                       uint8_t point, double *value) {
    if (p == end) { return 0; }
    // No branch on the sign, which nothing predicts.
    const uint64_t is_negative = *p == '-';
    p += is_negative | (*p == '+');
    double magnitude;
    if (end - p <= 8 && end > p && end - text >= 8 && parse_short(end, (size_t)(end - p), point, &magnitude)) {
        return with_sign(magnitude, is_negative, value);
    }
    const uint8_t *const first = p;
    uint64_t digits = 0;
    p = append_digits(p, limit, &digits);
    int64_t exponent = 0;
    size_t count = (size_t)(p - first);
    if (p < end && *p == point) {
        const uint8_t *const fraction = p + 1;
        p = append_digits(fraction, limit, &digits);
        exponent = fraction - p;
        count += (size_t)(p - fraction);
    }
    if (count == 0 || (count > 19 && significant_digits(first, p) > 19)) { return 0; }
    if (p < end) {
        if ((*p | 0x20) != 'e') { return 0; }
        p++;
        const int is_small = p < end && *p == '-';
        p += is_small || (p < end && *p == '+');
        if (end - p < 1 || end - p > 4) { return 0; }
        int64_t written = 0;
        for (; p < end; p++) {
            if (*p < '0' || *p > '9') { return 0; }
            written = 10 * written + (*p - '0');
        }
        exponent += is_small ? -written : written;
    }
    // 15 digits fit into 53 bits: by their number, which repeats more often than their value.
    if (count <= 15 && exponent >= -22 && exponent <= 22) {
        magnitude = exponent < 0 ? (double)digits / exact_powers[-exponent] : (double)digits * exact_powers[exponent];
    } else if (digits == 0) {
        magnitude = 0;
    } else {
        if (exponent < SMALLEST_POWER || exponent > LARGEST_POWER) { return 0; }
        make_powers();
        if (!multiply_by_power(digits, exponent, &magnitude)) { return 0; }
    }
    return with_sign(magnitude, is_negative, value);
}

int loom_parse_number(const uint8_t *text, size_t start, size_t end, size_t count, uint8_t point, double *value) {
    return parse(text, text + start, text + end, text + count, point, value);
}

// MARK: Cells

// Where cell `column` begins of a record that begins at `start`.
static inline size_t cell_begin(size_t start, const size_t *ends, size_t column) {
    return column == 0 ? start : ends[column - 1] + 1;
}

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt"))), apply_to = function)
#include "decimals.h"
#pragma clang attribute pop
#endif

size_t loom_parse_cells(const uint8_t *text, size_t start, size_t count, const size_t *ends, const uint32_t *columns,
                        const uint32_t *slots, size_t first, size_t column_count, uint8_t point, double *values) {
#if defined(__x86_64__)
    if (start > DECIMAL_BYTES && loom_active_instruction_set() != LOOM_BASELINE) {
        return parse_cells_avx2(text, start, count, ends, columns, slots, first, column_count, point, values);
    }
#endif
    for (size_t i = first; i < column_count; i++) {
        const size_t begin = cell_begin(start, ends, columns[i]), end = ends[columns[i]];
        if (!parse(text, text + begin, text + end, text + count, point, &values[slots[i]])) { return i; }
    }
    return column_count;
}
