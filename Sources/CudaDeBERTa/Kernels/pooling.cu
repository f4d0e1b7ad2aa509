// The head: each sequence's first token, and the classifier on the pooled states.
#include "device.cuh"

/// output[s] = states[rows[s]]: blocks of 128 threads, grid (sequences).
///
/// `states` is (tokens, columns), `rows` (sequences) names each sequence's first token, `output` is
/// (sequences, columns). Columns are a multiple of 8.
template <typename Element>
DEVICE void gatherRows(const Element *states, const int32_t *rows, Element *output, int columns) {
  const Element *from = states + (size_t)rows[blockIdx.x] * columns;
  Element *to = output + (size_t)blockIdx.x * columns;
  for (int first = 8 * threadIdx.x; first < columns; first += 8 * 128)
    *(Eight *)(to + first) = *(const Eight *)(from + first);
}

/// logits[s][l] = bias[l] + pooled[s] · weights[l]: one warp per logit, grid (sequences, labels).
///
/// `pooled` is (sequences, columns) after the pooler's product and GELU; `weights` (labels, columns) and
/// `bias` (labels) are 32-bit floats, as are the logits (sequences, labels). Columns: a multiple of 8.
template <typename Element>
DEVICE void classify(
    const Element *pooled, const float *weights, const float *bias, float *logits, int columns) {
  const int sequence = blockIdx.x, label = blockIdx.y, labels = gridDim.y;
  float sum = 0;
  for (int first = 8 * threadIdx.x; first < columns; first += 8 * 32) {
    float values[8];
    load(pooled + (size_t)sequence * columns + first, values);
    UNROLL for (int i = 0; i < 8; ++i) sum += values[i] * weights[(size_t)label * columns + first + i];
  }
  sum = warpSum(sum);
  if (threadIdx.x == 0) logits[(size_t)sequence * labels + label] = sum + bias[label];
}

#define POOLING(suffix, Element)                                                                    \
  KERNEL THREADS(128) first_tokens_##suffix(                                                        \
      const Element *states, const int32_t *rows, Element *output, int columns) {                   \
    gatherRows(states, rows, output, columns);                                                      \
  }                                                                                                 \
  KERNEL THREADS(32) classifier_##suffix(                                                           \
      const Element *pooled, const float *weights, const float *bias, float *logits, int columns) { \
    classify(pooled, weights, bias, logits, columns);                                               \
  }

POOLING(fp16, Half)
#ifdef HAS_BF16
POOLING(bf16, Brain)
#endif
