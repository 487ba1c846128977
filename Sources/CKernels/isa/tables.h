// The tables of kernels, one an instruction set, that select.c chooses from.
#ifndef LOOM_KERNEL_TABLE_H
#define LOOM_KERNEL_TABLE_H

#include "CKernels.h"

extern const loom_kernel_table loom_kernels_baseline;
#if defined(__x86_64__)
extern const loom_kernel_table loom_kernels_avx2;
extern const loom_kernel_table loom_kernels_avx512;
#endif

#endif
