// Scanners of text on texts of all lengths between guards, compared with a byte by byte reading; and numbers with strtod.
#include "guarded.h"

#include "CKernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 200, TEXTS_OF_LENGTH = 24 };

static void differs(const char *what, const uint8_t *text, size_t count) {
    fprintf(stderr, "%s %s: wrong for ‘%.*s’\n", what, now.set, (int)count, (const char *)text);
    exit(1);
}

// Of cells of all kinds, or of long numbers.
static uint8_t random_byte(uint64_t *state, int is_number) {
    static const char any[] = ",,,,\n\n\r\"\"aaa1234567890.-+eE \xc3\xa9";
    static const char numbers[] = "01234567890123456789012345678901234567890123456789..,-";
    const char *const bytes = is_number ? numbers : any;
    const size_t kinds = (is_number ? sizeof numbers : sizeof any) - 1;
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t high = *state >> 33;
    // A zero byte now and then.
    return high % 500 == 0 ? 0 : (uint8_t)bytes[high % kinds];
}

static void check_counts(const uint8_t *text, size_t count) {
    loom_text_counts expected = {.is_ascii = 1};
    for (size_t i = 0; i < count; i++) {
        expected.quotes += text[i] == '"';
        expected.newlines += text[i] == '\n';
        expected.newlines_outside += text[i] == '\n' && expected.quotes % 2 == 0;
        if (text[i] == 0 || text[i] >= 0x80) { expected.is_ascii = 0; }
    }
    const loom_text_counts found = loom_count_text(text, count);
    if (found.quotes != expected.quotes || found.newlines != expected.newlines || found.is_ascii != expected.is_ascii
        || found.newlines_outside != expected.newlines_outside) {
        differs("count_text", text, count);
    }
}

static void check_records(const uint8_t *text, size_t count, size_t begin, size_t end, int quoted, side side) {
    size_t expected[LONGEST], number = 0, room = 0;
    int inside = quoted;
    for (size_t i = begin; i < end; i++) {
        inside ^= text[i] == '"';
        if (text[i] != '\n' || inside) { continue; }
        room++;
        const size_t s = i + 1;
        const int is_blank = s == count || text[s] == '\n' || (text[s] == '\r' && (s + 1 == count || text[s + 1] == '\n'));
        if (!is_blank) { expected[number++] = s; }
    }
    size_t *const starts = guarded("starts", room * sizeof *starts, side);
    const size_t found = loom_find_records(text, begin, end, count, quoted, starts);
    if (found != number || memcmp(starts, expected, number * sizeof *starts) != 0) { differs("find_records", text, count); }
}

static void check_split(const uint8_t *text, size_t count, size_t start, size_t capacity, side side) {
    size_t expected[LONGEST + 1], cells = 0, end = start;
    int inside = 0, has_quotes = 0;
    for (; end < count && (text[end] != '\n' || inside); end++) {
        inside ^= text[end] == '"';
        has_quotes |= text[end] == '"';
        if (text[end] == ',' && !inside) { expected[cells++] = end; }
    }
    end -= end > start && text[end - 1] == '\r';
    expected[cells++] = end;
    size_t *const ends = guarded("ends", capacity * sizeof *ends, side);
    const loom_text_record found = loom_split_record(text, start, count, ',', ends, capacity);
    if (found.cells != cells || found.end != end || found.has_quotes != has_quotes
        || memcmp(ends, expected, (cells < capacity ? cells : capacity) * sizeof *ends) != 0) {
        differs("split_record", text, count);
    }
    if (cells > capacity) { return; }
    for (size_t i = 0; i < cells; i++) {
        const size_t begin = i == 0 ? start : expected[i - 1] + 1;
        char cell[LONGEST + 1] = {0}, *rest;
        memcpy(cell, text + begin, expected[i] - begin);
        double value;
        const uint32_t column = (uint32_t)i, slot = 0;
        const int is_number = loom_parse_number(text, begin, expected[i], count, '.', &value);
        double *const values = guarded("values", sizeof *values, side);
        const size_t stopped = loom_parse_cells(text, start, count, ends, &column, &slot, 0, 1, '.', values);
        const double correct = strtod(cell, &rest);
        if ((stopped == 1) != is_number || (is_number && memcmp(&value, values, sizeof value) != 0)
            || (is_number && (*rest != 0 || rest == cell || memcmp(&value, &correct, sizeof value) != 0))) {
            differs("parse_number", (const uint8_t *)cell, expected[i] - begin);
        }
    }
}

// Returns the number of calls.
size_t call_text(side side) {
    uint64_t state = 1;
    size_t calls = 0;
    now.form = now.element = "";
    for (size_t count = 0; count <= LONGEST; count++) {
        for (size_t i = 0; i < TEXTS_OF_LENGTH; i++) {
            uint8_t *const text = guarded("text", count, side);
            for (size_t byte = 0; byte < count; byte++) { text[byte] = random_byte(&state, i % 2); }
            now.columns = count;
            const size_t begin = count ? (state >> 40) % count : 0;
            const size_t end = begin + (count - begin ? (state >> 20) % (count - begin) + 1 : 0);
            now.kernel = "count_text";
            check_counts(text, count);
            now.kernel = "find_records";
            check_records(text, count, begin, end, i % 2, side);
            now.kernel = "split_record, parse_cells";
            check_split(text, count, begin, i % 3 == 0 ? (state >> 50) % 8 : LONGEST + 1, side);
            calls += 4;
        }
    }
    return calls;
}
