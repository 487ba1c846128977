// The interface has no code in C: the module has its types for Swift.
#include "gradloom.h"
