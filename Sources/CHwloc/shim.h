// hwloc 2: the machine's topology and thread binding.
#include <hwloc.h>
