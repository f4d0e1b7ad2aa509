#if defined(__x86_64__)
#define VECTORISED __attribute__((target("arch=x86-64-v4")))
#define LEVEL(name) kernel_##name##_v4
#define NAME "v4"
#include "level.h"
#endif
