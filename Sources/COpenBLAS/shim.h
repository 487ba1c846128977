// OpenBLAS: the CBLAS interface and the openblas_* functions about the library itself.
#include <cblas.h>
