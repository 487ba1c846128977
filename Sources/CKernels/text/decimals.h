// Decimal numbers, 32 characters at once: included by numbers.c for processors with AVX2 and BMI2.
//
// The characters before a number's end are loaded, so that its last digit has the same place whatever its length. Those before
// the point move up into the point's place, and neighbours are joined three times: to pairs, fours and eights. No branch depends
// on the number of digits, which nothing predicts: a number of 17 digits takes 12 ns rather than 30 on a core of Intel Emerald
// Rapids. Up to eight characters are faster in a word of 64 bits.

enum { DECIMAL_BYTES = 32 };

// All ones in the last `count` bytes, of 32.
static inline __attribute__((always_inline)) __m256i last_bytes(size_t count) {
    static const uint8_t window[2 * DECIMAL_BYTES] = {[DECIMAL_BYTES... 2 * DECIMAL_BYTES - 1] = 0xff};
    return _mm256_loadu_si256((const __m256i_u *)(window + count));
}

// The number of the `length` characters before `end`, digits with or without a point, of which all but 19 are zeros in front;
// 0: another form, or undecided. There are more than eight characters and at most DECIMAL_BYTES.
static inline __attribute__((always_inline)) int parse_long(const uint8_t *end, size_t length, uint8_t point, double *value) {
    const __m256i zero = _mm256_set1_epi8('0');
    const __m256i all = _mm256_and_si256(
        _mm256_xor_si256(_mm256_loadu_si256((const __m256i_u *)(end - DECIMAL_BYTES)), zero), last_bytes(length));
    const __m256i is_point = _mm256_cmpeq_epi8(all, _mm256_set1_epi8((char)(point ^ '0')));
    const __m256i is_other = _mm256_cmpeq_epi8(_mm256_max_epu8(all, _mm256_set1_epi8(10)), all);
    const uint32_t points = (uint32_t)_mm256_movemask_epi8(is_point);
    if (unlikely((uint32_t)_mm256_movemask_epi8(is_other) != points || _blsr_u32(points) != 0)) { return 0; }
    // The digits behind the point; 32 without one.
    const unsigned behind = _lzcnt_u32(points);
    // One place up, for those before the point.
    const __m256i moved = _mm256_and_si256(
        _mm256_xor_si256(_mm256_loadu_si256((const __m256i_u *)(end - DECIMAL_BYTES - 1)), zero), last_bytes(length - 1));
    const __m256i digits = _mm256_blendv_epi8(moved, all, last_bytes(behind));
    const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(1 << 8 | 10));
    const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(1 << 16 | 100));
    const __m256i eights = _mm256_madd_epi16(_mm256_packus_epi32(fours, fours), _mm256_set1_epi32(1 << 16 | 10000));
    // The first eight digits in the low half of `high`, the next in its high half; the last sixteen in `low`.
    const uint64_t high = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(eights));
    const uint64_t low = (uint64_t)_mm_cvtsi128_si64(_mm256_extracti128_si256(eights, 1));
    const uint64_t first = high >> 32 | high << 32;
    if (unlikely(first > 999)) { return 0; }
    const uint64_t number = first * 10000000000000000 + (uint64_t)(uint32_t)low * 100000000 + (low >> 32);
    if (number == 0) {
        *value = 0;
        return 1;
    }
    return multiply_by_power(number, -(int64_t)(behind % DECIMAL_BYTES), value);
}

// As loom_parse_cells, for records before which there are more than DECIMAL_BYTES bytes.
static size_t parse_cells_avx2(const uint8_t *text, size_t start, size_t count, const size_t *ends, const uint32_t *columns,
                               const uint32_t *slots, size_t first, size_t column_count, uint8_t point, double *values) {
    make_powers();
    for (size_t i = first; i < column_count; i++) {
        const size_t begin = cell_begin(start, ends, columns[i]), end = ends[columns[i]];
        double *const value = &values[slots[i]];
        const uint64_t is_negative = begin < end && text[begin] == '-';
        const size_t length = end - begin - (is_negative | (begin < end && text[begin] == '+'));
        double magnitude;
        const int is_parsed = length - 1 < 8 ? parse_short(text + end, length, point, &magnitude)
            : length - 1 < DECIMAL_BYTES    ? parse_long(text + end, length, point, &magnitude)
                                            : 0;
        if (likely(is_parsed)) {
            with_sign(magnitude, is_negative, value);
        } else if (!loom_parse_number(text, begin, end, count, point, value)) {
            return i;
        }
    }
    return column_count;
}
