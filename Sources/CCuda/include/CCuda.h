#ifndef CCUDA_H
#define CCUDA_H

// The functions of CUDA's libraries that Sluice calls, found when the program runs: it is built
// without CUDA and starts on hosts without it. Names, arguments and numbers are those of the CUDA
// driver API, of NVRTC and of cuBLASLt, whose binary interfaces NVIDIA keeps stable.

#include <stddef.h>
#include <stdint.h>

typedef int ccuda_result;        // CUresult: 0 is success
typedef int ccuda_device;        // CUdevice
typedef uint64_t ccuda_address;  // CUdeviceptr

// Handles of the driver; what they point to is its own.
typedef struct ccuda_context_s *ccuda_context;        // CUcontext
typedef struct ccuda_stream_s *ccuda_stream;          // CUstream
typedef struct ccuda_event_s *ccuda_event;            // CUevent
typedef struct ccuda_module_s *ccuda_module;          // CUmodule
typedef struct ccuda_function_s *ccuda_function;      // CUfunction
typedef struct ccuda_graph_s *ccuda_graph;            // CUgraph
typedef struct ccuda_executable_s *ccuda_executable;  // CUgraphExec

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

  // The context of a device that all of the process shares.
  ccuda_result (*retain_context)(ccuda_context *context, ccuda_device device);
  ccuda_result (*release_context)(ccuda_device device);
  // Makes a context the calling thread's, as all functions below need it.
  ccuda_result (*set_context)(ccuda_context context);

  ccuda_result (*memory_info)(size_t *available, size_t *total);
  ccuda_result (*allocate)(ccuda_address *address, size_t bytes);
  ccuda_result (*free)(ccuda_address address);
  ccuda_result (*allocate_host)(void **address, size_t bytes, unsigned flags);
  ccuda_result (*free_host)(void *address);
  ccuda_result (*copy_to_device)(ccuda_address to, const void *from, size_t bytes,
                                 ccuda_stream stream);
  ccuda_result (*copy_to_host)(void *to, ccuda_address from, size_t bytes, ccuda_stream stream);
  ccuda_result (*copy_within_device)(ccuda_address to, ccuda_address from, size_t bytes,
                                     ccuda_stream stream);
  ccuda_result (*set_bytes)(ccuda_address address, unsigned char value, size_t bytes,
                            ccuda_stream stream);

  ccuda_result (*create_stream)(ccuda_stream *stream, unsigned flags);
  ccuda_result (*destroy_stream)(ccuda_stream stream);
  ccuda_result (*finish_stream)(ccuda_stream stream);
  ccuda_result (*create_event)(ccuda_event *event, unsigned flags);
  ccuda_result (*destroy_event)(ccuda_event event);
  ccuda_result (*record_event)(ccuda_event event, ccuda_stream stream);
  ccuda_result (*finish_event)(ccuda_event event);
  ccuda_result (*elapsed)(float *milliseconds, ccuda_event start, ccuda_event end);

  ccuda_result (*load_module)(ccuda_module *module, const void *image);
  ccuda_result (*unload_module)(ccuda_module module);
  ccuda_result (*module_function)(ccuda_function *function, ccuda_module module, const char *name);
  ccuda_result (*set_attribute)(ccuda_function function, int attribute, int value);
  ccuda_result (*launch)(ccuda_function function, unsigned grid_x, unsigned grid_y,
                         unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                         unsigned shared_bytes, ccuda_stream stream, void **parameters,
                         void **extra);

  ccuda_result (*begin_capture)(ccuda_stream stream, int mode);
  ccuda_result (*end_capture)(ccuda_stream stream, ccuda_graph *graph);
  ccuda_result (*instantiate)(ccuda_executable *executable, ccuda_graph graph,
                              unsigned long long flags);
  ccuda_result (*launch_graph)(ccuda_executable executable, ccuda_stream stream);
  ccuda_result (*destroy_executable)(ccuda_executable executable);
  ccuda_result (*destroy_graph)(ccuda_graph graph);
} ccuda_driver;

