// The tables of kernels, two an instruction set, that select.c chooses from.
#ifndef LOOM_TABLES_H
#define LOOM_TABLES_H

#include "CKernels.h"

extern const loom_kernels loom_baseline_float32, loom_baseline_float64;
#if defined(__x86_64__)
extern const loom_kernels loom_avx2_float32, loom_avx2_float64;
extern const loom_kernels loom_avx512_float32, loom_avx512_float64;
// By loom_bf16_numerics: from float32's multiply-adds, and by the instructions that they are named after.
extern const loom_bf16_kernels loom_baseline_bf16[], loom_avx2_bf16[], loom_avx512_bf16[];
extern const loom_bf16_kernels loom_native_bf16[];
#endif

#endif
