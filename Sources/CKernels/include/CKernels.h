// Vectorised kernels, float32 and float64, instruction set chosen at run time.
//
// Every matrix is row-major: `rows` × `columns`, element (i, j) at `i * stride + j`. Its base address is
// aligned to 64 bytes and `stride` is a multiple of 64 bytes, so a row ends in padding. Kernels work on whole
// vectors: they may read and overwrite the padding, whose content never influences an element inside the
// matrix. Unless a parameter is said to alias another one, no two may overlap.
//
// Every element's value depends on its own row and column only, never on how many rows a call covers: calls
// on parts of a matrix give the same bits as one call on the whole. And all instruction sets give the same bits (but for
// the signs and payloads of NaNs): elements are made of IEEE 754's operations and fused multiply-adds in one order, and sums
// along a row, or along an inner dimension, have an order that does not depend on the width of vectors (simd/vectors.h).
#ifndef CKERNELS_H
#define CKERNELS_H

#include "instruction_set.h"

#include "bf16.h"
#include "gemm.h"
#include "kernels.h"
#include "text.h"

#endif
