// The tables of kernels, two an instruction set, that select.c chooses from.
#ifndef LOOM_TABLES_H
#define LOOM_TABLES_H

#include "CKernels.h"

extern const loom_kernels loom_baseline_float32, loom_baseline_float64;
#if defined(__x86_64__)
extern const loom_kernels loom_avx2_float32, loom_avx2_float64;
extern const loom_kernels loom_avx512_float32, loom_avx512_float64;
#endif

#endif
