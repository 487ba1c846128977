#include "CHardware.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic(_Atomic int32_t *) stop_word;

static void note_signal(int number) {
    _Atomic int32_t *const word = atomic_load(&stop_word);
    if (word) { atomic_store_explicit(word, number, memory_order_relaxed); }
}

void loom_note_stop_signals(void *word) {
    atomic_store(&stop_word, (_Atomic int32_t *)word);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_signal;
    // SA_RESETHAND: a program that does not come to its next step can still be ended by asking twice.
    action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; ++index) {
        struct sigaction current;
        // nohup(1) starts programs that a closed terminal must not end.
        if (numbers[index] == SIGHUP && sigaction(SIGHUP, NULL, &current) == 0 && current.sa_handler == SIG_IGN) { continue; }
        sigaction(numbers[index], &action, NULL);
        sigaddset(&signals, numbers[index]);
    }
    // A program inherits blocked signals from the thread that started it, and Dispatch's threads block them all: a training
    // started by another program could not be ended otherwise.
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void loom_forget_stop_signals(const void *word) {
    _Atomic int32_t *expected = (_Atomic int32_t *)word;
    atomic_compare_exchange_strong(&stop_word, &expected, NULL);
}
