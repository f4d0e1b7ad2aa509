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
  BIND(retain_context, "cuDevicePrimaryCtxRetain");
  BIND(release_context, "cuDevicePrimaryCtxRelease_v2");
  BIND(set_context, "cuCtxSetCurrent");
  BIND(memory_info, "cuMemGetInfo_v2");
  BIND(allocate, "cuMemAlloc_v2");
  BIND(free, "cuMemFree_v2");
  BIND(allocate_host, "cuMemHostAlloc");
  BIND(free_host, "cuMemFreeHost");
  BIND(copy_to_device, "cuMemcpyHtoDAsync_v2");
  BIND(copy_to_host, "cuMemcpyDtoHAsync_v2");
  BIND(copy_within_device, "cuMemcpyDtoDAsync_v2");
  BIND(set_bytes, "cuMemsetD8Async");
  BIND(create_stream, "cuStreamCreate");
  BIND(destroy_stream, "cuStreamDestroy_v2");
  BIND(finish_stream, "cuStreamSynchronize");
  BIND(create_event, "cuEventCreate");
  BIND(destroy_event, "cuEventDestroy_v2");
  BIND(record_event, "cuEventRecord");
  BIND(finish_event, "cuEventSynchronize");
  BIND(elapsed, "cuEventElapsedTime");
  BIND(load_module, "cuModuleLoadData");
  BIND(unload_module, "cuModuleUnload");
  BIND(module_function, "cuModuleGetFunction");
  BIND(set_attribute, "cuFuncSetAttribute");
  BIND(launch, "cuLaunchKernel");
  BIND(begin_capture, "cuStreamBeginCapture_v2");
  BIND(end_capture, "cuStreamEndCapture");
  BIND(instantiate, "cuGraphInstantiateWithFlags");
  BIND(launch_graph, "cuGraphLaunch");
  BIND(destroy_executable, "cuGraphExecDestroy");
  BIND(destroy_graph, "cuGraphDestroy");
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
  BIND(create, "cublasLtCreate");
  BIND(destroy, "cublasLtDestroy");
  BIND(create_operation, "cublasLtMatmulDescCreate");
  BIND(destroy_operation, "cublasLtMatmulDescDestroy");
  BIND(set_operation, "cublasLtMatmulDescSetAttribute");
  BIND(create_layout, "cublasLtMatrixLayoutCreate");
  BIND(destroy_layout, "cublasLtMatrixLayoutDestroy");
  BIND(create_preference, "cublasLtMatmulPreferenceCreate");
  BIND(destroy_preference, "cublasLtMatmulPreferenceDestroy");
  BIND(set_preference, "cublasLtMatmulPreferenceSetAttribute");
  BIND(propose, "cublasLtMatmulAlgoGetHeuristic");
  BIND(multiply, "cublasLtMatmul");
  return NULL;
}
