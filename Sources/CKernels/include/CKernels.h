/// Loops over floats that the processor's widest vectors should run: no allocation, no state.
///
/// Matrices are row-major; `stride` is the distance between rows in floats. Each function has a
/// plain Swift twin in Tensors/Reference.swift or beside it, which the tests compare it with.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// values[r][c] += bias[c].
void kernel_add_bias(
    float *values, size_t stride, size_t rows, size_t columns, const float *bias);

/// values[r][c] = gelu(values[r][c] + bias[c]), gelu(x) = x/2 · (1 + erf(x/√2)).
void kernel_gelu(float *values, size_t stride, size_t rows, size_t columns, const float *bias);

/// results[i] = gelu(inputs[i]).
void kernel_gelu_of(float *results, const float *inputs, size_t count);

/// values[r][c] = tanh(values[r][c] + bias[c]).
void kernel_tanh(float *values, size_t stride, size_t rows, size_t columns, const float *bias);

/// results[i] = tanh(inputs[i]).
void kernel_tanh_of(float *results, const float *inputs, size_t count);

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

/// gradient[i] *= gelu'(inputs[i]).
void kernel_gelu_gradient(float *gradient, const float *inputs, size_t count);

/// gradient[i] *= tanh'(inputs[i]), which is 1 - tanh².
void kernel_tanh_gradient(float *gradient, const float *inputs, size_t count);

/// From the gradient at the output of kernel_normalize to the one at its `inputs`, in place; adds
/// to the gradients of scale and shift.
void kernel_normalize_gradient(
    float *gradient, const float *inputs, size_t rows, size_t columns, const float *scale,
    float epsilon, float *scale_gradient, float *shift_gradient);

/// From the gradient at softmax(scale · row), whose values are `weights`, to the one at the row, in
/// place. Both have the same stride.
void kernel_softmax_gradient(
    float *gradient, const float *weights, size_t stride, size_t rows, size_t columns,
    float scale);

/// The transpose of kernel_gather_by_row: terms[i][w] = sum of scores[i][j] over the j whose slot
/// is w. `terms_stride` is also the number of columns of terms.
void kernel_scatter_by_row(
    const float *scores, size_t stride, size_t rows, size_t columns, float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first);

/// The transpose of kernel_gather_by_column: terms[j][w] = sum of scores[i][j] over such i.
void kernel_scatter_by_column(
    const float *scores, size_t stride, size_t rows, size_t columns, float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first);

/// total[c] += sum of values[r][c] over the rows.
void kernel_add_rows(
    float *total, const float *values, size_t stride, size_t rows, size_t columns);

/// total[i] += values[i].
void kernel_add(float *total, const float *values, size_t count);

/// Each value becomes 0 with probability drop_below / 2^32, else it is multiplied by scale. What
/// happens to row r, column c depends only on the key and on first_counter + r · columns + c.
void kernel_dropout(
    float *values, size_t stride, size_t rows, size_t columns, uint64_t key,
    uint32_t first_counter, uint32_t drop_below, float scale);

/// The sum of squares, in double precision.
double kernel_sum_of_squares(const float *values, size_t count);

/// The numbers of one AdamW step (Loshchilov and Hutter, arXiv 1711.05101), corrections included.
struct adamw_step {
  /// Multiplies the gradient first: clipping.
  float gradient_scale;
  float beta_1;
  float beta_2;
  float epsilon;
  /// Learning rate / (1 - beta_1^t).
  float rate;
  /// 1 / sqrt(1 - beta_2^t).
  float square_correction;
  /// 1 - learning rate · weight decay.
  float decay;
};

/// One AdamW step on `count` weights.
void kernel_adamw(
    float *weights, float *means, float *squares, const float *gradient, size_t count,
    struct adamw_step step);

/// As kernel_adamw where every gradient is 0.
void kernel_adamw_without_gradient(
    float *weights, float *means, float *squares, size_t count, struct adamw_step step);

/// Widens IEEE half precision, exactly.
void kernel_widen_half(const uint16_t *source, float *target, size_t count);

/// Widens bfloat16, exactly.
void kernel_widen_bfloat(const uint16_t *source, float *target, size_t count);

/// A 64-bit hash of bytes at memory speed; tells contents apart, but resists no attacker.
uint64_t kernel_hash(const void *bytes, size_t count, uint64_t seed);
