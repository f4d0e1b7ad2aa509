#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl,fma"
#define UNROLLED _Pragma("clang loop unroll(full)")

/// Four vectors of 16 sums for each row.
enum { WIDE = KERNEL_PANEL / 16 };

__attribute__((always_inline, target(AVX512 ",avx512bf16"))) static inline void bfloat_rows_512(
    const size_t count, size_t first, const uint16_t *rows, size_t inputs, const uint16_t *panel,
    const struct product_output *output) {
  __m512 sum[ROWS][WIDE];
  UNROLLED for (size_t r = 0; r < count; ++r)
    UNROLLED for (int v = 0; v < WIDE; ++v) sum[r][v] = _mm512_setzero_ps();
  for (size_t k = 0; k < inputs; k += PAIR) {
    __m512bh weights[WIDE];
    UNROLLED for (int v = 0; v < WIDE; ++v)
      weights[v] = (__m512bh)_mm512_load_si512(panel + k * KERNEL_PANEL + v * 32);
    UNROLLED for (size_t r = 0; r < count; ++r) {
      int32_t pair;
      memcpy(&pair, rows + (first + r) * inputs + k, sizeof pair);
      const __m512bh values = (__m512bh)_mm512_set1_epi32(pair);
      UNROLLED for (int v = 0; v < WIDE; ++v)
        sum[r][v] = _mm512_dpbf16_ps(sum[r][v], values, weights[v]);
    }
  }
  if (is_plain(output)) {
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < WIDE; ++v)
        _mm512_storeu_ps(output->values + (first + r) * output->stride + 16 * v, sum[r][v]);
    return;
  }
  struct sums sums;
  UNROLLED for (size_t r = 0; r < count; ++r)
    UNROLLED for (int v = 0; v < WIDE; ++v)
      _mm512_storeu_ps(sums.values[r] + 16 * v, sum[r][v]);
  store(&sums, count, first, output);
}

__attribute__((always_inline, target(AVX512 ",avx512vnni"))) static inline void byte_rows_512(
    const size_t count, size_t first, const uint8_t *rows, const struct byte_scale *row_scales,
    size_t inputs, const struct byte_panel *panel, const struct product_output *output) {
  __m512i sum[ROWS][WIDE];
  UNROLLED for (size_t r = 0; r < count; ++r)
    UNROLLED for (int v = 0; v < WIDE; ++v) sum[r][v] = _mm512_setzero_si512();
  for (size_t k = 0; k < inputs; k += QUAD) {
    __m512i weights[WIDE];
    UNROLLED for (int v = 0; v < WIDE; ++v)
      weights[v] = _mm512_load_si512(panel->weights + k * KERNEL_PANEL + v * 64);
    UNROLLED for (size_t r = 0; r < count; ++r) {
      int32_t quad;
      memcpy(&quad, rows + (first + r) * inputs + k, sizeof quad);
      const __m512i values = _mm512_set1_epi32(quad);
      UNROLLED for (int v = 0; v < WIDE; ++v)
        sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], values, weights[v]);
    }
  }
  struct sums sums;
  int32_t totals[ROWS * KERNEL_PANEL];
  UNROLLED for (size_t r = 0; r < count; ++r)
    UNROLLED for (int v = 0; v < WIDE; ++v)
      _mm512_storeu_si512(totals + r * KERNEL_PANEL + 16 * v, sum[r][v]);
  scale(&sums, totals, count, row_scales + first, panel);
  store(&sums, count, first, output);
}

/// A quarter of the panel at a time: 12 sums, two weights and a row's value fill 15 of the 16
/// registers.
__attribute__((always_inline, target("avx2,fma,avxvnni"))) static inline void byte_rows_256(
    const size_t count, size_t first, const uint8_t *rows, const struct byte_scale *row_scales,
    size_t inputs, const struct byte_panel *panel, const struct product_output *output) {
  enum { VECTORS = 2 };
  struct sums sums;
  int32_t totals[ROWS * KERNEL_PANEL];
  for (int quarter = 0; quarter < KERNEL_PANEL; quarter += 8 * VECTORS) {
    __m256i sum[ROWS][VECTORS];
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < VECTORS; ++v) sum[r][v] = _mm256_setzero_si256();
    const int8_t *part = panel->weights + QUAD * quarter;
    for (size_t k = 0; k < inputs; k += QUAD) {
      __m256i weights[VECTORS];
      UNROLLED for (int v = 0; v < VECTORS; ++v)
        weights[v] = _mm256_load_si256((const __m256i *)(part + k * KERNEL_PANEL + v * 32));
      UNROLLED for (size_t r = 0; r < count; ++r) {
        int32_t quad;
        memcpy(&quad, rows + (first + r) * inputs + k, sizeof quad);
        const __m256i values = _mm256_set1_epi32(quad);
        UNROLLED for (int v = 0; v < VECTORS; ++v)
          sum[r][v] = _mm256_dpbusd_avx_epi32(sum[r][v], values, weights[v]);
      }
    }
    UNROLLED for (size_t r = 0; r < count; ++r)
      UNROLLED for (int v = 0; v < VECTORS; ++v)
        _mm256_storeu_si256(
            (__m256i *)(totals + r * KERNEL_PANEL + quarter + 8 * v), sum[r][v]);
  }
  scale(&sums, totals, count, row_scales + first, panel);
  store(&sums, count, first, output);
}

__attribute__((target(AVX512 ",avx512bf16"))) void bfloat_product_512(
    const uint16_t *rows, size_t count, size_t inputs, const uint16_t *panel,
    const struct product_output *output) {
#define CALL(n) bfloat_rows_512(n, r, rows, inputs, panel, output)
  FOR_ROWS(count, CALL)
#undef CALL
}

__attribute__((target(AVX512 ",avx512vnni"))) void byte_product_512(
    const uint8_t *rows, const struct byte_scale *row_scales, size_t count, size_t inputs,
    const struct byte_panel *panel, const struct product_output *output) {
#define CALL(n) byte_rows_512(n, r, rows, row_scales, inputs, panel, output)
  FOR_ROWS(count, CALL)
#undef CALL
}

__attribute__((target("avx2,fma,avxvnni"))) void byte_product_256(
    const uint8_t *rows, const struct byte_scale *row_scales, size_t count, size_t inputs,
    const struct byte_panel *panel, const struct product_output *output) {
#define CALL(n) byte_rows_256(n, r, rows, row_scales, inputs, panel, output)
  FOR_ROWS(count, CALL)
#undef CALL
}

#endif
