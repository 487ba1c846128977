#include "CBuild.h"

#include <stdio.h>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#ifndef GRADLOOM_COMMIT
#define GRADLOOM_COMMIT ""
#endif

const char *loom_build_commit(void) { return GRADLOOM_COMMIT; }

#define TEXT_OF(value) #value
#define TEXT(macro) TEXT_OF(macro)

const char *loom_build_compiler(void) {
    return "clang " TEXT(__clang_major__) "." TEXT(__clang_minor__) "." TEXT(__clang_patchlevel__);
}

const char *loom_c_library(void) {
#if defined(__GLIBC__)
    static char text[32];
    snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
    return text;
#else
    return "";
#endif
}
