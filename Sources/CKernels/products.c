#include "micro_kernel.h"

#include <math.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

INLINE float float_of(uint16_t bits) {
  const uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

/// The nearest whole number to x, ties to even, for |x| < 2^22.
INLINE float nearest(float x) {
  const float rounder = 12582912.0f;  // 1.5 · 2^23
  return (x + rounder) - rounder;
}

VECTORISED void kernel_rows_to_bfloat(
    const float *restrict values, size_t stride, size_t rows, size_t columns,
    uint16_t *restrict results) {
  const size_t padded = kernel_padded_inputs(PRODUCT_BFLOAT, columns);
  for (size_t r = 0; r < rows; ++r) {
    const float *restrict row = values + r * stride;
    uint16_t *restrict result = results + r * padded;
    for (size_t c = 0; c < columns; ++c) result[c] = bfloat(row[c]);
    for (size_t c = columns; c < padded; ++c) result[c] = 0;
  }
}

/// So many pairs of 16-bit floats in a square that stays in registers or the first cache.
enum { SQUARE = 16 };

VECTORISED void kernel_columns_to_bfloat(
    const float *restrict values, size_t stride, size_t rows, size_t columns,
    uint16_t *restrict results) {
  const size_t padded = kernel_padded_inputs(PRODUCT_BFLOAT, rows);
  for (size_t first = 0; first < padded; first += PAIR * SQUARE)
    for (size_t c = 0; c < columns; c += SQUARE) {
      uint32_t pairs[SQUARE][SQUARE];
      const size_t width = columns - c < SQUARE ? columns - c : SQUARE;
      const size_t left = (padded - first) / PAIR, height = left < SQUARE ? left : SQUARE;
      for (size_t p = 0; p < height; ++p) {
        const size_t r = first + PAIR * p;
        const float *restrict even = values + r * stride + c;
        // The row after the last one is zeros.
        const int has_odd = r + 1 < rows;
        const float *restrict odd = has_odd ? even + stride : even;
        const uint32_t mask = has_odd ? 0xFFFF0000u : 0;
        for (size_t i = 0; i < width; ++i)
          pairs[p][i] = ((uint32_t)bfloat(odd[i]) << 16 & mask) | bfloat(even[i]);
      }
      for (size_t i = 0; i < width; ++i) {
        uint16_t *restrict result = results + (c + i) * padded + first;
        for (size_t p = 0; p < height; ++p)
          memcpy(result + PAIR * p, &pairs[p][i], sizeof pairs[p][i]);
      }
    }
}

/// From the least to the largest of 0 and a row times `factors`, where there are any; not a number
/// where that has infinity or not-a-number.
INLINE struct byte_scale extent(
    const float *restrict row, const float *restrict factors, size_t columns) {
  enum { LANES = 32 };
  float least[LANES] = {0}, largest[LANES] = {0}, strange[LANES] = {0};
  for (size_t first = 0; first < columns; first += LANES) {
    const size_t lanes = columns - first < LANES ? columns - first : LANES;
    for (size_t l = 0; l < lanes; ++l) {
      const float value = factors ? row[first + l] * factors[first + l] : row[first + l];
      least[l] = value < least[l] ? value : least[l];
      largest[l] = value > largest[l] ? value : largest[l];
      strange[l] += value * 0.0f;
    }
  }
  for (size_t l = 1; l < LANES; ++l) {
    least[0] = least[l] < least[0] ? least[l] : least[0];
    largest[0] = largest[l] > largest[0] ? largest[l] : largest[0];
    strange[0] += strange[l];
  }
  return (struct byte_scale){largest[0] - least[0] + strange[0], least[0]};
}

INLINE void row_to_bytes(
    const float *restrict row, const float *restrict factors, size_t columns,
    uint8_t *restrict result, struct byte_scale *scale) {
  const size_t padded = kernel_padded_inputs(PRODUCT_BYTE, columns);
  const struct byte_scale range = extent(row, factors, columns);
  *scale = (struct byte_scale){range.scale / 255.0f, range.least};
  const float inverse = 255.0f / range.scale;
  // A row of zeros, or of less than floats can divide by, stays one; one with strange values has a
  // strange scale, whatever its bytes are.
  if (!(range.scale > 0 && inverse < INFINITY)) {
    memset(result, 0, padded);
    return;
  }
  for (size_t c = 0; c < columns; ++c) {
    const float value = factors ? row[c] * factors[c] : row[c];
    result[c] = (uint8_t)(int32_t)nearest((value - range.least) * inverse);
  }
  memset(result + columns, 0, padded - columns);
}

VECTORISED void kernel_rows_to_bytes(
    const float *restrict values, size_t stride, size_t rows, size_t columns,
    const float *restrict factors, uint8_t *restrict results,
    struct byte_scale *restrict scales) {
  const size_t padded = kernel_padded_inputs(PRODUCT_BYTE, columns);
  for (size_t r = 0; r < rows; ++r) {
    const float *row = values + r * stride;
    if (factors) {
      row_to_bytes(row, factors, columns, results + r * padded, scales + r);
    } else {
      row_to_bytes(row, NULL, columns, results + r * padded, scales + r);
    }
  }
}

VECTORISED void kernel_pack_bfloat(
    const float *restrict weight, size_t stride, size_t outputs, size_t inputs,
    uint16_t *restrict panel) {
  const size_t padded = kernel_padded_inputs(PRODUCT_BFLOAT, inputs);
  for (size_t k = 0; k < padded; ++k)
    for (size_t o = 0; o < KERNEL_PANEL; ++o) {
      const int exists = k < inputs && o < outputs;
      panel[(k / PAIR * KERNEL_PANEL + o) * PAIR + k % PAIR] =
          exists ? bfloat(weight[o * stride + k]) : 0;
    }
}

void kernel_panel_of_rows(
    const uint16_t *restrict rows, size_t count, size_t inputs, uint16_t *restrict panel) {
  for (size_t k = 0; k < inputs; k += PAIR)
    for (size_t o = 0; o < KERNEL_PANEL; ++o) {
      uint16_t *pair = panel + k * KERNEL_PANEL + o * PAIR;
      if (o < count) {
        memcpy(pair, rows + o * inputs + k, PAIR * sizeof *pair);
      } else {
        memset(pair, 0, PAIR * sizeof *pair);
      }
    }
}

VECTORISED void kernel_panel_of_columns(
    const float *restrict values, size_t stride, size_t rows, size_t columns,
    uint16_t *restrict panel) {
  for (size_t k = 0; k < rows; k += PAIR) {
    const float *restrict even = values + k * stride;
    uint16_t *restrict pairs = panel + k * KERNEL_PANEL;
    if (k + 1 < rows) {
      const float *restrict odd = even + stride;
      for (size_t o = 0; o < columns; ++o) {
        pairs[PAIR * o] = bfloat(even[o]);
        pairs[PAIR * o + 1] = bfloat(odd[o]);
      }
    } else {
      for (size_t o = 0; o < columns; ++o) {
        pairs[PAIR * o] = bfloat(even[o]);
        pairs[PAIR * o + 1] = 0;
      }
    }
    memset(pairs + PAIR * columns, 0, PAIR * (KERNEL_PANEL - columns) * sizeof *pairs);
  }
}

INLINE void pack_output(
    const float *restrict row, const float *restrict factors, size_t inputs,
    int8_t *restrict weights, float *scale, float *total) {
  const struct byte_scale range = extent(row, factors, inputs);
  const float largest = range.scale + range.least;
  const float magnitude = largest > -range.least ? largest : -range.least;
  // Not a number where the range is not.
  *scale = magnitude / 127.0f + range.scale * 0.0f;
  const float inverse = 127.0f / magnitude;
  if (!(range.scale > 0 && inverse < INFINITY)) return;
  int32_t sum = 0;
  for (size_t k = 0; k < inputs; ++k) {
    const float value = factors ? row[k] * factors[k] : row[k];
    const int32_t whole = (int32_t)nearest(value * inverse);
    weights[k / QUAD * KERNEL_PANEL * QUAD + k % QUAD] = (int8_t)whole;
    sum += whole;
  }
  *total = *scale * (float)sum;
}

VECTORISED void kernel_pack_bytes(
    const float *restrict weight, size_t stride, size_t outputs, size_t inputs,
    const float *restrict factors, int8_t *restrict panel, float *restrict scales,
    float *restrict sums) {
  memset(panel, 0, kernel_padded_inputs(PRODUCT_BYTE, inputs) * KERNEL_PANEL);
  memset(scales, 0, KERNEL_PANEL * sizeof *scales);
  memset(sums, 0, KERNEL_PANEL * sizeof *sums);
  for (size_t o = 0; o < outputs; ++o) {
    const float *row = weight + o * stride;
    if (factors) {
      pack_output(row, factors, inputs, panel + o * QUAD, scales + o, sums + o);
    } else {
      pack_output(row, NULL, inputs, panel + o * QUAD, scales + o, sums + o);
    }
  }
}

static void bfloat_product_plain(
    const uint16_t *rows, size_t count, size_t inputs, const uint16_t *panel,
    const struct product_output *output) {
  for (size_t r = 0; r < count; ++r) {
    struct sums sums = {0};
    for (size_t k = 0; k < inputs; ++k) {
      const float value = float_of(rows[r * inputs + k]);
      const uint16_t *weights = panel + k / PAIR * KERNEL_PANEL * PAIR + k % PAIR;
      for (size_t o = 0; o < KERNEL_PANEL; ++o)
        sums.values[0][o] += value * float_of(weights[o * PAIR]);
    }
    store(&sums, 1, r, output);
  }
}

static void byte_product_plain(
    const uint8_t *rows, const struct byte_scale *row_scales, size_t count, size_t inputs,
    const struct byte_panel *panel, const struct product_output *output) {
  for (size_t r = 0; r < count; ++r) {
    struct sums sums;
    int32_t totals[KERNEL_PANEL] = {0};
    for (size_t k = 0; k < inputs; ++k) {
      const int32_t value = rows[r * inputs + k];
      const int8_t *weights = panel->weights + k / QUAD * KERNEL_PANEL * QUAD + k % QUAD;
      for (size_t o = 0; o < KERNEL_PANEL; ++o) totals[o] += value * weights[o * QUAD];
    }
    scale(&sums, totals, 1, row_scales + r, panel);
    store(&sums, 1, r, output);
  }
}

int kernel_product_runs(enum product_format format, enum product_level level) {
  if (level == PRODUCT_PLAIN) return 1;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int is_wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (level == PRODUCT_512)
    return is_wide && (format == PRODUCT_BFLOAT ? __builtin_cpu_supports("avx512bf16")
                                                : __builtin_cpu_supports("avx512vnni"));
  return level == PRODUCT_256 && format == PRODUCT_BYTE && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("avxvnni");
#elif defined(__aarch64__)
  // HWCAP2_BF16 and HWCAP2_I8MM of Linux.
  const unsigned long needed = format == PRODUCT_BFLOAT ? 1ul << 14 : 1ul << 13;
  return level == PRODUCT_128 && (getauxval(AT_HWCAP2) & needed) != 0;
#else
  (void)format;
  return 0;
#endif
}

void kernel_product_bfloat(
    enum product_level level, const uint16_t *rows, size_t count, size_t inputs,
    const uint16_t *panel, const struct product_output *output) {
#if defined(__x86_64__)
  if (level == PRODUCT_512) return bfloat_product_512(rows, count, inputs, panel, output);
#elif defined(__aarch64__)
  if (level == PRODUCT_128) return bfloat_product_128(rows, count, inputs, panel, output);
#endif
  (void)level;
  bfloat_product_plain(rows, count, inputs, panel, output);
}

void kernel_product_bytes(
    enum product_level level, const uint8_t *rows, const struct byte_scale *row_scales,
    size_t count, size_t inputs, const struct byte_panel *panel,
    const struct product_output *output) {
#if defined(__x86_64__)
  if (level == PRODUCT_512)
    return byte_product_512(rows, row_scales, count, inputs, panel, output);
  if (level == PRODUCT_256)
    return byte_product_256(rows, row_scales, count, inputs, panel, output);
#elif defined(__aarch64__)
  if (level == PRODUCT_128)
    return byte_product_128(rows, row_scales, count, inputs, panel, output);
#endif
  (void)level;
  byte_product_plain(rows, row_scales, count, inputs, panel, output);
}
