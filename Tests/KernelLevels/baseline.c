#define VECTORISED
#define LEVEL(name) kernel_##name##_baseline
#define NAME "baseline"
#include "level.h"
