#include "KernelLevels.h"

#define K(kernel) .kernel = kernel_##kernel,
static const struct kernel_level picked = {.name = "the loader's pick", KERNELS(K)};

extern const struct kernel_level kernel_table_baseline;
#if defined(__x86_64__)
extern const struct kernel_level kernel_table_v3, kernel_table_v4;
#endif

// What has a form of its own for AVX-512 takes the place of the loader's pick.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides"
static const struct kernel_level wide = {
    KERNELS(K).name = "AVX-512",
    .gather_by_row = kernel_gather_by_row_512,
    .gather_by_column = kernel_gather_by_column_512,
};
#pragma clang diagnostic pop

const struct kernel_level *kernels_of_level(size_t index) {
  switch (index) {
    case 0: return &picked;
    case 1: return &kernel_table_baseline;
#if defined(__x86_64__)
    case 2: return __builtin_cpu_supports("x86-64-v3") ? &kernel_table_v3 : NULL;
    case 3: return __builtin_cpu_supports("x86-64-v4") ? &kernel_table_v4 : NULL;
#endif
    case 4: return kernel_has_512() ? &wide : NULL;
    default: return NULL;
  }
}
