/// The plain loops over tiles of attention.c and products.c, sixteen at a time.
#include "CKernels.h"
#include "dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 target("avx512f,avx512bw,avx512dq,avx512vl,fma")
#define HELPER __attribute__((always_inline, AVX512)) static inline
#define UNROLLED _Pragma("clang loop unroll(full)")

enum { LANES = 16 };

int kernel_has_512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/// So many lanes, from the first on; all where there are more.
HELPER __mmask16 lanes(size_t count) {
  return (__mmask16)(count < LANES ? (1u << count) - 1 : 0xFFFFu);
}

/// terms[slots[l]] for each lane in use, of slots that do not descend. Neighbouring distances have
/// neighbouring slots, so one vector mostly holds all terms. Nothing beyond the last slot is read.
HELPER __m512 terms_of(
    const float *terms, __m512i slots, int32_t least, int32_t largest, __mmask16 used) {
  if (largest - least >= LANES) return _mm512_mask_i32gather_ps(
      _mm512_setzero_ps(), used, slots, terms, sizeof *terms);
  const __m512 window =
      _mm512_maskz_loadu_ps(lanes((size_t)(largest - least) + 1), terms + least);
  return _mm512_permutexvar_ps(_mm512_sub_epi32(slots, _mm512_set1_epi32(least)), window);
}

/// Rows become columns; sixteen words each.
HELPER void transpose(__m512 *rows) {
  __m512 a[LANES], b[LANES];
  UNROLLED for (int i = 0; i < LANES; i += 2) {
    a[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    a[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
#define PAIRS(unpack, x, y) \
  _mm512_castpd_ps(unpack(_mm512_castps_pd(x), _mm512_castps_pd(y)))
  UNROLLED for (int i = 0; i < LANES; i += 4) {
    b[i] = PAIRS(_mm512_unpacklo_pd, a[i], a[i + 2]);
    b[i + 1] = PAIRS(_mm512_unpackhi_pd, a[i], a[i + 2]);
    b[i + 2] = PAIRS(_mm512_unpacklo_pd, a[i + 1], a[i + 3]);
    b[i + 3] = PAIRS(_mm512_unpackhi_pd, a[i + 1], a[i + 3]);
  }
#undef PAIRS
  // Quarter q of b[4 g + k] is column 4 q + k of rows 4 g to 4 g + 3.
  UNROLLED for (int k = 0; k < 4; ++k) {
    const __m512 even = _mm512_shuffle_f32x4(b[k], b[4 + k], 0x88);
    const __m512 odd = _mm512_shuffle_f32x4(b[k], b[4 + k], 0xDD);
    const __m512 later_even = _mm512_shuffle_f32x4(b[8 + k], b[12 + k], 0x88);
    const __m512 later_odd = _mm512_shuffle_f32x4(b[8 + k], b[12 + k], 0xDD);
    rows[k] = _mm512_shuffle_f32x4(even, later_even, 0x88);
    rows[4 + k] = _mm512_shuffle_f32x4(odd, later_odd, 0x88);
    rows[8 + k] = _mm512_shuffle_f32x4(even, later_even, 0xDD);
    rows[12 + k] = _mm512_shuffle_f32x4(odd, later_odd, 0xDD);
  }
}

__attribute__((AVX512)) void kernel_gather_by_row_512(
    float *restrict scores, size_t stride, size_t rows, size_t columns,
    const float *restrict terms, size_t terms_stride, const int32_t *restrict slots,
    int32_t first) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (size_t j = 0; j < columns; j += LANES) {
    const size_t count = columns - j < LANES ? columns - j : LANES;
    const __mmask16 used = lanes(count);
    // Slots ascend against the columns.
    const __m512i reversed = _mm512_sub_epi32(_mm512_set1_epi32((int)count - 1), lane);
    for (size_t i = 0; i < rows; ++i) {
      const int32_t *slot = slots + i - j - (count - 1);
      const __m512i ascending = _mm512_maskz_loadu_epi32(used, slot);
      const __m512 term = terms_of(
          terms + i * terms_stride - first, _mm512_permutexvar_epi32(reversed, ascending), slot[0],
          slot[count - 1], used);
      float *row = scores + i * stride + j;
      _mm512_mask_storeu_ps(row, used, _mm512_add_ps(_mm512_maskz_loadu_ps(used, row), term));
    }
  }
}

/// Sixteen rows and columns of kernel_gather_by_column_512, or those of them that are there.
HELPER void square_by_column(
    float *restrict scores, size_t stride, size_t rows, size_t columns,
    const float *restrict terms, size_t terms_stride, const int32_t *restrict slots) {
  const __mmask16 used = lanes(rows);
  __m512 square[LANES];
  UNROLLED for (size_t j = 0; j < LANES; ++j) {
    if (j < columns) {
      const int32_t *slot = slots - j;
      square[j] = terms_of(
          terms + j * terms_stride, _mm512_maskz_loadu_epi32(used, slot), slot[0],
          slot[rows - 1], used);
    } else {
      square[j] = _mm512_setzero_ps();
    }
  }
  transpose(square);
  const __mmask16 written = lanes(columns);
  UNROLLED for (size_t i = 0; i < LANES; ++i) {
    if (i < rows) {
      float *row = scores + i * stride;
      _mm512_mask_storeu_ps(
          row, written, _mm512_add_ps(_mm512_maskz_loadu_ps(written, row), square[i]));
    }
  }
}

__attribute__((AVX512)) void kernel_gather_by_column_512(
    float *restrict scores, size_t stride, size_t rows, size_t columns,
    const float *restrict terms, size_t terms_stride, const int32_t *restrict slots,
    int32_t first) {
  for (size_t j = 0; j < columns; j += LANES)
    for (size_t i = 0; i < rows; i += LANES)
      square_by_column(
          scores + i * stride + j, stride, rows - i < LANES ? rows - i : LANES,
          columns - j < LANES ? columns - j : LANES, terms + j * terms_stride - first,
          terms_stride, slots + i - j);
}

__attribute__((AVX512)) void kernel_panel_of_rows_512(
    const uint16_t *restrict rows, size_t count, size_t inputs, uint16_t *restrict panel) {
  const size_t pairs = inputs / 2;
  for (size_t o = 0; o < KERNEL_PANEL; o += LANES)
    for (size_t k = 0; k < pairs; k += LANES) {
      const size_t columns = pairs - k < LANES ? pairs - k : LANES;
      __m512 square[LANES];
      UNROLLED for (size_t r = 0; r < LANES; ++r)
        square[r] = o + r < count
                        ? _mm512_maskz_loadu_ps(
                              lanes(columns), rows + (o + r) * inputs + 2 * k)
                        : _mm512_setzero_ps();
      transpose(square);
      UNROLLED for (size_t c = 0; c < LANES; ++c)
        if (c < columns)
          _mm512_store_ps(panel + 2 * ((k + c) * KERNEL_PANEL + o), square[c]);
    }
}

#else

int kernel_has_512(void) { return 0; }

void kernel_gather_by_row_512(
    float *scores, size_t stride, size_t rows, size_t columns, const float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first) {
  kernel_gather_by_row(scores, stride, rows, columns, terms, terms_stride, slots, first);
}

void kernel_gather_by_column_512(
    float *scores, size_t stride, size_t rows, size_t columns, const float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first) {
  kernel_gather_by_column(scores, stride, rows, columns, terms, terms_stride, slots, first);
}

void kernel_panel_of_rows_512(
    const uint16_t *rows, size_t count, size_t inputs, uint16_t *panel) {
  kernel_panel_of_rows(rows, count, inputs, panel);
}

#endif
