#define _GNU_SOURCE
#include "CHardware.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <linux/mempolicy.h>
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

int loom_nodes_of_pages(void *address, uint64_t page_bytes, uint64_t count, int *nodes) {
#if defined(__linux__)
    // In pieces, so that the list of addresses needs no memory of its own.
    enum { piece = 512 };
    void *pages[piece];
    for (uint64_t start = 0; start < count; start += piece) {
        const uint64_t length = count - start < piece ? count - start : piece;
        for (uint64_t i = 0; i < length; i++) pages[i] = (char *)address + (start + i) * page_bytes;
        if (syscall(SYS_move_pages, 0, length, pages, NULL, nodes + start, 0) != 0) return errno;
    }
    return 0;
#else
    (void)address, (void)page_bytes, (void)count, (void)nodes;
    return ENOSYS;
#endif
}

int loom_bind_memory(void *address, uint64_t bytes, int node) {
#if defined(__linux__)
    enum { most_nodes = 1024, bits = 8 * sizeof(unsigned long) };
    if (node < 0 || node >= most_nodes) return EINVAL;
    unsigned long mask[most_nodes / bits] = {0};
    mask[node / bits] = 1ul << node % bits;
    return syscall(SYS_mbind, address, bytes, MPOL_BIND, mask, most_nodes + 1, 0) == 0 ? 0 : errno;
#else
    (void)address, (void)bytes, (void)node;
    return ENOSYS;
#endif
}

int loom_collapse_pages(void *address, uint64_t bytes) {
#if defined(__linux__)
    // Younger than the headers of the C library.
    enum { collapse = 25 };
    return madvise(address, bytes, collapse) == 0 ? 0 : errno;
#else
    (void)address, (void)bytes;
    return ENOSYS;
#endif
}
