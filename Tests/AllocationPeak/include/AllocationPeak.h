// How much memory a piece of work takes at its peak: every allocation of the process is counted.
#ifndef ALLOCATION_PEAK_H
#define ALLOCATION_PEAK_H

#include <stdbool.h>
#include <stdint.h>

// Whether allocations are counted: not with a C library other than glibc, nor under a sanitizer, which has its own.
bool allocation_peak_is_available(void);
// Begins anew. From now on a single allocation of more than `limit` bytes is refused, as on a machine without the memory.
void allocation_peak_begin(int64_t limit);
// The most bytes that were allocated at a time since `allocation_peak_begin`, beyond those from before it.
int64_t allocation_peak_end(void);

#endif
