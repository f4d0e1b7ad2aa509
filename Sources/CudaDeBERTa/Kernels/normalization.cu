// The end of each half of a layer: states = norm(states + addend + bias).
#include "rows.cuh"

/// One block of `rowThreads` threads per row; grid (rows). Shared memory: 4 · (columns + 4) bytes.
///
/// `states` is (rows, columns), as is `addend` or null; `bias` (columns), or null where the product
/// added it; `scale` and `shift` (columns); `output` (rows, columns) may be `states`; `quarters` is the
/// output in 8 bits, or null. Columns are a multiple of 8.
template <typename Element>
DEVICE void addAndNormalize(
    const Element *states, const Element *addend, const float *bias, const float *scale,
    const float *shift, float epsilon, Element *output, uint8_t *quarters, int columns) {
  SHARED_MEMORY(shared);
  const RowMemory memory(shared, columns);
  const size_t start = (size_t)blockIdx.x * columns;
  for (int first = 8 * threadIdx.x; first < columns; first += 8 * rowThreads) {
    float state[8], other[8];
    load(states + start + first, state);
    if (addend)
      load(addend + start + first, other);
    else
      UNROLL for (int i = 0; i < 8; ++i) other[i] = 0;
    UNROLL for (int i = 0; i < 8; ++i)
      memory.row[first + i] = state[i] + other[i] + (bias ? bias[first + i] : 0.0f);
  }
  normalizeRow(
      memory, output + start, quarters ? quarters + start : nullptr, columns, scale, shift, epsilon);
}

#define NORMALIZATION(name, Element)                                                                \
  KERNEL THREADS(rowThreads) name(                                                                  \
      const Element *states, const Element *addend, const float *bias, const float *scale,          \
      const float *shift, float epsilon, Element *output, uint8_t *quarters, int columns) {         \
    addAndNormalize(states, addend, bias, scale, shift, epsilon, output, quarters, columns);        \
  }

NORMALIZATION(normalization_fp16, Half)
#ifdef HAS_BF16
NORMALIZATION(normalization_bf16, Brain)
#endif
