#if defined(__aarch64__)
#include <arm_neon.h>

#include "micro_kernel.h"

#define UNROLLED _Pragma("clang loop unroll(full)")

/// A quarter of the panel at a time: 24 sums, four weights and a row's value fill 29 of 32
/// registers.
enum { QUARTER = 16, VECTORS = QUARTER / 4 };

__attribute__((always_inline, target("bf16"))) static inline void bfloat_rows_128(
    const size_t count, size_t first, const uint16_t *rows, size_t inputs, const uint16_t *panel,
    const struct product_output *output) {
  struct sums sums;
  for (size_t quarter = 0; quarter < KERNEL_PANEL; quarter += QUARTER) {
    float32x4_t sum[ROWS][VECTORS];
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < VECTORS; ++v) sum[r][v] = vdupq_n_f32(0);
    const uint16_t *part = panel + PAIR * quarter;
    for (size_t k = 0; k < inputs; k += PAIR) {
      bfloat16x8_t weights[VECTORS];
      UNROLLED for (int v = 0; v < VECTORS; ++v)
        weights[v] = vreinterpretq_bf16_u16(vld1q_u16(part + k * KERNEL_PANEL + v * 8));
      UNROLLED for (size_t r = 0; r < count; ++r) {
        uint32_t pair;
        memcpy(&pair, rows + (first + r) * inputs + k, sizeof pair);
        const bfloat16x8_t values = vreinterpretq_bf16_u32(vdupq_n_u32(pair));
        UNROLLED for (int v = 0; v < VECTORS; ++v)
          sum[r][v] = vbfdotq_f32(sum[r][v], values, weights[v]);
      }
    }
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < VECTORS; ++v)
        vst1q_f32(sums.values[r] + quarter + 4 * v, sum[r][v]);
  }
  store(&sums, count, first, output);
}

__attribute__((always_inline, target("i8mm"))) static inline void byte_rows_128(
    const size_t count, size_t first, const uint8_t *rows, const struct byte_scale *row_scales,
    size_t inputs, const struct byte_panel *panel, const struct product_output *output) {
  struct sums sums;
  int32_t totals[ROWS * KERNEL_PANEL];
  for (size_t quarter = 0; quarter < KERNEL_PANEL; quarter += QUARTER) {
    int32x4_t sum[ROWS][VECTORS];
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < VECTORS; ++v) sum[r][v] = vdupq_n_s32(0);
    const int8_t *part = panel->weights + QUAD * quarter;
    for (size_t k = 0; k < inputs; k += QUAD) {
      int8x16_t weights[VECTORS];
      UNROLLED for (int v = 0; v < VECTORS; ++v)
        weights[v] = vld1q_s8(part + k * KERNEL_PANEL + v * 16);
      UNROLLED for (size_t r = 0; r < count; ++r) {
        uint32_t quad;
        memcpy(&quad, rows + (first + r) * inputs + k, sizeof quad);
        const uint8x16_t values = vreinterpretq_u8_u32(vdupq_n_u32(quad));
        UNROLLED for (int v = 0; v < VECTORS; ++v)
          sum[r][v] = vusdotq_s32(sum[r][v], values, weights[v]);
      }
    }
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < VECTORS; ++v)
        vst1q_s32(totals + r * KERNEL_PANEL + quarter + 4 * v, sum[r][v]);
  }
  scale(&sums, totals, count, row_scales + first, panel);
  store(&sums, count, first, output);
}

__attribute__((target("bf16"))) void bfloat_product_128(
    const uint16_t *rows, size_t count, size_t inputs, const uint16_t *panel,
    const struct product_output *output) {
#define CALL(n) bfloat_rows_128(n, r, rows, inputs, panel, output)
  FOR_ROWS(count, CALL)
#undef CALL
}

__attribute__((target("i8mm"))) void byte_product_128(
    const uint8_t *rows, const struct byte_scale *row_scales, size_t count, size_t inputs,
    const struct byte_panel *panel, const struct product_output *output) {
#define CALL(n) byte_rows_128(n, r, rows, row_scales, inputs, panel, output)
  FOR_ROWS(count, CALL)
#undef CALL
}

#endif
