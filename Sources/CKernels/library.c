#define _GNU_SOURCE  // RTLD_DEFAULT, setenv
#if defined(__x86_64__)

#include <dlfcn.h>
#include <stdlib.h>
#include <strings.h>

/// What OpenBLAS falls back to, or takes for a processor without AVX2.
static const char *const OLD[] = {
    "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Sandybridge", "Atom",
    "Opteron", "Opteron_SSE3", "Barcelona", "Bobcat", "Bulldozer", "Piledriver",
};

static int is_old(const char *core) {
  for (size_t index = 0; index < sizeof OLD / sizeof *OLD; index++) {
    if (strcasecmp(core, OLD[index]) == 0) return 1;
  }
  return 0;
}

/// OpenBLAS chooses its loops by the processor's model, and for a model that is younger than
/// itself takes those of 2004, at a quarter of the speed (0.3.21 of Debian 12 does not know
/// Emerald Rapids). Here it chooses again by what the processor can do, before anything is
/// computed. Its own variable, where somebody has set it, has the last word.
///
/// The functions are exported by builds with DYNAMIC_ARCH, such as Debian's; without them nothing
/// is done.
__attribute__((constructor)) static void choose_loops(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
  if (getenv("OPENBLAS_CORETYPE")) return;
  const char *(*core)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "openblas_get_corename");
  void (*quit)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "gotoblas_dynamic_quit");
  void (*init)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "gotoblas_dynamic_init");
  if (!core || !quit || !init || !is_old(core())) return;
  int is_wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  setenv("OPENBLAS_CORETYPE", is_wide ? "SkylakeX" : "Haswell", 1);
  quit();
  init();
  // Processes that this one starts choose for themselves.
  unsetenv("OPENBLAS_CORETYPE");
}

#endif
