// Chooses the tuning table of this processor.
#include "../isa/tables.h"
#include "numerics.h"
#include "tuning/avx2.h"
#include "tuning/cascadelake.h"
#include "tuning/generic_avx512.h"
#include "tuning/neon.h"
#include "tuning/sapphirerapids.h"
#include "tuning/zen5.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <string.h>

static const loom_gemm_tuning *avx512_tuning = &loom_gemm_generic_avx512;

// Asked once: a virtual machine's monitor answers this instruction, which takes it microseconds.
__attribute__((constructor)) static void identify_processor(void) {
    unsigned highest, signature, b, c, d;
    char vendor[12];
    if (!__get_cpuid(0, &highest, &b, &c, &d) || highest < 1) { return; }
    memcpy(vendor, &b, 4);
    memcpy(vendor + 4, &d, 4);
    memcpy(vendor + 8, &c, 4);
    if (!__get_cpuid(1, &signature, &b, &c, &d)) { return; }
    // Families above 15 are the sum of two fields; the model's high half stands apart.
    const unsigned base = signature >> 8 & 15, family = base == 15 ? base + (signature >> 20 & 255) : base;
    const unsigned model = (signature >> 12 & 0xf0) | (signature >> 4 & 15);
    if (memcmp(vendor, "AuthenticAMD", 12) == 0 && family == 26) {
        avx512_tuning = &loom_gemm_zen5;
    } else if (memcmp(vendor, "GenuineIntel", 12) == 0 && family == 6) {
        switch (model) {
        case 0x55:  // Skylake, Cascade Lake and Cooper Lake servers
            avx512_tuning = &loom_gemm_cascadelake;
            break;
        case 0x8f:  // Sapphire Rapids
        case 0xcf:  // Emerald Rapids
            avx512_tuning = &loom_gemm_sapphirerapids;
            break;
        default: break;
        }
    }
}
#endif

const loom_gemm_tuning *loom_gemm_tuning_of(loom_instruction_set set) {
#if defined(__x86_64__)
    return set == LOOM_AVX512 ? avx512_tuning : &loom_gemm_avx2;
#else
    (void)set;
    return &loom_gemm_neon;
#endif
}

uint32_t loom_gemm_inner_block(void) { return LOOM_GEMM_INNER_BLOCK; }
