#include "CKernels.h"
#include "dispatch.h"

/// erf(x) as an odd rational function on [-4, 4], where it reaches ±1 in single precision; the
/// coefficients are the ones that Eigen and TensorFlow use. Error: below 4 units in the last place.
INLINE float error_function(float x) {
  x = x < -4.0f ? -4.0f : x;
  x = x > 4.0f ? 4.0f : x;
  const float s = x * x;
  float p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-08f;
  p = p * s + -2.10102402082508e-06f;
  p = p * s + -5.69250639462346e-05f;
  p = p * s + -7.34990630326855e-04f;
  p = p * s + -2.95459980854025e-03f;
  p = p * s + -1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * s + -2.13374055278905e-04f;
  q = q * s + -1.68282697438203e-03f;
  q = q * s + -7.37332916720468e-03f;
  q = q * s + -1.42647390514189e-02f;
  return x * p / q;
}

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
