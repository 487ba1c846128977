// Chooses the kernels for this processor.
#include "tables.h"

_Atomic(const loom_kernels *) loom_active_tables[LOOM_ELEMENT_COUNT] = {
    [LOOM_FLOAT32] = &loom_baseline_float32,
    [LOOM_FLOAT64] = &loom_baseline_float64,
};

int loom_supports_instruction_set(loom_instruction_set set) {
    switch (set) {
    case LOOM_BASELINE:
        return 1;
#if defined(__x86_64__)
    // These builtins also ask the operating system (XGETBV) whether it saves the wide registers.
    case LOOM_AVX2:
        // Processors with BMI2 have BMI and LZCNT.
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    case LOOM_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#endif
    default:
        return 0;
    }
}

const loom_kernels *loom_kernels_of(loom_instruction_set set, loom_element element) {
    if (!loom_supports_instruction_set(set)) { return NULL; }
    const _Bool is_single = element == LOOM_FLOAT32;
    switch (set) {
#if defined(__x86_64__)
    case LOOM_AVX2: return is_single ? &loom_avx2_float32 : &loom_avx2_float64;
    case LOOM_AVX512: return is_single ? &loom_avx512_float32 : &loom_avx512_float64;
#endif
    default: return is_single ? &loom_baseline_float32 : &loom_baseline_float64;
    }
}

int loom_select_instruction_set(loom_instruction_set set) {
    if (!loom_supports_instruction_set(set)) { return 0; }
    for (loom_element element = 0; element < LOOM_ELEMENT_COUNT; element++) {
        atomic_store_explicit(&loom_active_tables[element], loom_kernels_of(set, element), memory_order_relaxed);
    }
    return 1;
}

loom_instruction_set loom_active_instruction_set(void) { return loom_active_kernels(LOOM_FLOAT32)->instruction_set; }

__attribute__((constructor)) static void select_best_instruction_set(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    (void)(loom_select_instruction_set(LOOM_AVX512) || loom_select_instruction_set(LOOM_AVX2));
}
