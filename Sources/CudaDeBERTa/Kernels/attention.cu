// Disentangled attention of packed sequences (DeBERTa, arXiv 2006.03654, equation 4), fused:
//
//   s_ij = (q_i·k_j + q_i·KR[slot(i-j)] + k_j·QR[slot(i-j)]) · scale,   output_i = Σ_j softmax(s)_ij v_j
//
// Nothing of the size of the scores or of tokens x slots touches device memory. A tile of queries and
// keys meets 2 · tile - 1 distances, so it needs that many rows of KR and QR at most: they come to shared
// memory with the keys. Each warp multiplies its rows with its part of these windows, and the scores
// gather from the products. The softmax is computed as the tiles of keys come (Milakov & Gimelshein,
// arXiv 1805.02867).
#include "device.cuh"

/// A run of at most `tile` consecutive queries of one sequence; made by the host.
struct AttentionTile {
  /// Row of the first query in `queries` and in `output`.
  int32_t queryRow;
  /// Position of the first query in its sequence.
  int32_t queryPosition;
  /// Queries, at least one.
  int32_t queries;
  /// Row of the sequence's first key and value.
  int32_t keyRow;
  /// Keys: the length of the sequence.
  int32_t keys;
};

/// The operands of one layer. Every row starts at a multiple of eight values.
template <typename Element>
struct AttentionArguments {
  /// (rows, heads · headSize) each, `queryStride` or `keyStride` values apart.
  const Element *queries, *keys, *values;
  /// The layer's relative tables (slots, heads · headSize), `tableStride` apart; null without the term.
  const Element *relativeKeys, *relativeQueries;
  /// Slots of the distances -reach...reach; they ascend by at most one per distance.
  const int16_t *slots;
  /// One per block along x.
  const AttentionTile *tiles;
  /// (query rows, heads · headSize), `outputStride` apart.
  Element *output;
  /// The same in 8 bits, which is then written instead; or null.
  uint8_t *quarters;
  int32_t queryStride, keyStride, tableStride, outputStride;
  /// Rows of the relative tables, and the largest distance in `slots`.
  int32_t slotCount, reach;
  /// scale · log2(e): the softmax is computed with powers of two.
  float scale;
};

/// Sizes that follow from the head's and the tile's.
template <int headSize, int tile>
struct AttentionShape {
  static constexpr int warps = tile / 16, threads = 2 * tile;
  /// Stride of rows of a head, and of a transposed tile of values.
  static constexpr int rowStride = headSize + 8, valueStride = tile + 8;
  /// Slots of a tile of 2 · tile - 1 distances, and of a warp's tile + 15, from a multiple of eight on.
  static constexpr int tableRows = 2 * tile + 8, window = tile + 24;
  static constexpr int distances = 2 * tile - 1;
  /// Bytes of shared memory: keys, values, both tables, both products, slots.
  static constexpr int sharedBytes =
      2 * (tile * rowStride + headSize * valueStride + 2 * tableRows * rowStride +
           2 * tile * window + 2 * tile);
};

/// Brings `count` rows of one head to shared memory, zeros for those from `limit` on.
template <typename Element, int headSize>
DEVICE void loadRows(
    Element *to, const Element *from, int stride, int count, int limit, int threads) {
  constexpr int parts = headSize / 8;
  for (int part = threadIdx.x; part < count * parts; part += threads) {
    const int row = part / parts, column = part % parts * 8;
    Eight eight = {{0, 0, 0, 0}};
    if (row < limit) eight = *(const Eight *)(from + (size_t)row * stride + column);
    *(Eight *)(to + row * (headSize + 8) + column) = eight;
  }
}

/// Brings a tile of values to shared memory with rows and columns exchanged, as products want them.
template <typename Element, int headSize, int tile>
DEVICE void loadValues(Element *to, const Element *from, int stride, int limit) {
  constexpr int parts = headSize / 8;
  using Shape = AttentionShape<headSize, tile>;
  for (int part = threadIdx.x; part < tile * parts; part += Shape::threads) {
    const int row = part % tile, column = part / tile * 8;
    Eight eight = {{0, 0, 0, 0}};
    if (row < limit) eight = *(const Eight *)(from + (size_t)row * stride + column);
    UNROLL for (int i = 0; i < 4; ++i) {
      to[(column + 2 * i) * Shape::valueStride + row].bits = (uint16_t)eight.pairs[i];
      to[(column + 2 * i + 1) * Shape::valueStride + row].bits = (uint16_t)(eight.pairs[i] >> 16);
    }
  }
}

