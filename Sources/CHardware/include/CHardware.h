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
// TSC on x86-64 since 2008, the generic timer on arm64). Reading it takes about half the time of the clock above.
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

// MARK: Counters

// What can be counted for one thread.
typedef enum {
    // Cycles in which its processor was not halted, at the clock of the moment.
    LOOM_COUNTER_CYCLES,
    // Instructions that it has finished.
    LOOM_COUNTER_INSTRUCTIONS,
    // Accesses that no cache had, by the kernel's idea of the processor's last level.
    LOOM_COUNTER_LAST_LEVEL_CACHE_MISSES,
    // Branches that went another way than predicted.
    LOOM_COUNTER_BRANCH_MISSES,
    // How often the scheduler has moved it to another processor.
    LOOM_COUNTER_MIGRATIONS,
    // Nanoseconds that it has run, and pages that it needed and that were not mapped. As migrations, they are the kernel's
    // own counts, and there on every machine.
    LOOM_COUNTER_TASK_NANOSECONDS,
    LOOM_COUNTER_PAGE_FAULTS
} loom_counter;

enum { LOOM_MOST_COUNTERS = 7 };

// Counters of one thread that the kernel counts at the same time, and that are read with one system call.
typedef struct {
    // The descriptor that is read; -1: nothing is open.
    int leader;
    int count;
    int descriptors[LOOM_MOST_COUNTERS];
    loom_counter counters[LOOM_MOST_COUNTERS];
    // Whether what the kernel does for the thread is left out.
    int user_space_only;
} loom_counter_group;

typedef struct {
    // Nanoseconds for which the group was to count, and for which it did: a processor counts a few groups at a time, and the
    // kernel lets the others take turns.
    uint64_t time_enabled;
    uint64_t time_running;
    // Bit c: counter c is in the group.
    uint32_t present;
    uint64_t count[LOOM_MOST_COUNTERS];
} loom_counter_values;

// Opens counters for the calling thread, and starts them. Without the first one nothing is open; others that the processor
// does not count are left out. Where the kernel lets this process count user space alone, and `may_exclude_kernel`, it does
// so. 0, or errno of the first counter.
int loom_counters_open(
    loom_counter_group *group, const loom_counter *counters, int count, int may_exclude_kernel);

// What has been counted since the counters were opened. 0, or an errno: then nothing is present.
int loom_counters_read(const loom_counter_group *group, loom_counter_values *values);

// Closes all counters of the group; nothing for one that is not open.
void loom_counters_close(loom_counter_group *group);

uint64_t loom_counter_value(const loom_counter_values *values, loom_counter counter);
int loom_counter_is_present(const loom_counter_values *values, loom_counter counter);

// What the system counts for every thread; of the whole process where it does not count for threads.
typedef struct {
    // The thread gave its processor up because it waited for something, or had to.
    uint64_t voluntary_switches;
    uint64_t involuntary_switches;
    // Pages that only had to be mapped, and pages that came from a disk.
    uint64_t minor_faults;
    uint64_t major_faults;
    // How long it has run (CLOCK_THREAD_CPUTIME_ID).
    uint64_t processor_nanoseconds;
} loom_thread_usage;

// Of the calling thread: two system calls, 0.6 µs (Intel Emerald Rapids). 0, or errno.
int loom_thread_usage_read(loom_thread_usage *usage);

// Opens a file of the calling thread, such as /proc/thread-self/schedstat; it stays that thread's whoever reads it. The
// descriptor, or -1.
int loom_thread_file_open(const char *path);
void loom_thread_file_close(int descriptor);

// Reads a number in the file: the one after `skipped` others, from the colon after `name` on, from the beginning if `name`
// is NULL. 1 if there is one.
int loom_thread_file_number(int descriptor, const char *name, int skipped, uint64_t *number);

// As loom_thread_file_number, in a text that ends with a 0.
int loom_number_in_text(const char *text, const char *name, int skipped, uint64_t *number);

// Tells the calling thread from all others that live; no system call.
uint64_t loom_thread_mark(void);

// The system's number of the calling thread; 0 where threads have none.
long loom_thread_identifier(void);

// MARK: Memory

// From now on malloc takes blocks of at least `bytes` from the system one by one, and gives them back when they are
// freed. Does nothing with a C library other than glibc.
void loom_return_freed_blocks(int bytes);

// The NUMA node of each page of `page_bytes` bytes from `address` on, or a negative errno for a page that nobody has
// touched (move_pages(2)). Returns 0, or the errno of a system that does not tell.
int loom_nodes_of_pages(void *address, uint64_t page_bytes, uint64_t count, int *nodes);

// Asks for the pages of these bytes, which nobody has touched, from one NUMA node below 1024 alone (mbind(2)). Returns 0
// or an errno.
int loom_bind_memory(void *address, uint64_t bytes, int node);

// Puts touched memory, aligned to 2 MiB, into huge pages now, whatever the system's setting (madvise(2), MADV_COLLAPSE,
// Linux 6.1). Returns 0 or an errno.
int loom_collapse_pages(void *address, uint64_t bytes);

// MARK: Threads

// How many of `wanted` threads, at least 0, the system starts in addition to those that there are. They end at once.
int loom_startable_threads(int wanted);

// MARK: Signals

// SIGINT, SIGTERM, SIGHUP and SIGUSR1, those that are ignored excepted, end the program from now on, even where they are
// blocked on the calling thread, and where the kernel would spare it because it is the first process of a container. SIGBUS for
// a mapped file that became shorter ends it with a message and 74, EX_IOERR of sysexits.h.
void loom_end_on_signals(void);

// From now on these signals, SIGHUP only where it is not ignored, only write their number to `word`, an aligned 32-bit
// integer that is read atomically; the same one again ends the program. Unblocks them on the calling thread.
void loom_note_stop_signals(void *word);

// No signal is written to `word` any more: they end the program. Nothing if another word has taken its place.
void loom_forget_stop_signals(const void *word);

#ifdef __cplusplus
}
#endif

#endif
