// Chooses who multiplies bfloat16 on this processor.
#include "tables.h"
#include "../bf16/tuning.h"

#include <stdatomic.h>

uint32_t loom_bf16_panel_blocks(void) { return LOOM_BF16_PANEL_BLOCKS; }
uint32_t loom_bf16_group_blocks(void) { return LOOM_BF16_GROUP_BLOCKS; }

#if defined(__x86_64__)
#include <cpuid.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static _Bool has_dot_instructions(void) {
    return loom_supports_instruction_set(LOOM_AVX512) && __builtin_cpu_supports("avx512bf16");
}

_Bool loom_dot_is_fast(void) {
    unsigned highest, b, c, d;
    enum { AUTH = 0x68747541 };  // "AuthenticAMD"
    return has_dot_instructions() && __get_cpuid(0, &highest, &b, &c, &d) && b == AUTH;
}

static _Bool has_tiles(void) {
    unsigned a, b, c, d;
    if (!has_dot_instructions() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) { return 0; }
    enum { AMX_BF16 = 1u << 22, AMX_TILE = 1u << 24 };
    return (d & AMX_BF16) && (d & AMX_TILE);
}

static loom_tiles_permission requested_tiles(void) {
    if (!has_tiles()) { return LOOM_TILES_ABSENT; }
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { GET_PERMISSION = 0x1022, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned long long granted = 0;
    if (syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0
        && syscall(SYS_arch_prctl, GET_PERMISSION, &granted) == 0 && (granted >> TILE_DATA & 1)) {
        return LOOM_TILES_GRANTED;
    }
#endif
    return LOOM_TILES_REFUSED;
}

loom_tiles_permission loom_request_tiles(void) {
    static _Atomic int answer = -1;
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known < 0) {
        known = (int)requested_tiles();
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return (loom_tiles_permission)known;
}

const loom_bf16_kernels *loom_bf16_portable_kernels_of(loom_bf16_numerics numerics, loom_instruction_set set) {
    if (!loom_supports_instruction_set(set)) { return NULL; }
    switch (set) {
    case LOOM_AVX512: return &loom_avx512_bf16[numerics];
    case LOOM_AVX2: return &loom_avx2_bf16[numerics];
    default: return &loom_baseline_bf16[numerics];
    }
}

const loom_bf16_kernels *loom_bf16_kernels_of(loom_bf16_numerics numerics) {
    const _Bool is_native =
        numerics == LOOM_BF16_DOT ? has_dot_instructions() : loom_request_tiles() == LOOM_TILES_GRANTED;
    return is_native ? &loom_native_bf16[numerics]
                     : loom_bf16_portable_kernels_of(numerics, loom_active_instruction_set());
}
#else
_Bool loom_dot_is_fast(void) { return 0; }

loom_tiles_permission loom_request_tiles(void) { return LOOM_TILES_ABSENT; }

const loom_bf16_kernels *loom_bf16_portable_kernels_of(loom_bf16_numerics numerics, loom_instruction_set set) {
    (void)numerics;
    (void)set;
    return NULL;
}

const loom_bf16_kernels *loom_bf16_kernels_of(loom_bf16_numerics numerics) {
    (void)numerics;
    return NULL;
}
#endif
