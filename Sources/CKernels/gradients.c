#include <math.h>

#include "CKernels.h"
#include "dispatch.h"
#include "functions.h"

VECTORISED void kernel_gelu_gradient(
    float *restrict gradient, const float *restrict inputs, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float x = inputs[i];
    const float cumulative = 0.5f * (1.0f + error_function(x * 0.70710678118654752f));
    // exponential() never comes to 0, so a huge factor would bring the density back.
    const float low = x < -16.0f ? -16.0f : x;
    const float near = low > 16.0f ? 16.0f : low;
    const float density = exponential(-0.5f * near * near) * 0.39894228040143268f;
    gradient[i] *= cumulative + near * density;
  }
}

VECTORISED void kernel_tanh_gradient(
    float *restrict gradient, const float *restrict inputs, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float y = hyperbolic_tangent(inputs[i]);
    gradient[i] *= (1.0f - y) * (1.0f + y);
  }
}

INLINE float sum(const float *row, size_t columns) {
  ANY_ORDER
  float total = 0;
  for (size_t c = 0; c < columns; ++c) total += row[c];
  return total;
}

INLINE float sum_of_squares(const float *row, size_t columns, float centre) {
  ANY_ORDER
  float total = 0;
  for (size_t c = 0; c < columns; ++c) total += (row[c] - centre) * (row[c] - centre);
  return total;
}

INLINE float dot(const float *a, const float *b, size_t columns, float centre) {
  ANY_ORDER
  float total = 0;
  for (size_t c = 0; c < columns; ++c) total += a[c] * (b[c] - centre);
  return total;
}

// With y the normalised row and g = gradient · scale:
// input gradient = (g - mean(g) - y · mean(g · y)) / deviation.
VECTORISED void kernel_normalize_gradient(
    float *restrict gradient, const float *restrict inputs, size_t rows, size_t columns,
    const float *restrict scale, float epsilon, float *restrict scale_gradient,
    float *restrict shift_gradient) {
  const float share = 1.0f / (float)columns;
  for (size_t r = 0; r < rows; ++r) {
    float *restrict g = gradient + r * columns;
    const float *restrict x = inputs + r * columns;
    const float centre = sum(x, columns) * share;
    const float inverse = 1.0f / sqrtf(sum_of_squares(x, columns, centre) * share + epsilon);
    for (size_t c = 0; c < columns; ++c) {
      shift_gradient[c] += g[c];
      scale_gradient[c] += g[c] * (x[c] - centre) * inverse;
      g[c] *= scale[c];
    }
    const float mean = sum(g, columns) * share;
    const float slope = dot(g, x, columns, centre) * inverse * share;
    for (size_t c = 0; c < columns; ++c)
      g[c] = (g[c] - mean - (x[c] - centre) * inverse * slope) * inverse;
  }
}

VECTORISED void kernel_softmax_gradient(
    float *restrict gradient, const float *restrict weights, size_t stride, size_t rows,
    size_t columns, float scale) {
  for (size_t r = 0; r < rows; ++r) {
    float *restrict g = gradient + r * stride;
    const float *restrict p = weights + r * stride;
    const float mean = dot(g, p, columns, 0.0f);
    for (size_t c = 0; c < columns; ++c) g[c] = p[c] * (g[c] - mean) * scale;
  }
}

void kernel_scatter_by_row(
    const float *restrict scores, size_t stride, size_t rows, size_t columns,
    float *restrict terms, size_t terms_stride, const int32_t *restrict slots, int32_t first) {
  for (size_t i = 0; i < rows; ++i) {
    const float *row = scores + i * stride;
    float *term = terms + i * terms_stride;
    const int32_t *slot = slots + i;
    for (size_t c = 0; c < terms_stride; ++c) term[c] = 0;
    for (size_t j = 0; j < columns; ++j) term[slot[-(ptrdiff_t)j] - first] += row[j];
  }
}

void kernel_scatter_by_column(
    const float *restrict scores, size_t stride, size_t rows, size_t columns,
    float *restrict terms, size_t terms_stride, const int32_t *restrict slots, int32_t first) {
  for (size_t j = 0; j < columns; ++j) {
    const float *column = scores + j;
    float *term = terms + j * terms_stride;
    const int32_t *slot = slots - j;
    for (size_t c = 0; c < terms_stride; ++c) term[c] = 0;
    for (size_t i = 0; i < rows; ++i) term[slot[i] - first] += column[i * stride];
  }
}

VECTORISED void kernel_add_rows(
    float *restrict total, const float *restrict values, size_t stride, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) total[c] += values[r * stride + c];
}

VECTORISED void kernel_add(float *restrict total, const float *restrict values, size_t count) {
  for (size_t i = 0; i < count; ++i) total[i] += values[i];
}
