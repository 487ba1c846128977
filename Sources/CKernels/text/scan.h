// The scanners of one instruction set: included by scan.c, which sets SCAN(name).

// The bytes of 64 that equal `byte`, as a mask.
static inline __attribute__((always_inline)) uint64_t SCAN(mask)(const text_block *block, uint8_t byte) {
    return text_mask(block->bytes == byte);
}

static loom_text_counts SCAN(count)(const uint8_t *text, size_t count) {
    loom_text_counts result = {.is_ascii = 1};
    uint64_t quoted = 0;
    uint64_t not_ascii = 0;
    for (size_t position = 0; position < count; position += 64) {
        text_block block;
        const uint64_t valid = text_load(text, position, count, &block);
        not_ascii |= text_mask((text_signed)block.bytes <= 0) & valid;
        const uint64_t newlines = SCAN(mask)(&block, '\n');
        const uint64_t quotes = SCAN(mask)(&block, '"');
        result.newlines += (size_t)__builtin_popcountll(newlines);
        if (quotes == 0) {
            result.newlines_outside += (size_t)__builtin_popcountll(newlines & ~quoted);
        } else {
            result.quotes += (size_t)__builtin_popcountll(quotes);
            const uint64_t inside = text_inside(quotes) ^ quoted;
            result.newlines_outside += (size_t)__builtin_popcountll(newlines & ~inside);
            quoted = text_carry(inside);
        }
    }
    result.is_ascii = not_ascii == 0;
    return result;
}

static size_t SCAN(find)(const uint8_t *text, size_t begin, size_t end, size_t count, int begins_quoted, size_t *starts) {
    size_t found = 0;
    uint64_t quoted = begins_quoted ? ~0ull : 0;
    for (size_t position = begin; position < end; position += 64) {
        text_block block;
        text_load(text, position, end, &block);
        const uint64_t quotes = SCAN(mask)(&block, '"');
        uint64_t inside = quoted;
        if (quotes != 0) {
            inside ^= text_inside(quotes);
            quoted = text_carry(inside);
        }
        for (uint64_t rest = SCAN(mask)(&block, '\n') & ~inside; rest != 0; rest &= rest - 1) {
            const size_t start = position + (size_t)__builtin_ctzll(rest) + 1;
            if (!loom_is_blank_line(text, start, count)) { starts[found++] = start; }
        }
    }
    return found;
}

static loom_text_record SCAN(split)(const uint8_t *text, size_t start, size_t count, uint8_t separator, size_t *ends,
                                    size_t capacity) {
    loom_text_record record = {.end = count};
    uint64_t quoted = 0;
    size_t cells = 0;
    for (size_t position = start; position < count; position += 64) {
        text_block block;
        text_load(text, position, count, &block);
        const uint64_t quotes = SCAN(mask)(&block, '"');
        uint64_t separators = SCAN(mask)(&block, separator);
        uint64_t newlines = SCAN(mask)(&block, '\n');
        uint64_t until_end = ~0ull;
        if ((quotes | quoted) != 0) {
            const uint64_t inside = text_inside(quotes) ^ quoted;
            quoted = text_carry(inside);
            separators &= ~inside;
            newlines &= ~inside;
        }
        if (newlines != 0) {
            until_end = newlines ^ (newlines - 1);
            separators &= until_end >> 1;
        }
        record.has_quotes |= (quotes & until_end) != 0;
        for (; separators != 0; separators &= separators - 1) {
            if (cells < capacity) { ends[cells] = position + (size_t)__builtin_ctzll(separators); }
            cells++;
        }
        if (newlines != 0) {
            record.end = position + (size_t)__builtin_ctzll(newlines);
            break;
        }
    }
    if (record.end > start && text[record.end - 1] == '\r') { record.end--; }
    if (cells < capacity) { ends[cells] = record.end; }
    record.cells = cells + 1;
    return record;
}
