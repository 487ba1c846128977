#include "EmulatedTiles.h"

#include "CKernels.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64, PAIRS = ROW_BYTES / 4 };

// A tile, and its part that the configuration gives it.
typedef struct {
    size_t rows, row_bytes;
    _Alignas(ROW_BYTES) unsigned char bytes[ROWS][ROW_BYTES];
} tile;
static _Thread_local tile tiles[TILES];
static _Thread_local size_t faults;

// What may be read, and written where `is_result`.
typedef struct {
    const void *memory;
    size_t bytes;
    _Bool is_result;
} operand;
static _Thread_local operand operands[3];

static _Bool is_inside(const void *address, size_t bytes, _Bool writes) {
    for (int i = 0; i < 3; i++) {
        const uintptr_t first = (uintptr_t)operands[i].memory, place = (uintptr_t)address;
        if (place >= first && place + bytes <= first + operands[i].bytes && (!writes || operands[i].is_result)) { return 1; }
    }
    return 0;
}

// The tile of this number, if the processor has one and it is configured.
static tile *tile_of(int number) {
    static _Thread_local tile none;
    const _Bool is_there = number >= 0 && number < TILES && tiles[number].rows > 0;
    faults += !is_there;
    return is_there ? &tiles[number] : &none;
}

// LDTILECFG: palette, first row, 14 zeros, 16 times bytes a row, 16 times rows.
static void configure(const void *memory) {
    const unsigned char *const bytes = memory;
    faults += bytes[0] != 1 || bytes[1] != 0;
    for (int i = 2; i < 16; i++) { faults += bytes[i] != 0; }
    for (int i = 0; i < 16; i++) {
        uint16_t row_bytes;
        memcpy(&row_bytes, bytes + 16 + 2 * i, sizeof row_bytes);
        const size_t rows = bytes[48 + i];
        faults += row_bytes > ROW_BYTES || rows > ROWS || (row_bytes == 0) != (rows == 0) || (i >= TILES && rows > 0);
        if (i >= TILES) { continue; }
        memset(&tiles[i], 0, sizeof tiles[i]);
        tiles[i].rows = rows <= ROWS ? rows : 0;
        tiles[i].row_bytes = row_bytes <= ROW_BYTES ? row_bytes : 0;
    }
}

static void release(void) { memset(tiles, 0, sizeof tiles); }

static void clear(int number) { memset(tile_of(number)->bytes, 0, sizeof tiles->bytes); }

static void load(int number, const void *memory, size_t stride) {
    tile *const t = tile_of(number);
    memset(t->bytes, 0, sizeof t->bytes);
    for (size_t row = 0; row < t->rows; row++) {
        const char *const from = (const char *)memory + row * stride;
        if (is_inside(from, t->row_bytes, 0)) {
            memcpy(t->bytes[row], from, t->row_bytes);
        } else {
            faults++;
        }
    }
}

static void store(int number, void *memory, size_t stride) {
    const tile *const t = tile_of(number);
    for (size_t row = 0; row < t->rows; row++) {
        char *const to = (char *)memory + row * stride;
        if (is_inside(to, t->row_bytes, 1)) {
            memcpy(to, t->bytes[row], t->row_bytes);
        } else {
            faults++;
        }
    }
}

static float without_denormal(float value) { return fabsf(value) < 0x1p-126f ? copysignf(0, value) : value; }

// a · b + c, rounded once to nearest, with denormal results replaced by 0: what would be below 2^-126 with any exponent.
static float multiply_add(float a, float b, float c) {
    const float sum = fmaf(a, b, c);
    if (sum == 0 || !(fabsf(sum) <= 0x1p-126f)) { return sum; }
    return fabsf(fmaf(a * 0x1p32f, b * 0x1p32f, c * 0x1p64f)) < 0x1p-62f ? copysignf(0, sum) : sum;
}

static float widened(const unsigned char *row, size_t index) {
    uint16_t code;
    memcpy(&code, row + 2 * index, sizeof code);
    const uint32_t bits = (uint32_t)code << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return without_denormal(value);
}

// TDPBF16PS: for each element one chain over the even and one over the odd numbers, then their sum is added.
static void multiply(int result, int left, int right) {
    faults += result == left || result == right || left == right;
    tile *const c = tile_of(result);
    const tile *const a = tile_of(left), *const b = tile_of(right);
    faults += c->rows != a->rows || c->row_bytes != b->row_bytes || a->row_bytes != 4 * b->rows;
    for (size_t m = 0; m < c->rows; m++) {
        float even[PAIRS] = {0}, odd[PAIRS] = {0};
        for (size_t k = 0; k < a->row_bytes / 4; k++) {
            for (size_t n = 0; n < c->row_bytes / 4; n++) {
                even[n] = multiply_add(widened(a->bytes[m], 2 * k), widened(b->bytes[k], 2 * n), even[n]);
                odd[n] = multiply_add(widened(a->bytes[m], 2 * k + 1), widened(b->bytes[k], 2 * n + 1), odd[n]);
            }
        }
        for (size_t n = 0; n < c->row_bytes / 4; n++) {
            float sum;
            memcpy(&sum, c->bytes[m] + 4 * n, sizeof sum);
            sum = without_denormal(without_denormal(sum) + without_denormal(even[n] + odd[n]));
            memcpy(c->bytes[m] + 4 * n, &sum, sizeof sum);
        }
    }
}

#define LOOM_TILE_CONFIGURE configure
#define LOOM_TILE_RELEASE release
#define LOOM_TILE_CLEAR clear
#define LOOM_TILE_LOAD load
#define LOOM_TILE_STORE store
#define LOOM_TILE_MULTIPLY multiply
#include "../../Sources/CKernels/bf16/lines_ahead.h"
#include "../../Sources/CKernels/bf16/tiles.h"

void emulated_tiles_block(const uint16_t *left, const uint16_t *right, size_t inner_blocks, float *c, _Bool continues,
                          size_t rows, size_t columns) {
    const size_t factor_bytes = inner_blocks * LOOM_BF16_BLOCK_ELEMENTS * sizeof *left;
    operands[0] = (operand){left, factor_bytes, 0};
    operands[1] = (operand){right, factor_bytes, 0};
    operands[2] = (operand){c, LOOM_BF16_BLOCK_ELEMENTS * sizeof *c, 1};
    lines_ahead nothing = {0};
    begin_tiles();
    tiles_block(left, right, inner_blocks, c, continues, rows, columns, &nothing);
    end_tiles();
    for (int i = 0; i < TILES; i++) { faults += tiles[i].rows != 0; }
}

size_t emulated_tiles_faults(void) { return faults; }

void emulated_tile_product(const uint16_t *a, const uint16_t *b, float *c) {
    begin_tiles();
    memcpy(tiles[1].bytes, a, sizeof tiles[1].bytes);
    memcpy(tiles[2].bytes, b, sizeof tiles[2].bytes);
    memcpy(tiles[0].bytes, c, sizeof tiles[0].bytes);
    multiply(0, 1, 2);
    memcpy(c, tiles[0].bytes, sizeof tiles[0].bytes);
    end_tiles();
}
