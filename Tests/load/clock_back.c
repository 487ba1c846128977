// Stands between a program and the system (LD_PRELOAD): after half a second the time of day is a day earlier. Clocks that only
// go forward stay as they are.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static time_t shift(void) {
    static __typeof__(&clock_gettime) real;
    static struct timespec start;
    if (!real) { real = REAL(clock_gettime); }
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    if (!start.tv_sec) { start = now; }
    const double seconds = (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) * 1e-9;
    return seconds > 0.5 ? 86400 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static __typeof__(&clock_gettime) real;
    if (!real) { real = REAL(clock_gettime); }
    const int result = real(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) { time->tv_sec -= shift(); }
    return result;
}

int gettimeofday(struct timeval *time, void *zone) {
    const int result = REAL(gettimeofday)(time, zone);
    if (result == 0) { time->tv_sec -= shift(); }
    return result;
}

time_t time(time_t *result) {
    const time_t now = REAL(time)(NULL) - shift();
    if (result) { *result = now; }
    return now;
}