enum {
  CCUDA_ERROR_OUT_OF_MEMORY = 2,
  CCUDA_ATTRIBUTE_MULTIPROCESSORS = 16,  // CUdevice_attribute
  CCUDA_ATTRIBUTE_MAJOR = 75,
  CCUDA_ATTRIBUTE_MINOR = 76,
  CCUDA_ATTRIBUTE_SHARED_BYTES = 97,      // most that a block may ask for
  CCUDA_FUNCTION_SHARED_BYTES = 8,        // CUfunction_attribute
  CCUDA_STREAM_NON_BLOCKING = 1,          // does not wait for the default stream
  CCUDA_EVENT_TIMED = 0,                  // whoever waits asks again and again
  CCUDA_EVENT_BLOCKING = 1,               // whoever waits sleeps
  CCUDA_EVENT_UNTIMED = 2,
  CCUDA_CAPTURE_THREAD_LOCAL = 1,         // CUstreamCaptureMode
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

// Handles of cuBLASLt.
typedef struct ccuda_blas_s *ccuda_blas;              // cublasLtHandle_t
typedef struct ccuda_operation_s *ccuda_operation;    // cublasLtMatmulDesc_t
typedef struct ccuda_layout_s *ccuda_layout;          // cublasLtMatrixLayout_t
typedef struct ccuda_preference_s *ccuda_preference;  // cublasLtMatmulPreference_t

// cublasLtMatmulAlgo_t, which only the library can read.
typedef struct {
  uint64_t data[8];
} ccuda_algorithm;

// cublasLtMatmulHeuristicResult_t
typedef struct {
  ccuda_algorithm algorithm;
  size_t workspace_bytes;
  int state;
  float waves;
  int reserved[4];
} ccuda_proposal;

// libcublasLt.so, dense products. Results are cublasStatus_t: 0 is success.
typedef struct {
  size_t (*version)(void);
  int (*create)(ccuda_blas *handle);
  int (*destroy)(ccuda_blas handle);
  int (*create_operation)(ccuda_operation *operation, int compute_type, int scale_type);
  int (*destroy_operation)(ccuda_operation operation);
  int (*set_operation)(ccuda_operation operation, int attribute, const void *value, size_t bytes);
  int (*create_layout)(ccuda_layout *layout, int type, uint64_t rows, uint64_t columns,
                       int64_t stride);
  int (*destroy_layout)(ccuda_layout layout);
  int (*create_preference)(ccuda_preference *preference);
  int (*destroy_preference)(ccuda_preference preference);
  int (*set_preference)(ccuda_preference preference, int attribute, const void *value,
                        size_t bytes);
  int (*propose)(ccuda_blas handle, ccuda_operation operation, ccuda_layout a, ccuda_layout b,
                 ccuda_layout c, ccuda_layout d, ccuda_preference preference, int count,
                 ccuda_proposal *proposals, int *found);
  int (*multiply)(ccuda_blas handle, ccuda_operation operation, const void *alpha,
                  ccuda_address a, ccuda_layout a_layout, ccuda_address b, ccuda_layout b_layout,
                  const void *beta, ccuda_address c, ccuda_layout c_layout, ccuda_address d,
                  ccuda_layout d_layout, const ccuda_algorithm *algorithm,
                  ccuda_address workspace, size_t workspace_bytes, ccuda_stream stream);
} ccuda_products;

enum {
  CCUDA_TYPE_FP32 = 0,  // cudaDataType
  CCUDA_TYPE_FP16 = 2,
  CCUDA_TYPE_BF16 = 14,
  CCUDA_TYPE_E4M3 = 28,
  CCUDA_COMPUTE_FP32 = 68,                // cublasComputeType_t
  CCUDA_OPERATION_TRANSPOSE_A = 3,        // cublasLtMatmulDescAttributes_t
  CCUDA_OPERATION_EPILOGUE = 7,
  CCUDA_OPERATION_BIAS = 8,
  CCUDA_OPERATION_A_SCALE = 17,
  CCUDA_OPERATION_FAST_ACCUMULATION = 25,
  CCUDA_TRANSPOSED = 1,                   // cublasOperation_t
  CCUDA_EPILOGUE_BIAS = 4,                // cublasLtEpilogue_t
  CCUDA_PREFERENCE_WORKSPACE_BYTES = 1,   // cublasLtMatmulPreferenceAttributes_t
};

// Opens a library by name or path; NULL with the loader's reason in `reason`.
void *ccuda_open(const char *name, char *reason, size_t reason_length);

// The file that an opened library was read from; empty where that is unknown.
void ccuda_path(void *library, char *path, size_t path_length);

// Fill a table from an opened library. NULL, or the name of the first function that it lacks.
const char *ccuda_bind_driver(void *library, ccuda_driver *table);
const char *ccuda_bind_compiler(void *library, ccuda_compiler *table);
const char *ccuda_bind_products(void *library, ccuda_products *table);

#endif
