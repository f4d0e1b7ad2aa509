/// Functions of one float, compiled into the loops that call them.
#pragma once
#include <stdint.h>
#include <string.h>

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

/// tanh(x) as an odd rational function on [-9, 9], where it reaches ±1 in single precision; the
/// coefficients are the ones that Eigen and TensorFlow use. Error: below 4 units in the last place.
INLINE float hyperbolic_tangent(float x) {
  x = x < -9.0f ? -9.0f : x;
  x = x > 9.0f ? 9.0f : x;
  const float s = x * x;
  float p = -2.76076847742355e-16f;
  p = p * s + 2.00018790482477e-13f;
  p = p * s + -8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  float q = 1.19825839466702e-06f;
  q = q * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return x * p / q;
}

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

/// The nearest 16-bit float, ties to even.
INLINE uint16_t bfloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  // What is not a number stays so whatever its lower bits are.
  const uint32_t nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40u;
  return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : nearest);
}
