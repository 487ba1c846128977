// Tables in text: where records and cells end, and the numbers in cells. All instruction sets give the same results.
#ifndef LOOM_TEXT_H
#define LOOM_TEXT_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// What a piece of text holds.
typedef struct {
    size_t newlines;          // all of them
    size_t newlines_outside;  // those outside quotes, if the piece begins outside
    size_t quotes;
    int is_ascii;  // whether every byte is in 1 … 127
} loom_text_counts;

loom_text_counts loom_count_text(const uint8_t *text, size_t count);

// Writes where records begin: after each line end of text[begin ..< end] that is outside quotes, blank lines and the end of the
// text left out. `begins_quoted` says whether `begin` is inside quotes, `count` is that of the whole text. Returns how many
// were written: at most the line ends outside quotes.
size_t loom_find_records(const uint8_t *text, size_t begin, size_t end, size_t count, int begins_quoted, size_t *starts);

// Whether no byte, or a line end, stands at text[start].
int loom_is_blank_line(const uint8_t *text, size_t start, size_t count);

// A record's extent.
typedef struct {
    size_t cells;    // its cells, if quotes stand around whole cells only
    size_t end;      // the byte after its last one, without its line end
    int has_quotes;
} loom_text_record;

// Finds the end of each cell of the record that begins at `start`, at most `capacity` of them. A separator or line end in
// quotes ends nothing.
loom_text_record loom_split_record(const uint8_t *text, size_t start, size_t count, uint8_t separator, size_t *ends,
                                   size_t capacity);

// The number that text[start ..< end] spells, correctly rounded; 0: it is none, or one that takes the slow way: blanks around
// it, a name such as "nan", more than 19 digits, or beyond float64's normal numbers. `point` stands before the fraction. Bytes
// up to `count` can be read.
int loom_parse_number(const uint8_t *text, size_t start, size_t end, size_t count, uint8_t point, double *value);

// The same for the cells `columns` of a record that begins at `start` and whose cells end at `ends`: values[slots[i]] becomes
// cell columns[i]. Returns the index of the first one that is no such number, from `first` on; `column_count` where all are.
size_t loom_parse_cells(const uint8_t *text, size_t start, size_t count, const size_t *ends, const uint32_t *columns,
                        const uint32_t *slots, size_t first, size_t column_count, uint8_t point, double *values);

#pragma clang assume_nonnull end

#endif
