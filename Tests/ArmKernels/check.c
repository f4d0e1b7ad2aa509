/// Compares the kernels of CKernels with plain arithmetic, on whatever processor runs this: for
/// those that the machine of the tests is not. Prints what it did; the exit code is 1 when a result
/// is wrong.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

static int mistakes = 0;
static uint64_t state = 1;

/// From -1 to 1, always the same ones.
static float number(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (float)(state >> 40) / (float)(1 << 23) - 1.0f;
}

static void expect(int is_right, const char *what, double found, double wanted) {
  if (is_right) return;
  mistakes += 1;
  printf("%s: %g instead of %g\n", what, found, wanted);
}

static void near(
    const char *what, const float *found, const float *wanted, size_t count, double bound) {
  for (size_t i = 0; i < count; ++i)
    expect(fabs((double)found[i] - wanted[i]) <= bound, what, found[i], wanted[i]);
}

static void *memory(size_t bytes) {
  void *result = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (!result) abort();
  memset(result, 0, (bytes + 127) / 64 * 64);
  return result;
}

/// One product at one level; `results` are (rows, outputs).
static void product(
    enum product_format format, enum product_level level, const float *values, size_t rows,
    const float *weight, size_t outputs, size_t inputs, const float *bias,
    enum product_finish finish, float *results) {
  const size_t padded = kernel_padded_inputs(format, inputs);
  void *packed = memory(rows * padded * 2), *panel = memory(padded * KERNEL_PANEL * 2);
  struct byte_scale *row_scales = memory(rows * sizeof *row_scales);
  float *scales = memory(KERNEL_PANEL * sizeof *scales);
  float *sums = memory(KERNEL_PANEL * sizeof *sums);
  float *padded_bias = memory(KERNEL_PANEL * sizeof *padded_bias);
  for (size_t first = 0; first < outputs; first += KERNEL_PANEL) {
    const size_t columns = outputs - first < KERNEL_PANEL ? outputs - first : KERNEL_PANEL;
    memset(padded_bias, 0, KERNEL_PANEL * sizeof *padded_bias);
    memcpy(padded_bias, bias + first, columns * sizeof *padded_bias);
    const struct product_output output = {
        results + first, outputs, columns, padded_bias, finish, 0};
    if (format == PRODUCT_BFLOAT) {
      kernel_rows_to_bfloat(values, inputs, rows, inputs, packed);
      kernel_pack_bfloat(weight + first * inputs, inputs, columns, inputs, panel);
      kernel_product_bfloat(level, packed, rows, padded, panel, &output);
    } else {
      kernel_rows_to_bytes(values, inputs, rows, inputs, NULL, packed, row_scales);
      kernel_pack_bytes(
          weight + first * inputs, inputs, columns, inputs, NULL, panel, scales, sums);
      const struct byte_panel bytes = {panel, scales, sums};
      kernel_product_bytes(level, packed, row_scales, rows, padded, &bytes, &output);
    }
  }
  free(packed), free(panel), free(row_scales), free(scales), free(sums), free(padded_bias);
}

