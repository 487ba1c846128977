// Loops that do nothing but multiply and add in registers: the most that a core's instructions can do.
//
// They are assembly, so that they are as fast in a debug build and no compiler leaves anything out. A chain is one
// register to which each pass adds once; a pass of the loop takes every chain a step further. A unit that starts a
// multiply-add every cycle and finishes it after four or five keeps that many chains busy, two units twice as many:
// ten at least, and no more than there are registers.
#include "CHardware.h"

#include <stddef.h>

#define LOOM_CHAINS_8(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)
#define LOOM_CHAINS_12(op) LOOM_CHAINS_8(op) op(8) op(9) op(10) op(11)
#define LOOM_CHAINS_14(op) LOOM_CHAINS_12(op) op(12) op(13)
#define LOOM_CHAINS_24(op)                                                                          \
    LOOM_CHAINS_14(op) op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23)

// With these factors c = a·c + b stays near 1: neither infinite nor subnormal, however long the loop runs.
static const struct {
    float a32, b32;
    double a64, b64;
} factors = {0.999f, 0.001f, 0.999, 0.001};

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define LOOM_CLEAR(i) "xorps %%xmm" #i ", %%xmm" #i "\n\t"
#define LOOM_CLEAR_WIDE(i) "vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"
#define LOOM_LOOP(body) "1:\n\t" body "decq %0\n\tjnz 1b\n\t"
#define LOOM_LOW_REGISTERS                                                                          \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",        \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define LOOM_HIGH_REGISTERS                                                                         \
    "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",       \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"

// Without a fused multiply-add: a product and a sum, two operations each counted once, in 14 chains as long as both.
#define LOOM_STEP_SSE_PS(i) "mulps %%xmm14, %%xmm" #i "\n\taddps %%xmm15, %%xmm" #i "\n\t"
#define LOOM_STEP_SSE_PD(i) "mulpd %%xmm14, %%xmm" #i "\n\taddpd %%xmm15, %%xmm" #i "\n\t"
static void run_sse_f32(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_14(LOOM_CLEAR) "movss %1, %%xmm14\n\tshufps $0, %%xmm14, %%xmm14\n\t"
                     "movss %2, %%xmm15\n\tshufps $0, %%xmm15, %%xmm15\n\t"
                     LOOM_LOOP(LOOM_CHAINS_14(LOOM_STEP_SSE_PS))
                     : "+r"(passes) : "m"(factors.a32), "m"(factors.b32) : "cc", LOOM_LOW_REGISTERS);
}
static void run_sse_f64(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_14(LOOM_CLEAR) "movsd %1, %%xmm14\n\tunpcklpd %%xmm14, %%xmm14\n\t"
                     "movsd %2, %%xmm15\n\tunpcklpd %%xmm15, %%xmm15\n\t"
                     LOOM_LOOP(LOOM_CHAINS_14(LOOM_STEP_SSE_PD))
                     : "+r"(passes) : "m"(factors.a64), "m"(factors.b64) : "cc", LOOM_LOW_REGISTERS);
}

#define LOOM_STEP_YMM_PS(i) "vfmadd213ps %%ymm15, %%ymm14, %%ymm" #i "\n\t"
#define LOOM_STEP_YMM_PD(i) "vfmadd213pd %%ymm15, %%ymm14, %%ymm" #i "\n\t"
__attribute__((target("avx2,fma"))) static void run_avx2_f32(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_12(LOOM_CLEAR) "vbroadcastss %1, %%ymm14\n\tvbroadcastss %2, %%ymm15\n\t"
                     LOOM_LOOP(LOOM_CHAINS_12(LOOM_STEP_YMM_PS)) "vzeroupper\n\t"
                     : "+r"(passes) : "m"(factors.a32), "m"(factors.b32) : "cc", LOOM_LOW_REGISTERS);
}
__attribute__((target("avx2,fma"))) static void run_avx2_f64(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_12(LOOM_CLEAR) "vbroadcastsd %1, %%ymm14\n\tvbroadcastsd %2, %%ymm15\n\t"
                     LOOM_LOOP(LOOM_CHAINS_12(LOOM_STEP_YMM_PD)) "vzeroupper\n\t"
                     : "+r"(passes) : "m"(factors.a64), "m"(factors.b64) : "cc", LOOM_LOW_REGISTERS);
}

