#include "CHardware.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static _Atomic(_Atomic int32_t *) stop_word;
static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

// Ends the process as the signal does where nobody handles it: whoever started it sees which one it was.
static void end_by(int number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, number);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    raise(number);
    // The kernel spares the first process of a container.
    _exit(128 + number);
}

// The first one asks, the same again ends: a batch system may send another one while a checkpoint is being written.
static void handle_signal(int number) {
    _Atomic int32_t *const word = atomic_load(&stop_word);
    if (!word || atomic_exchange_explicit(word, number, memory_order_relaxed) == number) { end_by(number); }
}

static void handle_signals(int even_if_ignored) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigset_t signals;
    sigemptyset(&signals);
    for (int index = 0; index < STOP_SIGNALS; ++index) {
        const int number = stop_signals[index];
        struct sigaction current;
        // nohup(1) starts programs that a closed terminal must not end.
        const int is_ignored = sigaction(number, NULL, &current) == 0 && current.sa_handler == SIG_IGN;
        if (is_ignored && (number == SIGHUP || !even_if_ignored)) { continue; }
        sigaction(number, &action, NULL);
        sigaddset(&signals, number);
    }
    // A program inherits blocked signals from the thread that started it, and Dispatch's threads block them all: a training
    // started by another program could not be ended otherwise.
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

// MARK: Files that become shorter

static void say(const char *text, size_t count) {
    while (count > 0) {
        const ssize_t written = write(STDERR_FILENO, text, count);
        if (written <= 0) { return; }
        text += written;
        count -= (size_t)written;
    }
}

// Whether `line`, "from-to …", of /proc/self/maps is about `address`.
static int holds(const char *line, uintptr_t address) {
    uintptr_t bounds[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        for (;; line++) {
            const int digit = *line >= '0' && *line <= '9' ? *line - '0' : *line >= 'a' && *line <= 'f' ? *line - 'a' + 10 : -1;
            if (digit < 0) { break; }
            bounds[i] = bounds[i] << 4 | (uintptr_t)digit;
        }
        line++;
    }
    return bounds[0] <= address && address < bounds[1];
}

// Finds the path of the file that is mapped at `address`, where the system tells it, in `line` of `capacity` bytes; null: none.
// Only calls that signal handlers may make.
static const char *mapped_path(uintptr_t address, char *line, size_t capacity) {
    const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (maps < 0) { return NULL; }
    const char *found = NULL;
    char text[4096];
    size_t length = 0;
    ssize_t count;
    while (!found && (count = read(maps, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < count && !found; i++) {
            if (text[i] != '\n') {
                if (length < capacity - 1) { line[length++] = text[i]; }
                continue;
            }
            line[length] = 0;
            if (holds(line, address)) { found = strchr(line, '/'); }
            length = 0;
        }
    }
    close(maps);
    return found;
}

// Says that a page of a mapped file could not be read: the program cannot go on without its numbers. What else the signal means
// ends the program as ever.
static void explain_bus_error(int number, siginfo_t *information, void *context) {
    (void)number;
    (void)context;
    if (information->si_code != BUS_ADRERR) { return; }
    char line[4352];
    const char *const path = mapped_path((uintptr_t)information->si_addr, line, sizeof line);
    if (!path) { return; }
    static const char problem[] = ": the file became shorter while it was read, or its disk failed; copy or make it again, and do "
                                  "not change files that are in use\n";
    say("error: ", 7);
    say(path, strlen(path));
    say(problem, sizeof problem - 1);
    // EX_IOERR of sysexits.h.
    _exit(74);
}

static void explain_bus_errors(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = explain_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

void loom_end_on_signals(void) {
    handle_signals(0);
    explain_bus_errors();
}

void loom_note_stop_signals(void *word) {
    atomic_store(&stop_word, (_Atomic int32_t *)word);
    handle_signals(1);
}

void loom_forget_stop_signals(const void *word) {
    _Atomic int32_t *expected = (_Atomic int32_t *)word;
    atomic_compare_exchange_strong(&stop_word, &expected, NULL);
}
