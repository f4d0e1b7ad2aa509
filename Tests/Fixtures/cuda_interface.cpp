// Compiles when CCuda declares CUDA's functions as NVIDIA's headers do; checked, never run.
//
// `bindings.inc` has a line BOUND(table, member, function) for every function that CCuda/loader.c finds.
// cuBLASLt's headers come in a package of half a gigabyte: they are checked where they are.
#include <cstddef>
#include <type_traits>

#include <cuda.h>
#include <nvrtc.h>
#if __has_include(<cublasLt.h>)
#include <cublasLt.h>
#define HAS_CUBLASLT 1
#endif

#include "CCuda.h"

/// Whether a value of one type is passed as one of the other is. Handles are pointers to other names, and
/// addresses of device memory are numbers to us: both are words.
template <typename Ours, typename Theirs>
constexpr bool passesAs =
    std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs> &&
    std::is_void_v<Ours> == std::is_void_v<Theirs> && !std::is_class_v<Ours> &&
    !std::is_class_v<Theirs> && [] {
      if constexpr (std::is_void_v<Ours> || std::is_void_v<Theirs>)
        return true;
      else
        return sizeof(Ours) == sizeof(Theirs);
    }();

template <typename Ours, typename Theirs>
struct Same : std::false_type {};

template <typename OurResult, typename... Ours, typename TheirResult, typename... Theirs>
struct Same<OurResult (*)(Ours...), TheirResult(Theirs...)> {
  template <bool isAsLong, typename = void>
  struct Parameters : std::false_type {};
  template <typename Void>
  struct Parameters<true, Void> : std::bool_constant<(passesAs<Ours, Theirs> && ...)> {};
  static constexpr bool value =
      passesAs<OurResult, TheirResult> && Parameters<sizeof...(Ours) == sizeof...(Theirs)>::value;
};

#define BOUND(table, member, function)                                    \
  static_assert(Same<decltype(table::member), decltype(function)>::value, \
                #table "." #member " is not " #function);
#include "bindings.inc"

#define EQUAL(ours, theirs) static_assert((long)ours == (long)theirs, #ours " is not " #theirs);
EQUAL(CCUDA_ERROR_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY)
EQUAL(CCUDA_ATTRIBUTE_MULTIPROCESSORS, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
EQUAL(CCUDA_ATTRIBUTE_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
EQUAL(CCUDA_ATTRIBUTE_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
EQUAL(CCUDA_ATTRIBUTE_SHARED_BYTES, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
EQUAL(CCUDA_FUNCTION_SHARED_BYTES, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
EQUAL(CCUDA_STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING)
EQUAL(CCUDA_EVENT_UNTIMED, CU_EVENT_DISABLE_TIMING)
EQUAL(CCUDA_EVENT_TIMED, CU_EVENT_DEFAULT)
EQUAL(CCUDA_CAPTURE_THREAD_LOCAL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)

#ifdef HAS_CUBLASLT
EQUAL(CCUDA_TYPE_FP32, CUDA_R_32F)
EQUAL(CCUDA_TYPE_FP16, CUDA_R_16F)
EQUAL(CCUDA_TYPE_BF16, CUDA_R_16BF)
EQUAL(CCUDA_TYPE_E4M3, CUDA_R_8F_E4M3)
EQUAL(CCUDA_COMPUTE_FP32, CUBLAS_COMPUTE_32F)
EQUAL(CCUDA_OPERATION_TRANSPOSE_A, CUBLASLT_MATMUL_DESC_TRANSA)
EQUAL(CCUDA_OPERATION_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE)
EQUAL(CCUDA_OPERATION_BIAS, CUBLASLT_MATMUL_DESC_BIAS_POINTER)
EQUAL(CCUDA_OPERATION_A_SCALE, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER)
EQUAL(CCUDA_OPERATION_FAST_ACCUMULATION, CUBLASLT_MATMUL_DESC_FAST_ACCUM)
EQUAL(CCUDA_TRANSPOSED, CUBLAS_OP_T)
EQUAL(CCUDA_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS)
EQUAL(CCUDA_PREFERENCE_WORKSPACE_BYTES, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
EQUAL(sizeof(ccuda_algorithm), sizeof(cublasLtMatmulAlgo_t))
EQUAL(sizeof(ccuda_proposal), sizeof(cublasLtMatmulHeuristicResult_t))
EQUAL(offsetof(ccuda_proposal, workspace_bytes),
      offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize))
EQUAL(offsetof(ccuda_proposal, state), offsetof(cublasLtMatmulHeuristicResult_t, state))
EQUAL(offsetof(ccuda_proposal, waves), offsetof(cublasLtMatmulHeuristicResult_t, wavesCount))
#endif