#define LOOM_STEP_ZMM_PS(i) "vfmadd213ps %%zmm31, %%zmm30, %%zmm" #i "\n\t"
#define LOOM_STEP_ZMM_PD(i) "vfmadd213pd %%zmm31, %%zmm30, %%zmm" #i "\n\t"
#define LOOM_STEP_BF16(i) "vdpbf16ps %%zmm31, %%zmm30, %%zmm" #i "\n\t"
__attribute__((target("avx512f"))) static void run_avx512_f32(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_24(LOOM_CLEAR_WIDE) "vbroadcastss %1, %%zmm30\n\tvbroadcastss %2, %%zmm31\n\t"
                     LOOM_LOOP(LOOM_CHAINS_24(LOOM_STEP_ZMM_PS)) "vzeroupper\n\t"
                     : "+r"(passes) : "m"(factors.a32), "m"(factors.b32)
                     : "cc", LOOM_LOW_REGISTERS, LOOM_HIGH_REGISTERS);
}
__attribute__((target("avx512f"))) static void run_avx512_f64(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_24(LOOM_CLEAR_WIDE) "vbroadcastsd %1, %%zmm30\n\tvbroadcastsd %2, %%zmm31\n\t"
                     LOOM_LOOP(LOOM_CHAINS_24(LOOM_STEP_ZMM_PD)) "vzeroupper\n\t"
                     : "+r"(passes) : "m"(factors.a64), "m"(factors.b64)
                     : "cc", LOOM_LOW_REGISTERS, LOOM_HIGH_REGISTERS);
}
// c += a₀b₀ + a₁b₁ of pairs of bfloat16: the halves of 0.999f and 0.001f are such pairs.
__attribute__((target("avx512f,avx512bf16"))) static void run_avx512_bf16(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_24(LOOM_CLEAR_WIDE) "vbroadcastss %1, %%zmm30\n\tvbroadcastss %2, %%zmm31\n\t"
                     LOOM_LOOP(LOOM_CHAINS_24(LOOM_STEP_BF16)) "vzeroupper\n\t"
                     : "+r"(passes) : "m"(factors.a32), "m"(factors.b32)
                     : "cc", LOOM_LOW_REGISTERS, LOOM_HIGH_REGISTERS);
}

// Intel's layout of LDTILECFG: palette 1, eight tiles of 16 rows of 64 bytes.
struct tile_configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes_a_row[16];
    uint8_t rows[16];
};
static const struct tile_configuration eight_full_tiles = {
    1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// Four tiles of sums from two and two factors, as a product holds them: 16 × 16 sums of 16 pairs each.
__attribute__((target("amx-tile,amx-bf16"))) static void run_amx_bf16(uint64_t passes) {
    __asm__ volatile("ldtilecfg %1\n\t"
                     "tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3\n\t"
                     "tilezero %%tmm4\n\ttilezero %%tmm5\n\ttilezero %%tmm6\n\ttilezero %%tmm7\n\t"
                     LOOM_LOOP("tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n\ttdpbf16ps %%tmm7, %%tmm4, %%tmm1\n\t"
                               "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n\ttdpbf16ps %%tmm7, %%tmm5, %%tmm3\n\t")
                     "tilerelease\n\t"
                     : "+r"(passes) : "m"(eight_full_tiles) : "cc");
}

// Tiles are state that Linux saves only for a process that has asked (arch_prctl(2), since 5.16).
static int tiles_are_permitted(void) {
#if defined(__linux__)
    enum { request_permission = 0x1023, tile_data = 18 };
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return 0;
#endif
}

static int processor_has_tiles(void) {
    unsigned a, b, c, d;
    const unsigned bf16 = 1u << 22, tiles = 1u << 24;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (bf16 | tiles)) == (bf16 | tiles);
}

