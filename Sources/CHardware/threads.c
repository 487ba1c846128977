#include "CHardware.h"

#include <pthread.h>
#include <stdlib.h>

static void *wait_for_turn(void *mutex) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

int loom_startable_threads(int wanted) {
    pthread_t *const threads = calloc((size_t)wanted, sizeof *threads);
    if (!threads) { return 0; }
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    int started = 0;
    while (started < wanted && pthread_create(&threads[started], NULL, wait_for_turn, &mutex) == 0) { ++started; }
    pthread_mutex_unlock(&mutex);
    for (int index = 0; index < started; ++index) { pthread_join(threads[index], NULL); }
    free(threads);
    return started;
}
