// The activation of the feed-forward part and of the pooler: values = gelu(values + bias).
#include "device.cuh"

/// In place, or to `quarters` in 8 bits where that is not null; one thread per eight values; blocks of
/// 256 threads, grid (ceil(rows · columns / 2048)).
///
/// `values` is (rows, columns); `bias` (columns), or null where the product added it. Columns are a
/// multiple of 8. GELU is x/2 · (1 + erf(x/√2)).
template <typename Element>
DEVICE void activate(
    Element *values, const float *bias, uint8_t *quarters, int rows, int columns) {
  const size_t first = 8 * ((size_t)blockIdx.x * 256 + threadIdx.x);
  if (first >= (size_t)rows * columns) return;
  const int column = (int)(first % columns);
  float eight[8];
  load(values + first, eight);
  UNROLL for (int i = 0; i < 8; ++i) eight[i] = gelu(eight[i] + (bias ? bias[column + i] : 0.0f));
  if (quarters)
    storeQuarters(quarters + first, eight);
  else
    store(values + first, eight);
}

#define ACTIVATION(name, Element)                                                                   \
  KERNEL THREADS(256) name(                                                                         \
      Element *values, const float *bias, uint8_t *quarters, int rows, int columns) {               \
    activate(values, bias, quarters, rows, columns);                                                \
  }

ACTIVATION(activation_fp16, Half)
#ifdef HAS_BF16
ACTIVATION(activation_bf16, Brain)
#endif
