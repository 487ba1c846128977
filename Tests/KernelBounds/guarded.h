// Operands that lie directly before, or directly behind, pages that nothing may touch.
#ifndef GUARDED_H
#define GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What is called at the moment, for the message when it touches what it must not.
typedef struct {
    const char *kernel, *form;
    const char *set, *element;
    size_t rows, columns, inner;
} called;
extern called now;

// Where operands lie in their memory: behind its first guard or before its second.
typedef enum { AT_START, AT_END } side;

// Makes the memory, and names what a wrong read or write hits before it ends the process.
void guarded_begin(void);
// `bytes` of memory that are called `name`. It is that of the operand of this name until then; at most OPERAND_BYTES.
void *guarded(const char *name, size_t bytes, side side);

#define OPERAND_BYTES ((size_t)1 << 22)

#endif
