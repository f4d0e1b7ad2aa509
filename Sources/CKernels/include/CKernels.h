/// Loops over floats that the processor's widest vectors should run: no allocation, no state.
///
/// Matrices are row-major; `stride` is the distance between rows in floats. Each function has a
/// plain Swift twin in Tensors/Reference.swift, which the tests compare it with.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// values[r][c] += bias[c].
void kernel_add_bias(
    float *values, size_t stride, size_t rows, size_t columns, const float *bias);

/// values[r][c] = gelu(values[r][c] + bias[c]), gelu(x) = x/2 · (1 + erf(x/√2)).
void kernel_gelu(float *values, size_t stride, size_t rows, size_t columns, const float *bias);

/// Each contiguous row x becomes (x - mean) / sqrt(variance + epsilon) · scale + shift.
void kernel_normalize(
    float *values, size_t rows, size_t columns, const float *scale, const float *shift,
    float epsilon);

/// As kernel_normalize, of values + addend + bias.
void kernel_add_normalize(
    float *values, const float *addend, const float *bias, size_t rows, size_t columns,
    const float *scale, const float *shift, float epsilon);

/// Each row becomes softmax(scale · row); scale is positive.
void kernel_softmax(float *values, size_t stride, size_t rows, size_t columns, float scale);

/// scores[i][j] += terms[i][slots[i - j] - first]: the content-to-position term.
/// `slots` points at the slot of row 0 and column 0, and ascends with i - j.
void kernel_gather_by_row(
    float *scores, size_t stride, size_t rows, size_t columns, const float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first);

/// scores[i][j] += terms[j][slots[i - j] - first]: the position-to-content term.
void kernel_gather_by_column(
    float *scores, size_t stride, size_t rows, size_t columns, const float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first);

/// Widens IEEE half precision, exactly.
void kernel_widen_half(const uint16_t *source, float *target, size_t count);

/// Widens bfloat16, exactly.
void kernel_widen_bfloat(const uint16_t *source, float *target, size_t count);

/// A 64-bit hash of bytes at memory speed; tells contents apart, but resists no attacker.
uint64_t kernel_hash(const void *bytes, size_t count, uint64_t seed);
