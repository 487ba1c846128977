#define _GNU_SOURCE
#include "CHardware.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif

// MARK: perf_event_open(2)

#if defined(__linux__)

static const struct {
    uint32_t type;
    uint64_t config;
} events[] = {
    [LOOM_COUNTER_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    [LOOM_COUNTER_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    [LOOM_COUNTER_LAST_LEVEL_CACHE_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    [LOOM_COUNTER_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    [LOOM_COUNTER_MIGRATIONS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    [LOOM_COUNTER_TASK_NANOSECONDS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    [LOOM_COUNTER_PAGE_FAULTS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
};

// For the calling thread on any CPU; the descriptor, or -1 with errno.
static int open_event(loom_counter counter, int leader, int user_space_only) {
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = events[counter].type;
    attributes.config = events[counter].config;
    // The group starts when it is complete. A member that joins a running leader may not count before the thread is next
    // scheduled: Linux 6.18 does so where the two are of different kinds.
    attributes.disabled = leader < 0;
    attributes.exclude_kernel = user_space_only != 0;
    attributes.exclude_hv = user_space_only != 0;
    attributes.read_format =
        PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

int loom_counters_open(
    loom_counter_group *group, const loom_counter *counters, int count, int may_exclude_kernel) {
    group->leader = -1;
    group->count = 0;
    group->user_space_only = 0;
    int leader = open_event(counters[0], -1, 0);
    if (leader < 0 && (errno == EACCES || errno == EPERM) && may_exclude_kernel) {
        group->user_space_only = 1;
        leader = open_event(counters[0], -1, 1);
    }
    if (leader < 0) { return errno; }
    group->leader = leader;
    group->descriptors[0] = leader;
    group->counters[0] = counters[0];
    group->count = 1;
    for (int index = 1; index < count && group->count < LOOM_MOST_COUNTERS; ++index) {
        // What this processor does not count, or not together with the others, is left out.
        const int descriptor = open_event(counters[index], leader, group->user_space_only);
        if (descriptor < 0) { continue; }
        group->descriptors[group->count] = descriptor;
        group->counters[group->count] = counters[index];
        group->count += 1;
    }
    if (ioctl(leader, PERF_EVENT_IOC_ENABLE, 0) != 0) {
        const int code = errno;
        loom_counters_close(group);
        return code;
    }
    return 0;
}

int loom_counters_read(const loom_counter_group *group, loom_counter_values *values) {
    // "nr, time_enabled, time_running, value of each": perf_event_open(2), PERF_FORMAT_GROUP.
    uint64_t words[3 + LOOM_MOST_COUNTERS];
    memset(values, 0, sizeof *values);
    if (group->leader < 0) { return EBADF; }
    const ssize_t expected = (ssize_t)sizeof(uint64_t) * (3 + group->count);
    if (read(group->leader, words, sizeof words) != expected) { return EIO; }
    values->time_enabled = words[1];
    values->time_running = words[2];
    for (int index = 0; index < group->count; ++index) {
        values->count[group->counters[index]] = words[3 + index];
        values->present |= 1u << group->counters[index];
    }
    return 0;
}

void loom_counters_close(loom_counter_group *group) {
    // Members before their leader.
    for (int index = group->count - 1; index >= 0; --index) { close(group->descriptors[index]); }
    group->leader = -1;
    group->count = 0;
}

#else

int loom_counters_open(
    loom_counter_group *group, const loom_counter *counters, int count, int may_exclude_kernel) {
    (void)counters;
    (void)count;
    (void)may_exclude_kernel;
    group->leader = -1;
    group->count = 0;
    group->user_space_only = 0;
    return ENOSYS;
}

int loom_counters_read(const loom_counter_group *group, loom_counter_values *values) {
    (void)group;
    memset(values, 0, sizeof *values);
    return EBADF;
}

void loom_counters_close(loom_counter_group *group) { (void)group; }

#endif

uint64_t loom_counter_value(const loom_counter_values *values, loom_counter counter) {
    return values->count[counter];
}

int loom_counter_is_present(const loom_counter_values *values, loom_counter counter) {
    return (values->present >> counter & 1u) != 0;
}

// MARK: What the system counts for every thread

int loom_thread_usage_read(loom_thread_usage *usage) {
    struct rusage resources;
#if defined(__linux__)
    const int who = RUSAGE_THREAD;
#else
    const int who = RUSAGE_SELF;
#endif
    if (getrusage(who, &resources) != 0) { return errno; }
    usage->voluntary_switches = (uint64_t)resources.ru_nvcsw;
    usage->involuntary_switches = (uint64_t)resources.ru_nivcsw;
    usage->minor_faults = (uint64_t)resources.ru_minflt;
    usage->major_faults = (uint64_t)resources.ru_majflt;
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    usage->processor_nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return 0;
}

int loom_thread_file_open(const char *path) { return open(path, O_RDONLY | O_CLOEXEC); }

void loom_thread_file_close(int descriptor) {
    if (descriptor >= 0) { close(descriptor); }
}

int loom_thread_file_number(int descriptor, const char *name, int skipped, uint64_t *number) {
    char text[4096];
    if (descriptor < 0) { return 0; }
    const ssize_t length = pread(descriptor, text, sizeof text - 1, 0);
    if (length <= 0) { return 0; }
    text[length] = 0;
    return loom_number_in_text(text, name, skipped, number);
}

int loom_number_in_text(const char *text, const char *name, int skipped, uint64_t *number) {
    const char *place = text;
    if (name) {
        place = strstr(text, name);
        place = place ? strchr(place, ':') : NULL;
        if (!place) { return 0; }
        place += 1;
    }
    for (int index = 0; index <= skipped; ++index) {
        char *end;
        errno = 0;
        const uint64_t value = strtoull(place, &end, 10);
        if (end == place || errno != 0) { return 0; }
        place = end;
        *number = value;
    }
    return 1;
}

uint64_t loom_thread_mark(void) { return (uint64_t)(uintptr_t)pthread_self(); }

long loom_thread_identifier(void) {
#if defined(__linux__)
    return syscall(SYS_gettid);
#else
    return 0;
#endif
}
