// The kernels with what every processor of the architecture has (SSE2, NEON): 16-byte vectors.
#include "kernel_table.h"

#include <string.h>

#define LOOM_VECTOR_BYTES 16
// x86-64's baseline has no fused multiply-add; the builtin would call the C library's for every lane.
#if defined(__aarch64__)
#define LOOM_FUSED_MULTIPLY_ADD 1
#else
#define LOOM_FUSED_MULTIPLY_ADD 0
#endif
#define LOOM_TABLE loom_kernels_baseline
#define LOOM_INSTRUCTION_SET LOOM_BASELINE

#include "template/kernels.h"