/// One more product beside another: added to what is there.
static void check_adding(enum product_level level) {
  enum { INPUTS = 10, OUTPUTS = 67, COUNT = 13 };
  float values[COUNT * INPUTS], weight[OUTPUTS * INPUTS], found[COUNT * OUTPUTS];
  float wanted[COUNT * OUTPUTS];
  for (size_t i = 0; i < COUNT * INPUTS; ++i) values[i] = number();
  for (size_t i = 0; i < OUTPUTS * INPUTS; ++i) weight[i] = number();
  uint16_t *packed = memory(COUNT * INPUTS * sizeof *packed);
  uint16_t *panel = memory(INPUTS * KERNEL_PANEL * sizeof *panel);
  kernel_rows_to_bfloat(values, INPUTS, COUNT, INPUTS, packed);
  for (size_t first = 0; first < OUTPUTS; first += KERNEL_PANEL) {
    const size_t columns = OUTPUTS - first < KERNEL_PANEL ? OUTPUTS - first : KERNEL_PANEL;
    kernel_pack_bfloat(weight + first * INPUTS, INPUTS, columns, INPUTS, panel);
    struct product_output output = {wanted + first, OUTPUTS, columns, NULL, PRODUCT_SUM, 0};
    kernel_product_bfloat(level, packed, COUNT, INPUTS, panel, &output);
    for (size_t r = 0; r < COUNT; ++r)
      for (size_t c = 0; c < columns; ++c) {
        found[r * OUTPUTS + first + c] = (float)c;
        wanted[r * OUTPUTS + first + c] += (float)c;
      }
    output.values = found + first;
    output.adds = 1;
    kernel_product_bfloat(level, packed, COUNT, INPUTS, panel, &output);
  }
  near("added product", found, wanted, COUNT * OUTPUTS, 0);
  free(packed), free(panel);
}

static void check_products(enum product_format format, enum product_level level) {
  const size_t shapes[][2] = {{1, 1}, {2, 2}, {3, 63}, {4, 64}, {5, 65}, {7, 130}, {130, 200}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
    for (size_t rows = 1; rows <= 13; ++rows) {
      const size_t inputs = shapes[s][0], outputs = shapes[s][1];
      float *values = memory(rows * inputs * sizeof *values);
      float *weight = memory(outputs * inputs * sizeof *weight);
      float *bias = memory(outputs * sizeof *bias);
      float *found = memory(rows * outputs * sizeof *found);
      float *plain = memory(rows * outputs * sizeof *plain);
      for (size_t i = 0; i < rows * inputs; ++i) values[i] = number();
      for (size_t i = 0; i < outputs * inputs; ++i) weight[i] = number();
      for (size_t i = 0; i < outputs; ++i) bias[i] = number();
      for (int finish = PRODUCT_SUM; finish <= PRODUCT_TANH; ++finish) {
        product(format, level, values, rows, weight, outputs, inputs, bias, finish, found);
        product(format, PRODUCT_PLAIN, values, rows, weight, outputs, inputs, bias, finish, plain);
        near("product beside plain", found, plain, rows * outputs, 1e-4);
      }
      // Against the exact product of what was not rounded.
      product(format, level, values, rows, weight, outputs, inputs, bias, PRODUCT_SUM, found);
      for (size_t r = 0; r < rows; ++r) {
        for (size_t o = 0; o < outputs; ++o) {
          double exact = bias[o];
          for (size_t k = 0; k < inputs; ++k)
            exact += (double)values[r * inputs + k] * weight[o * inputs + k];
          const double bound = (double)inputs * (format == PRODUCT_BFLOAT ? 0x1p-8 : 0.009) + 1e-6;
          const double result = found[r * outputs + o];
          expect(fabs(result - exact) <= bound, "product", result, exact);
        }
      }
      free(values), free(weight), free(bias), free(found), free(plain);
    }
  }
}

