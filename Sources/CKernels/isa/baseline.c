// The kernels with what every processor of the architecture has (SSE2, NEON): 16-byte vectors.
#include "tables.h"

#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define LOOM_VECTOR_BYTES 16
#define LOOM_FLOAT32_TABLE loom_baseline_float32
#define LOOM_FLOAT64_TABLE loom_baseline_float64
#define LOOM_BF16_TABLE loom_baseline_bf16
#define LOOM_INSTRUCTION_SET LOOM_BASELINE

#include "all_kernels.h"
