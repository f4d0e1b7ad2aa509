// Compiles every kernel once more. The includer defines VECTORISED, an attribute, LEVEL(name), a
// name with the level in it, and NAME.
#define kernel_add_bias LEVEL(add_bias)
#define kernel_gelu LEVEL(gelu)
#define kernel_gelu_of LEVEL(gelu_of)
#define kernel_tanh LEVEL(tanh)
#define kernel_tanh_of LEVEL(tanh_of)
#define kernel_normalize LEVEL(normalize)
#define kernel_add_normalize LEVEL(add_normalize)
#define kernel_softmax LEVEL(softmax)
#define kernel_softmax_to_bfloat LEVEL(softmax_to_bfloat)
#define kernel_gather_by_row LEVEL(gather_by_row)
#define kernel_gather_by_column LEVEL(gather_by_column)
#define kernel_gelu_gradient LEVEL(gelu_gradient)
#define kernel_tanh_gradient LEVEL(tanh_gradient)
#define kernel_normalize_gradient LEVEL(normalize_gradient)
#define kernel_softmax_gradient LEVEL(softmax_gradient)
#define kernel_scatter_by_row LEVEL(scatter_by_row)
#define kernel_scatter_by_column LEVEL(scatter_by_column)
#define kernel_add_rows LEVEL(add_rows)
#define kernel_add LEVEL(add)
#define kernel_dropout LEVEL(dropout)
#define kernel_sum_of_squares LEVEL(sum_of_squares)
#define kernel_adamw LEVEL(adamw)
#define kernel_adamw_without_gradient LEVEL(adamw_without_gradient)
#define kernel_widen_half LEVEL(widen_half)
#define kernel_widen_bfloat LEVEL(widen_bfloat)
#define kernel_hash LEVEL(hash)

#include "../../Sources/CKernels/activation.c"
#include "../../Sources/CKernels/attention.c"
#include "../../Sources/CKernels/conversion.c"
#include "../../Sources/CKernels/gradients.c"
#include "../../Sources/CKernels/hash.c"
#include "../../Sources/CKernels/normalization.c"
#include "../../Sources/CKernels/training.c"

#include "KernelLevels.h"

#define K(kernel) .kernel = LEVEL(kernel),
const struct kernel_level LEVEL(table) = {.name = NAME, KERNELS(K)};
