// The kernels with what every processor of the architecture has (SSE2, NEON): 16-byte vectors.
#include "tables.h"

#include <string.h>

#define LOOM_VECTOR_BYTES 16
#define LOOM_TABLE loom_kernels_baseline
#define LOOM_INSTRUCTION_SET LOOM_BASELINE

#include "all_kernels.h"
