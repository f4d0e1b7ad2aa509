#include <string.h>

#include "CKernels.h"
#include "dispatch.h"

INLINE float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

VECTORISED void kernel_widen_half(
    const uint16_t *restrict source, float *restrict target, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t sign = (uint32_t)(source[i] & 0x8000u) << 16;
    const uint32_t rest = source[i] & 0x7FFFu;
    // Exponents run from 15 below to 127 below, or to the top for infinity and not-a-number. A
    // subnormal is its fraction counted in units of 2^-24.
    const uint32_t normal = (rest << 13) + ((127u - 15u) << 23);
    const uint32_t special = (rest << 13) | 0x7F800000u;
    const float subnormal = (float)(int32_t)rest * 0x1p-24f;
    uint32_t small;
    memcpy(&small, &subnormal, sizeof small);
    const uint32_t bits = rest >= 0x7C00u ? special : rest >= 0x0400u ? normal : small;
    target[i] = float_of_bits(sign | bits);
  }
}

VECTORISED void kernel_widen_bfloat(
    const uint16_t *restrict source, float *restrict target, size_t count) {
  for (size_t i = 0; i < count; ++i) target[i] = float_of_bits((uint32_t)source[i] << 16);
}
