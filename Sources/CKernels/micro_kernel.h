/// What the products of all instruction sets share.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"
#include "dispatch.h"
#include "functions.h"

/// Rows that are multiplied by a panel at once: with four vectors of 16 sums each, they fill 24 of
/// the 32 registers of AVX-512, and four hold the panel.
enum { ROWS = 6 };

/// A weight of bytes has four inputs of one output side by side, one of 16-bit floats two.
enum { QUAD = 4, PAIR = 2 };

/// The sums of some rows and a panel's outputs, before they go to where they belong.
struct sums {
  float values[ROWS][KERNEL_PANEL];
};

/// Whether sums go out as they are, a whole panel of them.
INLINE int is_plain(const struct product_output *output) {
  return !output->bias && output->finish == PRODUCT_SUM && output->columns == KERNEL_PANEL &&
         !output->adds;
}

/// Finishes sums and stores those that exist. Compiled into its callers, with their vectors.
INLINE void store(
    struct sums *sums, size_t rows, size_t first, const struct product_output *output) {
  const float *bias = output->bias;
  for (size_t r = 0; r < rows; ++r) {
    float *row = sums->values[r];
    if (bias) {
      for (size_t c = 0; c < KERNEL_PANEL; ++c) row[c] += bias[c];
    }
    if (output->finish == PRODUCT_GELU) {
      for (size_t c = 0; c < KERNEL_PANEL; ++c)
        row[c] = 0.5f * row[c] * (1.0f + error_function(row[c] * 0.70710678118654752f));
    } else if (output->finish == PRODUCT_TANH) {
      for (size_t c = 0; c < KERNEL_PANEL; ++c) row[c] = hyperbolic_tangent(row[c]);
    }
    float *target = output->values + (first + r) * output->stride;
    if (output->adds) {
      for (size_t c = 0; c < output->columns; ++c) target[c] += row[c];
      continue;
    }
    // A copy of known size is a few vectors, one of any size a call.
    if (output->columns == KERNEL_PANEL) {
      memcpy(target, row, KERNEL_PANEL * sizeof *row);
    } else {
      memcpy(target, row, output->columns * sizeof *row);
    }
  }
}

/// The scales of rows and outputs turn sums of bytes into floats.
INLINE void scale(
    struct sums *sums, const int32_t *totals, size_t rows, const struct byte_scale *row_scales,
    const struct byte_panel *panel) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < KERNEL_PANEL; ++c)
      sums->values[r][c] =
          (float)totals[r * KERNEL_PANEL + c] * (row_scales[r].scale * panel->scales[c]) +
          row_scales[r].least * panel->sums[c];
}

/// All rows, ROWS at a time; `CALL(count)` computes so many, from row `r` on.
#define FOR_ROWS(count, CALL)                 \
  size_t r = 0;                               \
  for (; r + ROWS <= (count); r += ROWS) CALL(ROWS); \
  switch ((count) - r) {                      \
    case 1: CALL(1); break;                   \
    case 2: CALL(2); break;                   \
    case 3: CALL(3); break;                   \
    case 4: CALL(4); break;                   \
    case 5: CALL(5); break;                   \
    default: break;                           \
  }

typedef void bfloat_product(
    const uint16_t *rows, size_t count, size_t inputs, const uint16_t *panel,
    const struct product_output *output);
typedef void byte_product(
    const uint8_t *rows, const struct byte_scale *row_scales, size_t count, size_t inputs,
    const struct byte_panel *panel, const struct product_output *output);

#if defined(__x86_64__)
bfloat_product bfloat_product_512;
byte_product byte_product_256;
byte_product byte_product_512;
#elif defined(__aarch64__)
bfloat_product bfloat_product_128;
byte_product byte_product_128;
#endif
