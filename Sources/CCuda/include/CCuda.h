#ifndef CCUDA_H
#define CCUDA_H

// The functions of CUDA's libraries that Sluice calls, found when the program runs: it is built
// without CUDA and starts on hosts without it. Names, arguments and numbers are those of the CUDA
// driver API, of NVRTC and of cuBLASLt, whose binary interfaces NVIDIA keeps stable.

#include <stddef.h>

typedef int ccuda_result;  // CUresult: 0 is success
typedef int ccuda_device;  // CUdevice

// libcuda.so.1, which comes with the kernel module.
typedef struct {
  ccuda_result (*initialize)(unsigned flags);
  ccuda_result (*version)(int *version);
  ccuda_result (*device_count)(int *count);
  ccuda_result (*device)(ccuda_device *device, int ordinal);
  ccuda_result (*device_name)(char *name, int length, ccuda_device device);
  ccuda_result (*device_attribute)(int *value, int attribute, ccuda_device device);
  ccuda_result (*device_memory)(size_t *bytes, ccuda_device device);
  ccuda_result (*error_name)(ccuda_result result, const char **name);
  ccuda_result (*error_text)(ccuda_result result, const char **text);
} ccuda_driver;

enum {
  CCUDA_ATTRIBUTE_MULTIPROCESSORS = 16,
  CCUDA_ATTRIBUTE_MAJOR = 75,
  CCUDA_ATTRIBUTE_MINOR = 76,
};

typedef void *ccuda_program;  // nvrtcProgram

// libnvrtc.so, the compiler of CUDA C++. Results are nvrtcResult: 0 is success.
typedef struct {
  int (*version)(int *major, int *minor);
  int (*architecture_count)(int *count);
  int (*architectures)(int *architectures);
  int (*create)(ccuda_program *program, const char *source, const char *name, int header_count,
                const char *const *headers, const char *const *include_names);
  int (*destroy)(ccuda_program *program);
  int (*compile)(ccuda_program program, int option_count, const char *const *options);
  int (*log_size)(ccuda_program program, size_t *size);
  int (*log)(ccuda_program program, char *log);
  int (*cubin_size)(ccuda_program program, size_t *size);
  int (*cubin)(ccuda_program program, char *cubin);
  const char *(*error_text)(int result);
} ccuda_compiler;

// libcublasLt.so, dense products.
typedef struct {
  size_t (*version)(void);
} ccuda_products;

// Opens a library by name or path; NULL with the loader's reason in `reason`.
void *ccuda_open(const char *name, char *reason, size_t reason_length);

// The file that an opened library was read from; empty where that is unknown.
void ccuda_path(void *library, char *path, size_t path_length);

// Fill a table from an opened library. NULL, or the name of the first function that it lacks.
const char *ccuda_bind_driver(void *library, ccuda_driver *table);
const char *ccuda_bind_compiler(void *library, ccuda_compiler *table);
const char *ccuda_bind_products(void *library, ccuda_products *table);

#endif
