// Embeddings: states = norm(words[token] + positions[position] + type).
#include "rows.cuh"

/// One block of `rowThreads` threads per token; grid (tokens).
/// Shared memory: 4 · (columns + 4) bytes.
///
/// `tokens` and `tokenPositions` are (tokens); `words` (vocabulary, columns); `positions` (positions,
/// columns) and `type` (columns) or null; `scale` and `shift` (columns), null for no normalization;
/// `states` (tokens, columns); `quarters` the states in 8 bits, or null. Columns are a multiple of 8.
template <typename Element>
DEVICE void embed(
    const int32_t *tokens, const int32_t *tokenPositions, const Element *words,
    const Element *positions, const Element *type, const float *scale, const float *shift,
    float epsilon, Element *states, uint8_t *quarters, int columns) {
  SHARED_MEMORY(shared);
  const RowMemory memory(shared, columns);
  const size_t token = blockIdx.x;
  const Element *word = words + (size_t)tokens[token] * columns;
  for (int first = 8 * threadIdx.x; first < columns; first += 8 * rowThreads) {
    float sum[8], values[8];
    load(word + first, sum);
    if (positions) {
      load(positions + (size_t)tokenPositions[token] * columns + first, values);
      UNROLL for (int i = 0; i < 8; ++i) sum[i] += values[i];
    }
    if (type) {
      load(type + first, values);
      UNROLL for (int i = 0; i < 8; ++i) sum[i] += values[i];
    }
    UNROLL for (int i = 0; i < 8; ++i) memory.row[first + i] = sum[i];
  }
  normalizeRow(
      memory, states + token * columns, quarters ? quarters + token * columns : nullptr, columns,
      scale, shift, epsilon);
}

#define EMBEDDING(name, Element)                                                                    \
  KERNEL THREADS(rowThreads) name(                                                                  \
      const int32_t *tokens, const int32_t *tokenPositions, const Element *words,                   \
      const Element *positions, const Element *type, const float *scale, const float *shift,        \
      float epsilon, Element *states, uint8_t *quarters, int columns) {                             \
    embed(                                                                                          \
        tokens, tokenPositions, words, positions, type, scale, shift, epsilon, states, quarters,    \
        columns);                                                                                   \
  }

EMBEDDING(embedding_fp16, Half)
#ifdef HAS_BF16
EMBEDDING(embedding_bf16, Brain)
#endif
