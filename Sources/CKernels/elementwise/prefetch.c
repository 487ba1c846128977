// Prefetching of whole blocks of memory.
#include "CKernels.h"

// Processors without this instruction, before Intel's Broadwell, take it for one that does nothing.
#if defined(__x86_64__)
__attribute__((target("prfchw")))
#endif
void loom_prefetch_for_writing(const void *memory, size_t bytes) {
    for (size_t byte = 0; byte < bytes; byte += 64) { __builtin_prefetch((const char *)memory + byte, 1); }
}
