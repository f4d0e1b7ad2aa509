#include <math.h>

#include "CKernels.h"
#include "dispatch.h"

INLINE float mean(const float *row, size_t columns) {
  ANY_ORDER
  float sum = 0;
  for (size_t c = 0; c < columns; ++c) sum += row[c];
  return sum / (float)columns;
}

INLINE float variance(const float *row, size_t columns, float centre) {
  ANY_ORDER
  float sum = 0;
  for (size_t c = 0; c < columns; ++c) sum += (row[c] - centre) * (row[c] - centre);
  return sum / (float)columns;
}

INLINE void normalize_row(
    float *restrict row, size_t columns, const float *restrict scale,
    const float *restrict shift, float epsilon) {
  const float centre = mean(row, columns);
  const float inverse = 1.0f / sqrtf(variance(row, columns, centre) + epsilon);
  for (size_t c = 0; c < columns; ++c) row[c] = (row[c] - centre) * inverse * scale[c] + shift[c];
}

VECTORISED void kernel_normalize(
    float *restrict values, size_t rows, size_t columns, const float *restrict scale,
    const float *restrict shift, float epsilon) {
  for (size_t r = 0; r < rows; ++r)
    normalize_row(values + r * columns, columns, scale, shift, epsilon);
}

VECTORISED void kernel_add_normalize(
    float *restrict values, const float *restrict addend, const float *restrict bias, size_t rows,
    size_t columns, const float *restrict scale, const float *restrict shift, float epsilon) {
  for (size_t r = 0; r < rows; ++r) {
    float *restrict row = values + r * columns;
    const float *restrict other = addend + r * columns;
    for (size_t c = 0; c < columns; ++c) row[c] += other[c] + bias[c];
    normalize_row(row, columns, scale, shift, epsilon);
  }
}
