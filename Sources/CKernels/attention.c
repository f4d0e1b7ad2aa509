#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "dispatch.h"

/// exp(x) for x <= 0: 2^n times a polynomial on [-ln2/2, ln2/2] (Cephes), to about 1e-7 relative.
/// Below -87 the result is 1e-38 and not smaller, which a softmax cannot tell from 0.
INLINE float exponential(float x) {
  x = x > -87.0f ? x : -87.0f;  // also catches not-a-number, which has no integer
  const float rounder = 12582912.0f;  // 1.5 · 2^23: adding it leaves the nearest integer
  const float n = (x * 1.44269504088896341f + rounder) - rounder;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = ((int32_t)n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return p * power;
}

INLINE float maximum(const float *row, size_t columns) {
  enum { LANES = 32 };
  float lanes[LANES];
  for (int l = 0; l < LANES; ++l) lanes[l] = -INFINITY;
  size_t c = 0;
  for (; c + LANES <= columns; c += LANES)
    for (int l = 0; l < LANES; ++l) lanes[l] = row[c + l] > lanes[l] ? row[c + l] : lanes[l];
  for (int l = 0; c < columns; ++c, ++l) lanes[l] = row[c] > lanes[l] ? row[c] : lanes[l];
  float top = lanes[0];
  for (int l = 1; l < LANES; ++l) top = lanes[l] > top ? lanes[l] : top;
  return top;
}

INLINE float exponentials(float *row, size_t columns, float top, float scale) {
  ANY_ORDER
  float sum = 0;
  for (size_t c = 0; c < columns; ++c) sum += row[c] = exponential((row[c] - top) * scale);
  return sum;
}

VECTORISED void kernel_softmax(
    float *values, size_t stride, size_t rows, size_t columns, float scale) {
  for (size_t r = 0; r < rows; ++r) {
    float *row = values + r * stride;
    const float inverse = 1.0f / exponentials(row, columns, maximum(row, columns), scale);
    for (size_t c = 0; c < columns; ++c) row[c] *= inverse;
  }
}

void kernel_gather_by_row(
    float *restrict scores, size_t stride, size_t rows, size_t columns,
    const float *restrict terms, size_t terms_stride, const int32_t *restrict slots,
    int32_t first) {
  for (size_t i = 0; i < rows; ++i) {
    float *row = scores + i * stride;
    const float *term = terms + i * terms_stride;
    const int32_t *slot = slots + i;
    for (size_t j = 0; j < columns; ++j) row[j] += term[slot[-(ptrdiff_t)j] - first];
  }
}

// Column by column, because terms are contiguous along a column of scores; the tile of scores is
// small enough to stay in the first-level cache.
void kernel_gather_by_column(
    float *restrict scores, size_t stride, size_t rows, size_t columns,
    const float *restrict terms, size_t terms_stride, const int32_t *restrict slots,
    int32_t first) {
  for (size_t j = 0; j < columns; ++j) {
    float *column = scores + j;
    const float *term = terms + j * terms_stride;
    const int32_t *slot = slots - j;
    for (size_t i = 0; i < rows; ++i) column[i * stride] += term[slot[i] - first];
  }
}
