#include "guarded.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

called now;

// Guards are as wide as operands: a step by a whole row too many is found, too.
typedef struct {
    const char *name;
    char *memory;  // OPERAND_BYTES between two guards of as many bytes
    char *operand;
    size_t bytes;
} area;
enum { AREAS = 48 };
static area areas[AREAS];
static size_t used;

// Ends the process: whatever is wrong, it would be wrong again and again.
static void stop(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    char text[600];
    int length = snprintf(
        text, sizeof text, "%s %s, %s %s, %zu rows, %zu columns, %zu inner: ", now.kernel, now.form ? now.form : "", now.set,
        now.element, now.rows, now.columns, now.inner);
    const char *const address = info->si_addr;
    const char *what = signal_number == SIGILL || signal_number == SIGTRAP ? "undefined behaviour" : "touches no operand's memory";
    for (size_t i = 0; i < used && signal_number != SIGILL && signal_number != SIGTRAP; i++) {
        const area *const a = &areas[i];
        if (address < a->memory - OPERAND_BYTES || address >= a->memory + 2 * OPERAND_BYTES) { continue; }
        const bool is_before = address < a->operand;
        const ptrdiff_t distance = is_before ? a->operand - address : address - (a->operand + a->bytes);
        length += snprintf(text + length, sizeof text - (size_t)length, "touches byte %td %s ‘%s’ of %zu bytes\n", distance,
                           is_before ? "before" : "behind the end of", a->name, a->bytes);
        what = NULL;
        break;
    }
    if (what) { length += snprintf(text + length, sizeof text - (size_t)length, "%s\n", what); }
    const ssize_t written = write(STDERR_FILENO, text, (size_t)length);
    _exit(written < 0 ? 2 : 1);
}

void guarded_begin(void) {
    for (size_t i = 0; i < AREAS; i++) {
        char *const all = mmap(NULL, 3 * OPERAND_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED || mprotect(all + OPERAND_BYTES, OPERAND_BYTES, PROT_READ | PROT_WRITE) != 0) {
            perror("no memory");
            exit(2);
        }
        areas[i].memory = all + OPERAND_BYTES;
    }
    struct sigaction action = {.sa_sigaction = stop, .sa_flags = SA_SIGINFO};
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) { sigaction(signals[i], &action, NULL); }
}

void *guarded(const char *name, size_t bytes, side side) {
    size_t i = 0;
    while (i < used && strcmp(areas[i].name, name) != 0) { i++; }
    if (i == used) { used++; }
    if (i >= AREAS || bytes > OPERAND_BYTES) {
        fprintf(stderr, "no room for %s of %zu bytes\n", name, bytes);
        exit(2);
    }
    area *const a = &areas[i];
    a->name = name;
    a->operand = side == AT_START ? a->memory : a->memory + OPERAND_BYTES - bytes;
    a->bytes = bytes;
    return a->operand;
}
