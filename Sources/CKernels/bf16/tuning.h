// Numbers that decide how fast products of bfloat16 are, and never their bits.
#ifndef LOOM_BF16_TUNING_H
#define LOOM_BF16_TUNING_H

#include "CKernels.h"

enum {
    // Blocks of the inner dimension that are multiplied before the next ones are: the 16 KB of the right factor, and as many of
    // the left one, are read from the first-level cache. 256 × 2048 × 2048 on one core of Zen 4: 8 blocks 214 GFLOP/s, 16 213, 64
    // 212; a gradient 2048 × 2048 × 512 with momentum 203, 200, 206.
    LOOM_BF16_PANEL_BLOCKS = 8,
    // Block rows that meet a panel of the right factor: their results, 4 KB each, are in the second-level cache. On one core of
    // Zen 4 256 × 2048 × 2048 has 207 GFLOP/s with 4, and 214 with 8.
    LOOM_BF16_GROUP_BLOCKS = 8,
};

_Static_assert((LOOM_BF16_GROUP_BLOCKS + 1) * LOOM_BF16_BLOCK_ELEMENTS * sizeof(float) <= LOOM_BF16_SCRATCH_BYTES,
               "the results of a group, and a block for the epilogue");

#endif
