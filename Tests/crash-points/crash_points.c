// Stands between a program and the system (LD_PRELOAD), and ends the process, or refuses, at one of the calls that change
// files: write, pwrite, fsync, ftruncate, truncate, rename, unlink, mkdir, and open where it makes a file. A training that is
// ended at each of them in turn has been ended at every point where a crash can make a difference to what is on the disk.
//
// CRASH_POINT=N       the call that is meant, counted from 1; unset: all are only counted
// CRASH_ACTION=kill   the process ends before the call (the default); "torn": a write writes half of its bytes first;
//                     ENOSPC, EIO, EINTR: the call fails once; "short": a write writes one byte;
//                     "flip": a write writes one bit the wrong way round
// CRASH_LATER=N       with "flip": the process ends so many calls later
// CRASH_UNDER=DIR     only files below this directory count; it must be absolute
// CRASH_COUNT=FILE    where the number of calls goes at the end
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;
static long crash_point;
static long end_point;
static const char *action = "kill";
static const char *under = "/";

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void end(void);

__attribute__((constructor)) static void begin(void) {
    // The program ends without destructors.
    at_quick_exit(end);
    const char *point = getenv("CRASH_POINT");
    if (point) { crash_point = atol(point); }
    if (getenv("CRASH_LATER")) { end_point = crash_point + atol(getenv("CRASH_LATER")); }
    if (getenv("CRASH_ACTION")) { action = getenv("CRASH_ACTION"); }
    if (getenv("CRASH_UNDER")) { under = getenv("CRASH_UNDER"); }
}

static void end(void) {
    const char *path = getenv("CRASH_COUNT");
    if (!path) { return; }
    char text[32];
    const int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
    const int file = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0 && REAL(write)(file, text, (size_t)length) == length) { close(file); }
}

static int is_under(const char *path) {
    char absolute[PATH_MAX * 2];
    if (path[0] != '/') {
        char directory[PATH_MAX];
        if (!getcwd(directory, sizeof directory)) { return 0; }
        snprintf(absolute, sizeof absolute, "%s/%s", directory, path);
        path = absolute;
    }
    return strncmp(path, under, strlen(under)) == 0;
}

static int is_file_under(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) { return 0; }
    path[length] = 0;
    return is_under(path);
}

// Whether this call is the one; a process that is to end does not come back.
static int is_meant(void) {
    const long call = atomic_fetch_add(&calls, 1) + 1;
    if (call == end_point) { kill(getpid(), SIGKILL); }
    if (call != crash_point) { return 0; }
    if (strcmp(action, "kill") == 0) { kill(getpid(), SIGKILL); }
    return 1;
}

// Actions that other calls than writes know nothing of.
static int only_writes(void) { return strcmp(action, "short") == 0 || strcmp(action, "flip") == 0; }

static int refuses(void) {
    errno = strcmp(action, "ENOSPC") == 0 ? ENOSPC : strcmp(action, "EINTR") == 0 ? EINTR : EIO;
    return -1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (file > 2 && is_file_under(file) && is_meant()) {
        if (strcmp(action, "torn") == 0) {
            (void)!REAL(write)(file, bytes, count / 2);
            kill(getpid(), SIGKILL);
        }
        if (strcmp(action, "flip") == 0) {
            char *const copy = malloc(count + 1);
            if (!copy) { abort(); }
            memcpy(copy, bytes, count);
            copy[count / 2] ^= (char)(1 << crash_point % 8);
            const ssize_t written = REAL(write)(file, copy, count);
            free(copy);
            return written;
        }
        if (strcmp(action, "short") == 0) { return REAL(write)(file, bytes, count > 0); }
        return refuses();
    }
    return REAL(write)(file, bytes, count);
}

#define FILE_CALL(result, name, parameters, arguments, file)                    \
    result name parameters {                                                     \
        if (is_file_under(file) && is_meant() && !only_writes()) { \
            if (strcmp(action, "torn") == 0) { kill(getpid(), SIGKILL); }        \
            return refuses();                                                    \
        }                                                                        \
        return REAL(name) arguments;                                             \
    }
#define PATH_CALL(name, parameters, arguments, path)                             \
    int name parameters {                                                        \
        if (is_under(path) && is_meant() && !only_writes()) {      \
            if (strcmp(action, "torn") == 0) { kill(getpid(), SIGKILL); }        \
            return refuses();                                                    \
        }                                                                        \
        return REAL(name) arguments;                                             \
    }

FILE_CALL(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t place), (file, bytes, count, place), file)
FILE_CALL(int, fsync, (int file), (file), file)
FILE_CALL(int, ftruncate, (int file, off_t length), (file, length), file)
PATH_CALL(truncate, (const char *path, off_t length), (path, length), path)
PATH_CALL(rename, (const char *from, const char *to), (from, to), to)
PATH_CALL(unlink, (const char *path), (path), path)
PATH_CALL(mkdir, (const char *path, mode_t mode), (path, mode), path)

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
    }
    if (flags & O_CREAT && is_under(path) && is_meant() && !only_writes()) {
        if (strcmp(action, "torn") == 0) { kill(getpid(), SIGKILL); }
        return refuses();
    }
    return REAL(open)(path, flags, mode);
}
