// Embeddings: states = norm(words[token] + positions[position] + type).
#include "rows.cuh"

/// A warp per token; blocks of 128 threads, grid (ceil(tokens / 4)).
///
/// `tokens` and `tokenPositions` are (count); `words` (vocabulary, columns); `positions` (positions,
/// columns) and `type` (columns) or null; `scale` and `shift` (columns), null for no normalization;
/// `states` (count, columns); `quarters` the states in 8 bits, or null.
template <int parts, typename Element>
DEVICE void embed(
    const int32_t *tokens, const int32_t *tokenPositions, const Element *words,
    const Element *positions, const Element *type, const float *scale, const float *shift,
    float epsilon, Element *states, uint8_t *quarters, int count, int columns) {
  const int token = ownRow();
  if (token >= count) return;
  const size_t start = (size_t)token * columns;
  WarpRow<parts> row(columns);
  row.add(words + (size_t)tokens[token] * columns);
  row.add(positions ? positions + (size_t)tokenPositions[token] * columns : nullptr);
  row.add(type);
  if (scale) row.normalize(scale, shift, epsilon);
  row.store(states + start, quarters ? quarters + start : nullptr);
}

#define EMBEDDING(name, Element, parts)                                                             \
  KERNEL THREADS(32 * rowsPerBlock) name(                                                           \
      const int32_t *tokens, const int32_t *tokenPositions, const Element *words,                   \
      const Element *positions, const Element *type, const float *scale, const float *shift,        \
      float epsilon, Element *states, uint8_t *quarters, int count, int columns) {                  \
    embed<parts>(                                                                                   \
        tokens, tokenPositions, words, positions, type, scale, shift, epsilon, states, quarters,    \
        count, columns);                                                                            \
  }

#define EMBEDDING_FP16(parts) EMBEDDING(embedding_fp16_##parts, Half, parts)
FOR_ROW_PARTS(EMBEDDING_FP16)
#ifdef HAS_BF16
#define EMBEDDING_BF16(parts) EMBEDDING(embedding_bf16_##parts, Brain, parts)
FOR_ROW_PARTS(EMBEDDING_BF16)
#endif
