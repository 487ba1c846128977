// Counts bytes by standing in for malloc and its relatives: the dynamic linker takes an executable's symbols before the C
// library's, so every library in the process comes through here ("Replacing malloc" in the GNU C Library manual). The work
// itself stays with the C library, under the names that glibc exports for this purpose.
#include "AllocationPeak.h"

#include <errno.h>
#include <features.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

#if !defined(__GLIBC__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

bool allocation_peak_is_available(void) { return false; }
void allocation_peak_begin(int64_t limit) { (void)limit; }
int64_t allocation_peak_end(void) { return 0; }

#else

static atomic_int_least64_t live, peak, limit = INT64_MAX;
static int64_t before;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *pointer);

bool allocation_peak_is_available(void) { return true; }

void allocation_peak_begin(int64_t new_limit) {
    before = atomic_load(&live);
    atomic_store(&peak, before);
    atomic_store(&limit, new_limit);
}

int64_t allocation_peak_end(void) {
    atomic_store(&limit, INT64_MAX);
    return atomic_load(&peak) - before;
}

static bool is_refused(size_t size) {
    return size > (uint64_t)atomic_load_explicit(&limit, memory_order_relaxed);
}

static void *counted(void *pointer) {
    if (pointer == NULL) { return NULL; }
    const int64_t bytes = (int64_t)malloc_usable_size(pointer);
    const int64_t now = atomic_fetch_add_explicit(&live, bytes, memory_order_relaxed) + bytes;
    int64_t highest = atomic_load_explicit(&peak, memory_order_relaxed);
    while (now > highest
           && !atomic_compare_exchange_weak_explicit(&peak, &highest, now, memory_order_relaxed, memory_order_relaxed)) {}
    return pointer;
}

static void forget(void *pointer) {
    if (pointer != NULL) {
        atomic_fetch_sub_explicit(&live, (int64_t)malloc_usable_size(pointer), memory_order_relaxed);
    }
}

void *malloc(size_t size) { return is_refused(size) ? NULL : counted(__libc_malloc(size)); }

void *calloc(size_t number, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(number, size, &bytes) || is_refused(bytes)) { return NULL; }
    return counted(__libc_calloc(number, size));
}

void *realloc(void *pointer, size_t size) {
    if (is_refused(size)) { return NULL; }
    forget(pointer);
    void *result = __libc_realloc(pointer, size);
    if (result == NULL && size > 0) {
        counted(pointer);
        return NULL;
    }
    return counted(result);
}

void *memalign(size_t alignment, size_t size) {
    return is_refused(size) ? NULL : counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) { return EINVAL; }
    void *pointer = memalign(alignment, size);
    if (pointer == NULL) { return ENOMEM; }
    *result = pointer;
    return 0;
}

void free(void *pointer) {
    forget(pointer);
    __libc_free(pointer);
}

#endif