loom_arithmetic_loop loom_arithmetic_loop_of(loom_arithmetic arithmetic) {
    const loom_arithmetic_loop none = {NULL, 0};
    __builtin_cpu_init();
    // These builtins also ask the operating system (XGETBV) whether it saves the wide registers.
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const int has_avx512 = __builtin_cpu_supports("avx512f");
    switch (arithmetic) {
    case LOOM_BASELINE_F32: return (loom_arithmetic_loop){run_sse_f32, 14 * 2 * 4};
    case LOOM_BASELINE_F64: return (loom_arithmetic_loop){run_sse_f64, 14 * 2 * 2};
    case LOOM_AVX2_F32: return has_avx2 ? (loom_arithmetic_loop){run_avx2_f32, 12 * 2 * 8} : none;
    case LOOM_AVX2_F64: return has_avx2 ? (loom_arithmetic_loop){run_avx2_f64, 12 * 2 * 4} : none;
    case LOOM_AVX512_F32: return has_avx512 ? (loom_arithmetic_loop){run_avx512_f32, 24 * 2 * 16} : none;
    case LOOM_AVX512_F64: return has_avx512 ? (loom_arithmetic_loop){run_avx512_f64, 24 * 2 * 8} : none;
    case LOOM_AVX512_BF16:
        return has_avx512 && __builtin_cpu_supports("avx512bf16")
            ? (loom_arithmetic_loop){run_avx512_bf16, 24 * 4 * 16} : none;
    case LOOM_AMX_BF16:
        return processor_has_tiles() && tiles_are_permitted()
            ? (loom_arithmetic_loop){run_amx_bf16, 4 * 16 * 16 * 32 * 2} : none;
    }
    return none;
}

#elif defined(__aarch64__)

// 24 chains: Arm's widest cores have four units with a latency of four cycles.
#define LOOM_CLEAR(i) "movi v" #i ".2d, #0\n\t"
#define LOOM_STEP_F32(i) "fmla v" #i ".4s, v30.4s, v31.4s\n\t"
#define LOOM_STEP_F64(i) "fmla v" #i ".2d, v30.2d, v31.2d\n\t"
#define LOOM_LOOP(body) "1:\n\t" body "subs %0, %0, #1\n\tb.ne 1b\n\t"
#define LOOM_REGISTERS                                                                              \
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",  \
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31"

static void run_neon_f32(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_24(LOOM_CLEAR) "ld1r {v30.4s}, [%1]\n\tld1r {v31.4s}, [%2]\n\t"
                     LOOM_LOOP(LOOM_CHAINS_24(LOOM_STEP_F32))
                     : "+r"(passes) : "r"(&factors.a32), "r"(&factors.b32) : "cc", "memory", LOOM_REGISTERS);
}
static void run_neon_f64(uint64_t passes) {
    __asm__ volatile(LOOM_CHAINS_24(LOOM_CLEAR) "ld1r {v30.2d}, [%1]\n\tld1r {v31.2d}, [%2]\n\t"
                     LOOM_LOOP(LOOM_CHAINS_24(LOOM_STEP_F64))
                     : "+r"(passes) : "r"(&factors.a64), "r"(&factors.b64) : "cc", "memory", LOOM_REGISTERS);
}

loom_arithmetic_loop loom_arithmetic_loop_of(loom_arithmetic arithmetic) {
    switch (arithmetic) {
    case LOOM_BASELINE_F32: return (loom_arithmetic_loop){run_neon_f32, 24 * 2 * 4};
    case LOOM_BASELINE_F64: return (loom_arithmetic_loop){run_neon_f64, 24 * 2 * 2};
    default: return (loom_arithmetic_loop){NULL, 0};
    }
}

#else

loom_arithmetic_loop loom_arithmetic_loop_of(loom_arithmetic arithmetic) {
    (void)arithmetic;
    (void)factors;
    return (loom_arithmetic_loop){NULL, 0};
}

#endif
