// The kernels with what every processor of the architecture has (SSE2, NEON): 16-byte vectors.
#include "kernel_table.h"

#include <string.h>

#define LOOM_VECTOR_BYTES 16
#define LOOM_TABLE loom_kernels_baseline
#define LOOM_INSTRUCTION_SET LOOM_BASELINE

#include "template/kernels.h"
