#include "CHardware.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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

void loom_end_on_signals(void) { handle_signals(0); }

void loom_note_stop_signals(void *word) {
    atomic_store(&stop_word, (_Atomic int32_t *)word);
    handle_signals(1);
}

void loom_forget_stop_signals(const void *word) {
    _Atomic int32_t *expected = (_Atomic int32_t *)word;
    atomic_compare_exchange_strong(&stop_word, &expected, NULL);
}
