// The two precisions of 16 bits, as a GPU converts them.
#include <cstring>
#include <vector>

#include "Emulator.hpp"

namespace {
uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float widened(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value;
  if (exponent == 31)
    value = fraction ? NAN : INFINITY;
  else if (exponent == 0)
    value = std::ldexp((float)fraction, -24);
  else
    value = std::ldexp((float)(fraction + 1024), exponent - 25);
  return bits & 0x8000 ? -value : value;
}

std::vector<float> everyHalf() {
  std::vector<float> values(1 << 16);
  for (int bits = 0; bits < 1 << 16; ++bits) values[bits] = widened((uint16_t)bits);
  return values;
}
}  // namespace

float Quarter::widen(uint8_t bits) {
  const int exponent = bits >> 3 & 15, fraction = bits & 7;
  if ((bits & 0x7f) == 0x7f) return NAN;
  const float value = exponent == 0 ? std::ldexp((float)fraction, -9)
                                    : std::ldexp((float)(fraction + 8), exponent - 10);
  return bits & 0x80 ? -value : value;
}

uint8_t Quarter::round(float value) {
  const uint8_t sign = (uint8_t)(bitsOf(value) >> 24 & 0x80);
  const float size = std::fabs(value);
  if (std::isnan(value)) return 0x7f;
  if (size == 0) return sign;
  if (size >= 464) return sign | 0x7e;
  int exponent;
  std::frexp(size, &exponent);
  exponent = exponent < -5 ? -5 : exponent;
  // Four bits before the point, rounded to nearest even by the processor.
  const int digits = (int)std::nearbyint(std::ldexp(size, 4 - exponent));
  return (uint8_t)(sign | ((exponent + 5) * 8 + digits));
}

float Brain::widen(uint16_t bits) { return floatOf((uint32_t)bits << 16); }

uint16_t Brain::round(float value) {
  const uint32_t bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float Half::widen(uint16_t bits) {
  static const std::vector<float> &values = *new std::vector<float>(everyHalf());
  return values[bits];
}

uint16_t Half::round(float value) {
  const uint16_t sign = (uint16_t)(bitsOf(value) >> 16 & 0x8000);
  const float size = std::fabs(value);
  if (std::isnan(value)) return 0x7fff;
  if (size == 0) return sign;
  if (size >= 65520) return sign | 0x7c00;
  int exponent;
  std::frexp(size, &exponent);
  exponent = exponent < -13 ? -13 : exponent;
  // Eleven bits before the point, rounded to nearest even by the processor.
  const int digits = (int)std::nearbyint(std::ldexp(size, 11 - exponent));
  return (uint16_t)(sign | ((uint32_t)(exponent + 13) * 1024 + digits));
}