static void check_rows(void) {
  enum { ROWS = 5, MOST = 130 };
  for (size_t columns = 1; columns <= MOST; ++columns) {
    float values[ROWS * MOST], found[ROWS * MOST], wanted[ROWS * MOST], scale[MOST], shift[MOST];
    for (size_t i = 0; i < ROWS * columns; ++i) values[i] = 4 * number();
    for (size_t c = 0; c < columns; ++c) scale[c] = number(), shift[c] = number();
    memcpy(found, values, sizeof found);
    kernel_gelu(found, columns, ROWS, columns, shift);
    for (size_t i = 0; i < ROWS * columns; ++i) {
      const double x = (double)values[i] + shift[i % columns];
      wanted[i] = (float)(0.5 * x * (1 + erf(x / sqrt(2))));
    }
    near("gelu", found, wanted, ROWS * columns, 2e-6);
    memcpy(found, values, sizeof found);
    kernel_softmax(found, columns, ROWS, columns, 0.5f);
    for (size_t r = 0; r < ROWS; ++r) {
      double sum = 0;
      for (size_t c = 0; c < columns; ++c) sum += exp(0.5 * values[r * columns + c]);
      for (size_t c = 0; c < columns; ++c)
        wanted[r * columns + c] = (float)(exp(0.5 * values[r * columns + c]) / sum);
    }
    near("softmax", found, wanted, ROWS * columns, 1e-6);
    memcpy(found, values, sizeof found);
    kernel_normalize(found, ROWS, columns, scale, shift, 1e-7f);
    for (size_t r = 0; r < ROWS; ++r) {
      double mean = 0, variance = 0;
      for (size_t c = 0; c < columns; ++c) mean += values[r * columns + c] / (double)columns;
      for (size_t c = 0; c < columns; ++c)
        variance += pow(values[r * columns + c] - mean, 2) / (double)columns;
      for (size_t c = 0; c < columns; ++c)
        wanted[r * columns + c] = (float)(
            (values[r * columns + c] - mean) / sqrt(variance + 1e-7) * scale[c] + shift[c]);
    }
    near("normalize", found, wanted, ROWS * columns, 2e-3);
  }
}

static void check_panels(void) {
  enum { MOST = 70 };
  for (size_t inputs = 1; inputs <= MOST; inputs += 3) {
    for (size_t outputs = 1; outputs <= KERNEL_PANEL; outputs += 9) {
      const size_t padded = kernel_padded_inputs(PRODUCT_BFLOAT, inputs);
      const size_t bytes = padded * KERNEL_PANEL * sizeof(uint16_t);
      float *weight = memory(outputs * inputs * sizeof *weight);
      float *values = memory(outputs * inputs * sizeof *values);
      uint16_t *rows = memory(outputs * padded * sizeof *rows);
      uint16_t *wanted = memory(bytes), *of_rows = memory(bytes), *of_columns = memory(bytes);
      for (size_t o = 0; o < outputs; ++o)
        for (size_t k = 0; k < inputs; ++k)
          weight[o * inputs + k] = values[k * outputs + o] = number();
      kernel_pack_bfloat(weight, inputs, outputs, inputs, wanted);
      kernel_rows_to_bfloat(weight, inputs, outputs, inputs, rows);
      kernel_panel_of_rows(rows, outputs, padded, of_rows);
      kernel_panel_of_columns(values, outputs, inputs, outputs, of_columns);
      uint16_t *turned = memory(outputs * padded * sizeof *turned);
      kernel_columns_to_bfloat(values, outputs, inputs, outputs, turned);
      expect(
          memcmp(turned, rows, outputs * padded * sizeof *rows) == 0, "rows of columns", inputs,
          outputs);
      free(turned);
      expect(memcmp(of_rows, wanted, bytes) == 0, "panel of rows", inputs, outputs);
      expect(memcmp(of_columns, wanted, bytes) == 0, "panel of columns", inputs, outputs);
      free(weight), free(values), free(rows), free(wanted), free(of_rows), free(of_columns);
    }
  }
}

int main(void) {
  const char *formats[] = {"bf16", "int8"};
  const char *levels[] = {"plain", "128 bits", "256 bits", "512 bits"};
  for (int format = PRODUCT_BFLOAT; format <= PRODUCT_BYTE; ++format) {
    for (int level = PRODUCT_PLAIN; level <= PRODUCT_512; ++level) {
      if (!kernel_product_runs(format, level)) continue;
      printf("%s, %s\n", formats[format], levels[level]);
      check_products(format, level);
      if (format == PRODUCT_BFLOAT) check_adding(level);
    }
  }
  check_rows();
  check_panels();
  printf("%d mistakes\n", mistakes);
  return mistakes != 0;
}
