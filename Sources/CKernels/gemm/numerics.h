// Part of the numerics identity: what stands here decides the bits of a product. It is no tuning, whatever the processor.
//
// An element of C is a chain of fused multiply-adds over the inner dimension, in order, however a product is cut into tiles,
// panels and row blocks, and whether its rows or its columns lie in the lanes of vectors.
#ifndef LOOM_GEMM_NUMERICS_H
#define LOOM_GEMM_NUMERICS_H

// The k of a chain: the sum of every block of the inner dimension is rounded before it is added to C.
#define LOOM_GEMM_INNER_BLOCK 512

#endif
