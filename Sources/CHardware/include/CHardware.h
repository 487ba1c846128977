// What Swift cannot import of the processor and of the kernel: instructions without a library function,
// system calls without a wrapper, macros with arguments.
#ifndef CHARDWARE_H
#define CHARDWARE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Waiting

// Tells the processor that this thread spins: it saves power, yields to the other hyper-thread, and leaves
// the loop without a memory-order misprediction.
static inline void loom_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

// Lets another thread of this processor run, if one is ready.
void loom_yield_processor(void);

// Sleeps until loom_wake_all(word), unless *word differs from `expected` at the time of the call; the
// comparison and going to sleep are one atomic step. It may also return for no reason: look at the word
// again. Where there is no futex it yields the processor once.
void loom_wait_while_equal(const void *word, uint32_t expected);

// Wakes every thread of this process that sleeps in loom_wait_while_equal(word). `word` is compared, not
// read.
void loom_wake_all(const void *word);

// Nanoseconds since a fixed moment, never going backwards (CLOCK_MONOTONIC; no system call on Linux).
uint64_t loom_monotonic_nanoseconds(void);

// The processor's counter of time: it runs at one rate whatever the clock of a core, and on all cores together (invariant
// TSC on x86-64 since 2008, the generic timer on arm64). Reading it takes about 10 ns, a third of the time of the clock above.
static inline uint64_t loom_ticks(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return loom_monotonic_nanoseconds();
#endif
}

// Nanoseconds that threads of this process have run, all together (CLOCK_PROCESS_CPUTIME_ID).
uint64_t loom_process_nanoseconds(void);

// MARK: Floating point

// The calling thread's floating-point mode: the control bits of MXCSR, FPCR; 0 on other architectures.
uint64_t loom_floating_point_mode(void);

// Makes the calling thread read subnormal numbers as 0 and round subnormal results to 0 (FTZ and DAZ,
// FPCR.FZ) and returns the mode before. On many processors each subnormal operand costs over 100 cycles
// (Agner Fog, "The microarchitecture of Intel, AMD and VIA CPUs"), and gradients that fade away are full of
// them. Does nothing on other architectures.
uint64_t loom_flush_subnormals(void);

// Gives the calling thread a mode that one of the functions above returned.
void loom_set_floating_point_mode(uint64_t mode);

// Whether `mode` flushes subnormal numbers to 0.
int loom_mode_flushes_subnormals(uint64_t mode);

// MARK: Processors

// The number of the logical processor that the calling thread runs on now, -1 where the system does not tell.
int loom_current_processor(void);

// How many logical processors the process was allowed to use when it was loaded. libdispatch reads the
// affinity mask at that time, once, and never runs more iterations at the same time, whatever the mask
// becomes later.
int loom_processors_at_load(void);

// The nice value of the process: from -20, served first, to 19.
int loom_niceness(void);

// MARK: Arithmetic

// Instructions that multiply and add, and the numbers that they do it with.
typedef enum {
    // What every processor of the architecture has: SSE2, NEON.
    LOOM_BASELINE_F32,
    LOOM_BASELINE_F64,
    LOOM_AVX2_F32,
    LOOM_AVX2_F64,
    LOOM_AVX512_F32,
    LOOM_AVX512_F64,
    // Products of bfloat16, sums of float32: VDPBF16PS of AVX-512, and tiles (AMX).
    LOOM_AVX512_BF16,
    LOOM_AMX_BF16
} loom_arithmetic;

typedef struct {
    // Goes through the loop `passes` times, at least 1, in registers alone; NULL where processor, operating system or
    // architecture do not have the instructions.
    void (*run)(uint64_t passes);
    // Floating-point operations of a pass; a multiply-add is two.
    uint64_t operations;
} loom_arithmetic_loop;

// The loop that does as many operations a second as a core can do with these instructions. For tiles it asks the
// operating system for them, once for all threads of the process.
loom_arithmetic_loop loom_arithmetic_loop_of(loom_arithmetic arithmetic);

// MARK: Memory

// From now on malloc takes blocks of at least `bytes` from the system one by one, and gives them back when they are
// freed. Does nothing with a C library other than glibc.
void loom_return_freed_blocks(int bytes);

// MARK: Signals

// From now on the first SIGINT or SIGTERM only writes its number to `word`, an aligned 32-bit integer that is read
// atomically; the second one ends the program. Unblocks both signals on the calling thread.
void loom_note_stop_signals(void *word);

// No signal is written to `word` any more; nothing if another word has taken its place.
void loom_forget_stop_signals(const void *word);

#ifdef __cplusplus
}
#endif

#endif
