#include "CHardware.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static atomic_int requested_signal;

static void note_signal(int number) {
    atomic_store_explicit(&requested_signal, number, memory_order_relaxed);
}

void loom_note_stop_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_signal;
    // SA_RESETHAND: a program that does not come to its next step can still be ended by asking twice.
    action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int loom_requested_signal(void) {
    return atomic_load_explicit(&requested_signal, memory_order_relaxed);
}
