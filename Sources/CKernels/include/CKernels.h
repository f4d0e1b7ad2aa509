/// Loops over floats that the processor's widest vectors should run: no allocation, no state.
///
/// Matrices are row-major; `stride` is the distance between rows in floats. Each function has a
/// plain Swift twin in Tensors/Reference.swift or beside it, which the tests compare it with.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Tells the processor that the thread looks at memory until it changes.
static inline void kernel_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

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

/// Whether this processor has AVX-512 (F, BW, DQ, VL), which the functions that end with `_512` ask
/// for; elsewhere than on x86-64 these are the plain ones.
int kernel_has_512(void);

/// As kernel_gather_by_row.
void kernel_gather_by_row_512(
    float *scores, size_t stride, size_t rows, size_t columns, const float *terms,
    size_t terms_stride, const int32_t *slots, int32_t first);

/// As kernel_gather_by_column.
void kernel_gather_by_column_512(
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

// Products with packed weights: fewer bits than floats, sums of 32.

/// The numbers that are multiplied.
enum product_format {
  /// The upper halves of floats.
  PRODUCT_BFLOAT,
  /// Whole numbers of 8 bits, with a scale for each row and each output.
  PRODUCT_BYTE,
};

/// The instructions that multiply.
enum product_level {
  /// Plain C, for comparison: slower than products of floats.
  PRODUCT_PLAIN,
  /// Arm's BF16 and I8MM: 128 bits.
  PRODUCT_128,
  /// AVX-VNNI: 256 bits.
  PRODUCT_256,
  /// AVX-512 with BF16 or VNNI.
  PRODUCT_512,
};

/// Whether this processor has the instructions.
int kernel_product_runs(enum product_format format, enum product_level level);

/// Outputs whose weights stand together; a weight's last panel is filled up with zeros.
enum { KERNEL_PANEL = 64 };

/// Inputs of a packed row or panel: rounded up to what one instruction takes, two 16-bit floats or
/// four bytes.
static inline size_t kernel_padded_inputs(enum product_format format, size_t inputs) {
  const size_t group = format == PRODUCT_BFLOAT ? 2 : 4;
  return (inputs + group - 1) / group * group;
}

/// Packs weights (outputs, inputs), at most KERNEL_PANEL outputs, into one panel of padded inputs
/// times KERNEL_PANEL.
void kernel_pack_bfloat(
    const float *weight, size_t stride, size_t outputs, size_t inputs, uint16_t *panel);

/// As above, in bytes: weight · factor of its input ≈ byte · scale of its output, where `factors`
/// may be NULL; `sums` are those of what an output's bytes stand for. Scales and sums have
/// KERNEL_PANEL places. The scale of an output with infinity or not-a-number is not a number.
void kernel_pack_bytes(
    const float *weight, size_t stride, size_t outputs, size_t inputs, const float *factors,
    int8_t *panel, float *scales, float *sums);

/// Rows of floats as rows of padded 16-bit floats, to the nearest.
void kernel_rows_to_bfloat(
    const float *values, size_t stride, size_t rows, size_t columns, uint16_t *results);

/// Columns of floats as rows of padded 16-bit floats, to the nearest: results are (columns, padded
/// rows).
void kernel_columns_to_bfloat(
    const float *values, size_t stride, size_t rows, size_t columns, uint16_t *results);

/// The panel that kernel_pack_bfloat makes, of `count` rows, at most KERNEL_PANEL, of padded
/// 16-bit floats.
void kernel_panel_of_rows(
    const uint16_t *rows, size_t count, size_t inputs, uint16_t *panel);

/// As above.
void kernel_panel_of_rows_512(
    const uint16_t *rows, size_t count, size_t inputs, uint16_t *panel);

/// The panel that kernel_pack_bfloat makes of the transpose of `values` (rows, columns), at most
/// KERNEL_PANEL columns: rows are its inputs.
void kernel_panel_of_columns(
    const float *values, size_t stride, size_t rows, size_t columns, uint16_t *panel);

/// Rows of softmax(scale · row) as rows of padded 16-bit floats; overwrites the values.
void kernel_softmax_to_bfloat(
    float *values, size_t stride, size_t rows, size_t columns, float scale, uint16_t *results);

/// What the bytes of a row stand for: value · factor ≈ byte · scale + least.
struct byte_scale {
  float scale;
  float least;
};

/// Rows of floats, times the factor of each column where `factors` are not NULL, as rows of padded
/// bytes. The scale of a row with infinity or not-a-number is not a number.
void kernel_rows_to_bytes(
    const float *values, size_t stride, size_t rows, size_t columns, const float *factors,
    uint8_t *results, struct byte_scale *scales);

/// A panel of bytes and what belongs to it.
struct byte_panel {
  /// (padded inputs, KERNEL_PANEL), four inputs of an output side by side; on a cache line.
  const int8_t *weights;
  const float *scales;
  const float *sums;
};

/// What happens to an output after its bias was added.
enum product_finish { PRODUCT_SUM, PRODUCT_GELU, PRODUCT_TANH };

/// Where a panel's outputs go.
struct product_output {
  float *values;
  /// Floats from row to row.
  size_t stride;
  /// Outputs of the panel that exist.
  size_t columns;
  /// KERNEL_PANEL floats, or NULL.
  const float *bias;
  enum product_finish finish;
  /// Whether outputs are added to what is there, after all else.
  int adds;
};

/// output[r][o] = or += finish(rows[r] · panel[o] + bias[o]), for `count` packed rows of padded
/// `inputs`.
void kernel_product_bfloat(
    enum product_level level, const uint16_t *rows, size_t count, size_t inputs,
    const uint16_t *panel, const struct product_output *output);

/// As above, in bytes.
void kernel_product_bytes(
    enum product_level level, const uint8_t *rows, const struct byte_scale *row_scales,
    size_t count, size_t inputs, const struct byte_panel *panel,
    const struct product_output *output);
