#include "CKernels.h"
#include "dispatch.h"
#include "functions.h"

VECTORISED void kernel_add_bias(
    float *values, size_t stride, size_t rows, size_t columns, const float *bias) {
  for (size_t r = 0; r < rows; ++r) {
    float *row = values + r * stride;
    for (size_t c = 0; c < columns; ++c) row[c] += bias[c];
  }
}

VECTORISED void kernel_gelu(
    float *restrict values, size_t stride, size_t rows, size_t columns,
    const float *restrict bias) {
  for (size_t r = 0; r < rows; ++r) {
    float *restrict row = values + r * stride;
    for (size_t c = 0; c < columns; ++c) {
      const float x = row[c] + bias[c];
      row[c] = 0.5f * x * (1.0f + error_function(x * 0.70710678118654752f));
    }
  }
}

VECTORISED void kernel_gelu_of(
    float *restrict results, const float *restrict inputs, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float x = inputs[i];
    results[i] = 0.5f * x * (1.0f + error_function(x * 0.70710678118654752f));
  }
}

VECTORISED void kernel_tanh(
    float *restrict values, size_t stride, size_t rows, size_t columns,
    const float *restrict bias) {
  for (size_t r = 0; r < rows; ++r) {
    float *restrict row = values + r * stride;
    for (size_t c = 0; c < columns; ++c) row[c] = hyperbolic_tangent(row[c] + bias[c]);
  }
}

VECTORISED void kernel_tanh_of(
    float *restrict results, const float *restrict inputs, size_t count) {
  for (size_t i = 0; i < count; ++i) results[i] = hyperbolic_tangent(inputs[i]);
}
