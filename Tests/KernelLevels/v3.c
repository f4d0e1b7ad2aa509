#if defined(__x86_64__)
#define VECTORISED __attribute__((target("arch=x86-64-v3")))
#define LEVEL(name) kernel_##name##_v3
#define NAME "v3"
#include "level.h"
#endif
