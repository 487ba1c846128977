// The product of a block by tiles, on tiles in plain C: its code can be tested on machines without AMX.
#ifndef EMULATED_TILES_H
#define EMULATED_TILES_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// C (32 × 32) = or += A · B over `inner_blocks` blocks, between the kernel's configuration and its release of the tiles. Only so
// many rows and columns of C are wanted.
void emulated_tiles_block(const uint16_t *left, const uint16_t *right, size_t inner_blocks, float *c, _Bool continues,
                          size_t rows, size_t columns);

// What the processor would have refused, and what was read or written outside of the operands, in this thread so far.
size_t emulated_tiles_faults(void);

// One TDPBF16PS by itself: c (16 rows of 16) += a · b, of 16 rows of 16 pairs each.
void emulated_tile_product(const uint16_t *a, const uint16_t *b, float *c);

#pragma clang assume_nonnull end

#endif
