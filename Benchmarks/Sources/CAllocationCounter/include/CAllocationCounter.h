#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/// Whether this system's C library lets an executable stand in for malloc (glibc does).
bool allocation_counter_is_available(void);

/// Begins to count the allocations of all threads, from 0.
void allocation_counter_start(void);

/// Ends counting; returns the number of allocations since the start.
int64_t allocation_counter_stop(void);

#endif
