#define _GNU_SOURCE
#include "CHardware.h"

#include <limits.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif
// After a header of the C library, which defines __GLIBC__.
#ifdef __GLIBC__
#include <malloc.h>
#endif

// MARK: Waiting

void loom_yield_processor(void) { sched_yield(); }

void loom_wait_while_equal(const void *word, uint32_t expected) {
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
#else
    (void)word;
    (void)expected;
    sched_yield();
#endif
}

void loom_wake_all(const void *word) {
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
#else
    (void)word;
#endif
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t loom_monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }

uint64_t loom_process_nanoseconds(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

// MARK: Floating point

// x86-64: flush to zero is bit 15 and denormals are zero is bit 6 of MXCSR (Intel SDM, volume 1, 10.2.3).
// arm64: flush to zero is bit 24 of FPCR and covers operands and results (Arm Architecture Reference Manual,
// FPCR).
#if defined(__x86_64__)
static const uint64_t flush_bits = 1u << 15 | 1u << 6;
// The six low bits record the exceptions that have occurred: history, not mode, so they are left as they are.
static const unsigned exception_flags = 0x3f;
uint64_t loom_floating_point_mode(void) { return _mm_getcsr() & ~exception_flags; }
void loom_set_floating_point_mode(uint64_t mode) {
    _mm_setcsr(((unsigned)mode & ~exception_flags) | (_mm_getcsr() & exception_flags));
}
#elif defined(__aarch64__)
static const uint64_t flush_bits = 1u << 24;
uint64_t loom_floating_point_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
void loom_set_floating_point_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
static const uint64_t flush_bits = 0;
uint64_t loom_floating_point_mode(void) { return 0; }
void loom_set_floating_point_mode(uint64_t mode) { (void)mode; }
#endif

uint64_t loom_flush_subnormals(void) {
    uint64_t before = loom_floating_point_mode();
    if ((before & flush_bits) != flush_bits) loom_set_floating_point_mode(before | flush_bits);
    return before;
}

int loom_mode_flushes_subnormals(uint64_t mode) {
    return flush_bits != 0 && (mode & flush_bits) == flush_bits;
}

// MARK: Processors

int loom_current_processor(void) {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

static int processors_at_load;

// Before main, as libdispatch does: a library's user may narrow the mask of the main thread before the first
// team.
__attribute__((constructor)) static void count_processors_at_load(void) {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
        processors_at_load = CPU_COUNT(&allowed);
        return;
    }
#endif
    processors_at_load = (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int loom_processors_at_load(void) { return processors_at_load; }

int loom_niceness(void) { return getpriority(PRIO_PROCESS, 0); }

// MARK: Memory

void loom_return_freed_blocks(int bytes) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, bytes);
#else
    (void)bytes;
#endif
}
