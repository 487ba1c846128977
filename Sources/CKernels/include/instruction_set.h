// The vector instructions that the kernels exist for.
#ifndef LOOM_INSTRUCTION_SET_H
#define LOOM_INSTRUCTION_SET_H

typedef enum {
    LOOM_BASELINE = 0,  // what the compiler assumes of every processor of the architecture (SSE2, NEON)
    LOOM_AVX2 = 1,      // AVX2, FMA and BMI2
    LOOM_AVX512 = 2,    // AVX-512 F, BW, DQ, VL, FMA and BMI2
} loom_instruction_set;

// The instruction set in use: the best one that this processor and operating system support, unless selected.
loom_instruction_set loom_active_instruction_set(void);
// Whether this machine can run `set`.
int loom_supports_instruction_set(loom_instruction_set set);
// Makes all later kernel calls use `set`; returns 0 and changes nothing when the machine cannot run it. At any time, from
// any thread: calls that are under way go on with the one before, and all give the same bits.
int loom_select_instruction_set(loom_instruction_set set);

#endif
