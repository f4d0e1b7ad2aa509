#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "dispatch.h"

/// 32 well-mixed bits for a counter: the finaliser of lowbias32 (C. Wellons), twice keyed.
INLINE uint32_t random_bits(uint32_t counter, uint32_t key_low, uint32_t key_high) {
  uint32_t x = counter * 0x9E3779B9u + key_low;
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  x = (x ^ (x >> 16)) + key_high;
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

VECTORISED void kernel_dropout(
    float *restrict values, size_t stride, size_t rows, size_t columns, uint64_t key,
    uint32_t first_counter, uint32_t drop_below, float scale) {
  const uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
  for (size_t r = 0; r < rows; ++r) {
    float *restrict row = values + r * stride;
    const uint32_t counter = first_counter + (uint32_t)(r * columns);
    for (size_t c = 0; c < columns; ++c) {
      const uint32_t bits = random_bits(counter + (uint32_t)c, low, high);
      row[c] = bits < drop_below ? 0.0f : row[c] * scale;
    }
  }
}

VECTORISED double kernel_sum_of_squares(const float *values, size_t count) {
  ANY_ORDER
  double total = 0;
  for (size_t i = 0; i < count; ++i) total += (double)values[i] * (double)values[i];
  return total;
}

VECTORISED void kernel_adamw(
    float *restrict weights, float *restrict means, float *restrict squares,
    const float *restrict gradient, size_t count, struct adamw_step step) {
  const float mean_share = 1.0f - step.beta_1, square_share = 1.0f - step.beta_2;
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    const float m = means[i] = step.beta_1 * means[i] + mean_share * g;
    const float v = squares[i] = step.beta_2 * squares[i] + square_share * g * g;
    const float root = sqrtf(v) * step.square_correction + step.epsilon;
    weights[i] = weights[i] * step.decay - step.rate * m / root;
  }
}

INLINE int is_zero(const float *values, size_t count) {
  uint32_t bits = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t word;
    memcpy(&word, values + i, sizeof word);
    bits |= word << 1;  // without the sign
  }
  return bits == 0;
}

// Where no gradient ever came the moments are only read: their memory is then the system's one page
// of zeros, which costs nothing.
VECTORISED void kernel_adamw_without_gradient(
    float *restrict weights, float *restrict means, float *restrict squares, size_t count,
    struct adamw_step step) {
  if (is_zero(means, count) && is_zero(squares, count)) {
    for (size_t i = 0; i < count; ++i) weights[i] *= step.decay;
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    const float m = means[i] = step.beta_1 * means[i];
    const float v = squares[i] = step.beta_2 * squares[i];
    const float root = sqrtf(v) * step.square_correction + step.epsilon;
    weights[i] = weights[i] * step.decay - step.rate * m / root;
  }
}