/// products[16 rows][8 · groups slots] = (rows · tableᵀ) · scale by one warp; scaled before they are
/// rounded, so that fp16 does not overflow.
template <typename Element, int headSize, int window>
DEVICE void multiplyWindow(
    Element *products, const uint32_t (&rows)[headSize / 16][4], const Element *table, int groups,
    float scale) {
  const int g = threadIdx.x % 32 / 4, c = threadIdx.x % 4;
  for (int n = 0; n < groups; ++n) {
    float sums[4] = {};
    UNROLL for (int k = 0; k < headSize / 16; ++k) {
      const Element *b = table + (n * 8 + g) * (headSize + 8) + k * 16 + 2 * c;
      Element::multiply(sums, rows[k], pairAt(b), pairAt(b + 8));
    }
    Element *product = products + g * window + n * 8 + 2 * c;
    *(uint32_t *)product = pack<Element>(sums[0] * scale, sums[1] * scale);
    *(uint32_t *)(product + 8 * window) = pack<Element>(sums[2] * scale, sums[3] * scale);
  }
}

/// One block of 2 · tile threads per tile of queries and head; grid (tiles, heads).
/// Shared memory: AttentionShape::sharedBytes.
template <typename Element, int headSize, int tile>
DEVICE void attend(const AttentionArguments<Element> &layer) {
  using Shape = AttentionShape<headSize, tile>;
  constexpr int rowStride = Shape::rowStride, window = Shape::window;
  SHARED_MEMORY(shared);
  Element *keys = (Element *)shared, *values = keys + tile * rowStride;
  Element *keyTable = values + headSize * Shape::valueStride;
  Element *queryTable = keyTable + Shape::tableRows * rowStride;
  Element *queryTerms = queryTable + Shape::tableRows * rowStride;
  Element *keyTerms = queryTerms + tile * window;
  int16_t *slots = (int16_t *)(keyTerms + tile * window);

  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, c = threadIdx.x % 4;
  const int headColumn = blockIdx.y * headSize;
  const AttentionTile run = layer.tiles[blockIdx.x];
  const Element *queryRows = layer.queries + (size_t)run.queryRow * layer.queryStride + headColumn;
  uint32_t query[headSize / 16][4];
  UNROLL for (int k = 0; k < headSize / 16; ++k) UNROLL for (int e = 0; e < 4; ++e) {
    const int row = warp * 16 + g + e % 2 * 8;
    query[k][e] = row < run.queries
        ? pairAt(queryRows + (size_t)row * layer.queryStride + k * 16 + 2 * c + e / 2 * 8) : 0u;
  }

  float top[2] = {-1e30f, -1e30f}, sum[2] = {};  // of this lane's rows g and g + 8
  float result[headSize / 8][4] = {};
  for (int first = 0; first < run.keys; first += tile) {
    __syncthreads();  // the tile before is done with shared memory
    for (int t = threadIdx.x; t < Shape::distances; t += Shape::threads) {
      int distance = run.queryPosition - first - (tile - 1) + t;
      distance = distance < -layer.reach ? -layer.reach : distance;
      distance = distance > layer.reach ? layer.reach : distance;
      slots[t] = layer.slots[layer.reach + distance];
    }
    const size_t keyOffset = (size_t)(run.keyRow + first) * layer.keyStride + headColumn;
    loadRows<Element, headSize>(
        keys, layer.keys + keyOffset, layer.keyStride, tile, run.keys - first, Shape::threads);
    loadValues<Element, headSize, tile>(
        values, layer.values + keyOffset, layer.keyStride, run.keys - first);
    __syncthreads();
    const int base = slots[0] & ~7, rows = (slots[Shape::distances - 1] | 7) + 1 - base;
    const size_t tableOffset = (size_t)base * layer.tableStride + headColumn;
    if (layer.relativeKeys)
      loadRows<Element, headSize>(
          keyTable, layer.relativeKeys + tableOffset, layer.tableStride, rows,
          layer.slotCount - base, Shape::threads);
    if (layer.relativeQueries)
      loadRows<Element, headSize>(
          queryTable, layer.relativeQueries + tableOffset, layer.tableStride, rows,
          layer.slotCount - base, Shape::threads);
    __syncthreads();

    // This warp's 16 queries meet the distances from 16 · warp on, its 16 keys those that end there.
    const int queryBase = slots[warp * 16] & ~7;
    if (layer.relativeKeys)
      multiplyWindow<Element, headSize, window>(
          queryTerms + warp * 16 * window, query, keyTable + (queryBase - base) * rowStride,
          (slots[warp * 16 + tile + 14] - queryBase) / 8 + 1, layer.scale);
    if (layer.relativeQueries) {
      const int keyStart = tile - 16 - warp * 16, keyBase = slots[keyStart] & ~7;
      uint32_t key[headSize / 16][4];
      UNROLL for (int k = 0; k < headSize / 16; ++k) UNROLL for (int e = 0; e < 4; ++e)
        key[k][e] = pairAt(
            keys + (warp * 16 + g + e % 2 * 8) * rowStride + k * 16 + 2 * c + e / 2 * 8);
      multiplyWindow<Element, headSize, window>(
          keyTerms + warp * 16 * window, key, queryTable + (keyBase - base) * rowStride,
          (slots[keyStart + tile + 14] - keyBase) / 8 + 1, layer.scale);
    }
    float score[tile / 8][4] = {};
    UNROLL for (int n = 0; n < tile / 8; ++n) UNROLL for (int k = 0; k < headSize / 16; ++k) {
      const Element *b = keys + (n * 8 + g) * rowStride + k * 16 + 2 * c;
      Element::multiply(score[n], query[k], pairAt(b), pairAt(b + 8));
    }
    __syncthreads();  // the terms of all keys are there

    float before[2] = {top[0], top[1]};
    UNROLL for (int n = 0; n < tile / 8; ++n) {
      const int keyBase = slots[tile - 16 - n / 2 * 16] & ~7;
      UNROLL for (int e = 0; e < 4; ++e) {
        const int i = warp * 16 + g + e / 2 * 8, j = n * 8 + 2 * c + e % 2;
        const int slot = slots[i - j + tile - 1];
        float value = score[n][e] * layer.scale;
        if (layer.relativeKeys)
          value += Element::widen(queryTerms[i * window + slot - queryBase].bits);
        if (layer.relativeQueries)
          value += Element::widen(keyTerms[j * window + slot - keyBase].bits);
        score[n][e] = first + j < run.keys ? value : -1e30f;
        top[e / 2] = fmaxf(top[e / 2], score[n][e]);
      }
    }
    UNROLL for (int half = 0; half < 2; ++half) {
      top[half] = fmaxf(top[half], shuffleXor(top[half], 1));
      top[half] = fmaxf(top[half], shuffleXor(top[half], 2));
      const float factor = powerOfTwo(before[half] - top[half]);
      sum[half] *= factor;
      UNROLL for (int n = 0; n < headSize / 8; ++n) {
        result[n][2 * half] *= factor;
        result[n][2 * half + 1] *= factor;
      }
    }
    UNROLL for (int n = 0; n < tile / 8; ++n) UNROLL for (int e = 0; e < 4; ++e) {
      score[n][e] = powerOfTwo(score[n][e] - top[e / 2]);
      sum[e / 2] += score[n][e];
    }
    // The accumulators of two groups of scores are the left fragment of the product with the values.
    UNROLL for (int k = 0; k < tile / 16; ++k) {
      const float(&low)[4] = score[2 * k], (&high)[4] = score[2 * k + 1];
      const uint32_t weights[4] = {
          pack<Element>(low[0], low[1]), pack<Element>(low[2], low[3]),
          pack<Element>(high[0], high[1]), pack<Element>(high[2], high[3])};
      UNROLL for (int n = 0; n < headSize / 8; ++n) {
        const Element *b = values + (n * 8 + g) * Shape::valueStride + k * 16 + 2 * c;
        Element::multiply(result[n], weights, pairAt(b), pairAt(b + 8));
      }
    }
  }

  UNROLL for (int half = 0; half < 2; ++half) {
    sum[half] += shuffleXor(sum[half], 1);
    sum[half] += shuffleXor(sum[half], 2);
    const float inverse = 1.0f / sum[half];
    const int row = warp * 16 + g + 8 * half;
    if (row >= run.queries) continue;
    const size_t start =
        (size_t)(run.queryRow + row) * layer.outputStride + headColumn + 2 * c;
    UNROLL for (int n = 0; n < headSize / 8; ++n) {
      const float low = result[n][2 * half] * inverse, high = result[n][2 * half + 1] * inverse;
      if (layer.quarters)
        *(uint16_t *)(layer.quarters + start + n * 8) = Quarter::pack(low, high);
      else
        *(uint32_t *)(layer.output + start + n * 8) = pack<Element>(low, high);
    }
  }
}

#define ATTENTION(name, Element, headSize, tile)                                                    \
  KERNEL THREADS(2 * tile) name(AttentionArguments<Element> layer) {                                \
    attend<Element, headSize, tile>(layer);                                                         \
  }

// Turing has 64 KB of shared memory per block: tiles of 32 there.
#if defined(SLUICE_EMULATOR) || __CUDA_ARCH__ < 800
ATTENTION(attention_fp16_16_tile32, Half, 16, 32)
ATTENTION(attention_fp16_32_tile32, Half, 32, 32)
ATTENTION(attention_fp16_64_tile32, Half, 64, 32)
#endif
#ifdef HAS_BF16
ATTENTION(attention_fp16_16, Half, 16, 64)
ATTENTION(attention_fp16_32, Half, 32, 64)
ATTENTION(attention_fp16_64, Half, 64, 64)
ATTENTION(attention_bf16_16, Brain, 16, 64)
ATTENTION(attention_bf16_32, Brain, 32, 64)
ATTENTION(attention_bf16_64, Brain, 64, 64)
#endif
