#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "CCuda.h"

void *ccuda_open(const char *name, char *reason, size_t reason_length) {
  // Libraries stay open for as long as the program runs: their threads and handlers never end.
  void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) {
    const char *text = dlerror();
    snprintf(reason, reason_length, "%s", text == NULL ? "unknown" : text);
  }
  return library;
}

void ccuda_path(void *library, char *path, size_t path_length) {
  struct link_map *map = NULL;
  path[0] = '\0';
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map != NULL && map->l_name != NULL) {
    snprintf(path, path_length, "%s", map->l_name);
  }
}

// Puts the function of that name into the table, or returns the name from the caller.
// The cast through memory is the one that POSIX allows for functions.
#define BIND(member, name)                                  \
  do {                                                      \
    void *symbol = dlsym(library, name);                    \
    if (symbol == NULL) return name;                        \
    memcpy(&table->member, &symbol, sizeof table->member);  \
  } while (0)

const char *ccuda_bind_driver(void *library, ccuda_driver *table) {
  BIND(initialize, "cuInit");
  BIND(version, "cuDriverGetVersion");
  BIND(device_count, "cuDeviceGetCount");
  BIND(device, "cuDeviceGet");
  BIND(device_name, "cuDeviceGetName");
  BIND(device_attribute, "cuDeviceGetAttribute");
  BIND(device_memory, "cuDeviceTotalMem_v2");
  BIND(error_name, "cuGetErrorName");
  BIND(error_text, "cuGetErrorString");
  return NULL;
}

const char *ccuda_bind_compiler(void *library, ccuda_compiler *table) {
  BIND(version, "nvrtcVersion");
  BIND(architecture_count, "nvrtcGetNumSupportedArchs");
  BIND(architectures, "nvrtcGetSupportedArchs");
  BIND(create, "nvrtcCreateProgram");
  BIND(destroy, "nvrtcDestroyProgram");
  BIND(compile, "nvrtcCompileProgram");
  BIND(log_size, "nvrtcGetProgramLogSize");
  BIND(log, "nvrtcGetProgramLog");
  BIND(cubin_size, "nvrtcGetCUBINSize");
  BIND(cubin, "nvrtcGetCUBIN");
  BIND(error_text, "nvrtcGetErrorString");
  return NULL;
}

const char *ccuda_bind_products(void *library, ccuda_products *table) {
  BIND(version, "cublasLtGetVersion");
  return NULL;
}
