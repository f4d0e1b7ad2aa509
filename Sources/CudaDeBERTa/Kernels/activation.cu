// The activation of the feed-forward part and of the pooler: values = gelu(values + bias).
#include "device.cuh"

/// In place, or to `quarters` in 8 bits where that is not null; one thread per eight values; blocks of
/// 256 threads, grid (rows, ceil(columns / 2048)).
///
/// `values` is (rows, columns); `bias` (columns), or null where the product added it. Columns are a
/// multiple of 8. GELU is x/2 · (1 + erf(x/√2)).
template <typename Element>
DEVICE void activate(Element *values, const float *bias, uint8_t *quarters, int columns) {
  const int column = 8 * (blockIdx.y * 256 + threadIdx.x);
  if (column >= columns) return;
  const size_t place = (size_t)blockIdx.x * columns + column;
  float eight[8], biases[8] = {};
  load(values + place, eight);
  if (bias) load(bias + column, biases);
  UNROLL for (int i = 0; i < 8; ++i) eight[i] = gelu(eight[i] + biases[i]);
  if (quarters)
    storeQuarters(quarters + place, eight);
  else
    store(values + place, eight);
}

#define ACTIVATION(name, Element)                                                                   \
  KERNEL THREADS(256) name(Element *values, const float *bias, uint8_t *quarters, int columns) {    \
    activate(values, bias, quarters, columns);                                                      \
  }

ACTIVATION(activation_fp16, Half)
#ifdef HAS_BF16
ACTIVATION(activation_bf16, Brain)
#endif
