// What only C knows of how the program was built. A target of its own: at another commit only it and the command are compiled
// again.
#ifndef CBUILD_H
#define CBUILD_H

// The commit that was built and its date, "d2bd645, 2026-11-29", as GRADLOOM_COMMIT named it in the build's environment; ""
// where it did not.
const char *loom_build_commit(void);

// The compiler of the kernels, "clang 21.0.0".
const char *loom_build_compiler(void);

// The C library that is loaded, "glibc 2.36"; "" for others.
const char *loom_c_library(void);

#endif
