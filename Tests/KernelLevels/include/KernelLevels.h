/// The kernels of Sources/CKernels compiled for one instruction set each, and as the loader picks
/// them: tests call every one of them on one machine.
#pragma once
#include <stddef.h>

#include "CKernels.h"

/// Every kernel of CKernels.h.
#define KERNELS(K) \
  K(add_bias) K(gelu) K(gelu_of) K(tanh) K(tanh_of) K(normalize) K(add_normalize) K(softmax) \
  K(softmax_to_bfloat) \
  K(gather_by_row) K(gather_by_column) K(gelu_gradient) K(tanh_gradient) \
  K(normalize_gradient) K(softmax_gradient) K(scatter_by_row) K(scatter_by_column) K(add_rows) K(add) K(dropout) K(sum_of_squares) \
  K(adamw) K(adamw_without_gradient) K(widen_half) K(widen_bfloat) K(hash)

/// The kernels for one instruction set.
struct kernel_level {
  const char *name;
#define K(kernel) __typeof__(kernel_##kernel) *kernel;
  KERNELS(K)
#undef K
};

/// What `kernels_of_level` knows, the loader's pick first.
enum { kernel_level_count = 5 };

/// One level; NULL when this processor lacks its instructions.
const struct kernel_level *kernels_of_level(size_t index);
