#include <math.h>

#include "CKernels.h"
#include "dispatch.h"
#include "functions.h"

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

VECTORISED void kernel_softmax_to_bfloat(
    float *restrict values, size_t stride, size_t rows, size_t columns, float scale,
    uint16_t *restrict results) {
  const size_t padded = kernel_padded_inputs(PRODUCT_BFLOAT, columns);
  for (size_t r = 0; r < rows; ++r) {
    float *row = values + r * stride;
    uint16_t *result = results + r * padded;
    const float inverse = 1.0f / exponentials(row, columns, maximum(row, columns), scale);
    for (size_t c = 0; c < columns; ++c) result[c] = bfloat(row[c] * inverse);
    for (size_t c = columns; c < padded; ++c) result[c] = 0;
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
