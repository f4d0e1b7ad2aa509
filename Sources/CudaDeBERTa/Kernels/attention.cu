// Disentangled attention of packed sequences (DeBERTa, arXiv 2006.03654, equation 4), fused:
//
//   s_ij = (q_i·k_j + q_i·KR[slot(i-j)] + k_j·QR[slot(i-j)]) · scale,   output_i = Σ_j softmax(s)_ij v_j
//
// Nothing of the size of the scores or of tokens x slots touches device memory. A tile of queries and
// keys meets 2 · tile - 1 distances, so it needs that many rows of KR and QR at most: they come to shared
// memory with the keys. Each warp multiplies its rows with its part of these windows; the products are
// the terms from which the scores gather. The softmax is computed as the tiles of keys come (Milakov &
// Gimelshein, arXiv 1805.02867).
#include "tiles.cuh"

/// A run of at most `tile` consecutive queries of one sequence; made by the host. All zeros for none.
struct AttentionTile {
  /// Row of the first query in `queries` and in `output`.
  int32_t queryRow;
  /// Position of the first query in its sequence.
  int32_t queryPosition;
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
  /// The layer's relative tables (slots, heads · headSize), `tableStride` apart, each value times
  /// `scale`; zeros without the term.
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
  static constexpr int threads = 2 * tile;
  /// Slots of a tile of 2 · tile - 1 distances, and of a warp's tile + 15, from a multiple of eight on.
  /// The tables' parts are rings: slots keep their rows while the next tiles need them.
  static constexpr int tableRows = 2 * tile + 8, window = tile + 24;
  static constexpr int distances = 2 * tile - 1;
  /// Bytes of a tile of keys or values, of a table's part, and of the products with it.
  static constexpr int tileBytes = 2 * tile * headSize, tableBytes = 2 * tableRows * headSize;
  static constexpr int termBytes = 2 * tile * window;
  /// Keys, values, both tables, both products, slots.
  static constexpr int sharedBytes = 2 * (tileBytes + tableBytes + termBytes) + 2 * 2 * tile;
};

/// One block of 2 · tile threads per tile of queries and head; grid (tiles, heads).
/// Shared memory: AttentionShape::sharedBytes.
///
/// Nothing waits for device memory but a block's first keys: while a tile's scores are gathered, the next
/// tile's keys and slots take the place of those that are used up, and while its terms are computed, its
/// values come.
template <typename Element, int headSize, int tile>
struct Attention {
  using Shape = AttentionShape<headSize, tile>;
  using View = LaneView<headSize>;
  static constexpr int window = Shape::window, threads = Shape::threads;

  const AttentionArguments<Element> &layer;
  const AttentionTile run;
  const int headColumn, warp, g, c;
  const View view;
  SharedAddress keys, values, keyTable, queryTable;
  /// (tile, window) each: of query i with the slots from its warp's first on, and likewise of key j.
  Element *queryTerms, *keyTerms;
  /// The slot of each distance of the tile, the lowest first.
  int16_t *slots;

  DEVICE Attention(const AttentionArguments<Element> &layer, unsigned char *shared)
      : layer(layer), run(layer.tiles[blockIdx.x]), headColumn(blockIdx.y * headSize),
        warp(threadIdx.x / 32), g(threadIdx.x % 32 / 4), c(threadIdx.x % 4) {
    keys = sharedAddress(shared);
    values = keys + Shape::tileBytes;
    keyTable = values + Shape::tileBytes;
    queryTable = keyTable + Shape::tableBytes;
    queryTerms = (Element *)(shared + 2 * (Shape::tileBytes + Shape::tableBytes));
    keyTerms = queryTerms + tile * window;
    slots = (int16_t *)(keyTerms + tile * window);
  }

  /// The slot of a distance between a query and a key.
  DEVICE int slotOf(int distance) const {
    distance = distance < -layer.reach ? -layer.reach : distance;
    distance = distance > layer.reach ? layer.reach : distance;
    return layer.slots[layer.reach + distance];
  }

  /// The lowest distance of the tile of keys from `first` on.
  DEVICE int lowest(int first) const { return run.queryPosition - first - (tile - 1); }

  /// Begins to bring the keys from `first` on.
  DEVICE void beginKeys(int first) const {
    beginRows<headSize, tile, threads, false>(
        keys, layer.keys + (size_t)(run.keyRow + first) * layer.keyStride + headColumn,
        layer.keyStride, run.keys - first);
  }

  DEVICE void beginValues(int first) const {
    beginRows<headSize, tile, threads, false>(
        values, layer.values + (size_t)(run.keyRow + first) * layer.keyStride + headColumn,
        layer.keyStride, run.keys - first);
  }

  /// The row of the tables' parts so many rows after another one: after the last comes the first.
  static DEVICE int wrapped(int row) {
    return row < 0 ? row + Shape::tableRows : row < Shape::tableRows ? row : row - Shape::tableRows;
  }

  /// Begins to bring the slots `from` to `end` of both tables to the rows from `row` on.
  DEVICE void beginTables(int from, int end, int row) const {
    constexpr int eights = headSize / 8, step = threads / eights;
    const int eight = threadIdx.x % eights;
    for (int slot = from + threadIdx.x / eights; slot < end; slot += step) {
      const size_t source = (size_t)slot * layer.tableStride + headColumn + 8 * eight;
      const int to = placeOf<headSize>(wrapped(row + slot - from), eight);
      beginCopy<true>(keyTable + to, layer.relativeKeys + source, slot < layer.slotCount);
      beginCopy<true>(queryTable + to, layer.relativeQueries + source, slot < layer.slotCount);
    }
  }

  /// Writes products of 16 rows with eight slots.
  static DEVICE void storeTerms(Element *terms, const float (&sums)[4]) {
    *(uint32_t *)terms = Element::pack(sums[0], sums[1]);
    *(uint32_t *)(terms + 8 * window) = Element::pack(sums[2], sums[3]);
  }

  /// Leaves both terms of this warp: its 16 queries meet the distances from 16 · warp on, its 16 keys
  /// those that end there. `base` is the slot in the tables' row `row`.
  DEVICE void computeTerms(const uint32_t (&query)[View::depth][4], int base, int row) const {
    const int queryStart = warp * 16, keyStart = tile - 16 - warp * 16;
    const int queryBase = slots[queryStart] & ~7, keyBase = slots[keyStart] & ~7;
    const int queryGroups = (slots[queryStart + tile + 14] - queryBase) / 8 + 1;
    const int keyGroups = (slots[keyStart + tile + 14] - keyBase) / 8 + 1;
    uint32_t key[View::depth][4];
    view.loadLeft(key, keys + queryStart * View::rowBytes);
    const SharedAddress keyEnd = keyTable + Shape::tableBytes;
    const SharedAddress queryEnd = queryTable + Shape::tableBytes;
    SharedAddress keyRows = keyTable + wrapped(row + queryBase - base) * View::rowBytes;
    SharedAddress queryRows = queryTable + wrapped(row + keyBase - base) * View::rowBytes;
    Element *ofQueries = queryTerms + (queryStart + g) * window + 2 * c;
    Element *ofKeys = keyTerms + (queryStart + g) * window + 2 * c;
    // Both at once, whichever needs more groups: products of one wait for each other.
    const int groups = queryGroups > keyGroups ? queryGroups : keyGroups;
    for (int n = 0; n < groups; ++n) {
      typename View::Right right[2];
      view.loadRight(right[0], keyRows);
      view.loadRight(right[1], queryRows);
      keyRows += 8 * View::rowBytes;
      queryRows += 8 * View::rowBytes;
      if (keyRows == keyEnd) keyRows = keyTable;
      if (queryRows == queryEnd) queryRows = queryTable;
      float sums[2][4] = {};
      UNROLL for (int k = 0; k < View::depth; ++k) {
        Element::multiply(sums[0], query[k], right[0].pairs[k][0], right[0].pairs[k][1]);
        Element::multiply(sums[1], key[k], right[1].pairs[k][0], right[1].pairs[k][1]);
      }
      storeTerms(ofQueries + n * 8, sums[0]);
      storeTerms(ofKeys + n * 8, sums[1]);
    }
  }

  /// scores = queries · keysᵀ.
  DEVICE void multiplyKeys(
      float (&scores)[tile / 8][4], const uint32_t (&query)[View::depth][4]) const {
    UNROLL for (int n = 0; n < tile / 8; ++n) {
      typename View::Right right;
      view.loadRight(right, keys + n * 8 * View::rowBytes);
      UNROLL for (int e = 0; e < 4; ++e) scores[n][e] = 0;
      UNROLL for (int k = 0; k < View::depth; ++k)
        Element::multiply(scores[n], query[k], right.pairs[k][0], right.pairs[k][1]);
    }
  }

  /// scores = scores · scale + both terms.
  DEVICE void gatherTerms(float (&scores)[tile / 8][4]) const {
    const int i = warp * 16 + g, j = 2 * c, lowest = slots[0];
    if (slots[Shape::distances - 1] - lowest == Shape::distances - 1) {
      // Each distance has a slot of its own: all places follow from one, by constants.
      const Element *ofQuery = queryTerms + i * window + (lowest & 7) + g - j + tile - 1;
      const Element *ofKey = keyTerms + j * window + (lowest & 7) + i - j + 15;
      UNROLL for (int n = 0; n < tile / 8; ++n) UNROLL for (int e = 0; e < 4; ++e) {
        const int row = e / 2 * 8, column = n * 8 + e % 2;
        const Element *query = ofQuery + row * window + row - column;
        const Element *key = ofKey + column * window + row - column + n / 2 * 16;
        scores[n][e] = scores[n][e] * layer.scale + Element::widen(query->bits) +
                       Element::widen(key->bits);
      }
    } else {
      const int queryBase = slots[warp * 16] & ~7;
      UNROLL for (int n = 0; n < tile / 8; ++n) {
        const int keyBase = slots[tile - 16 - n / 2 * 16] & ~7;
        UNROLL for (int e = 0; e < 4; ++e) {
          const int row = i + e / 2 * 8, column = j + n * 8 + e % 2;
          const int slot = slots[row - column + tile - 1];
          scores[n][e] = scores[n][e] * layer.scale +
                         Element::widen(queryTerms[row * window + slot - queryBase].bits) +
                         Element::widen(keyTerms[column * window + slot - keyBase].bits);
        }
      }
    }
  }

  DEVICE void attend() const {
    if (run.queries == 0) return;  // recorded work that a small batch does not fill
    const Element *queryRows =
        layer.queries + (size_t)run.queryRow * layer.queryStride + headColumn;
    uint32_t query[View::depth][4];
    int base = slotOf(lowest(0)) & ~7, row = 0;
    int slot = slotOf(lowest(0) + (int)threadIdx.x);
    beginKeys(0);
    beginTables(base, (slotOf(lowest(0) + Shape::distances - 1) | 7) + 1, row);
    endCopies();
    UNROLL for (int k = 0; k < View::depth; ++k) UNROLL for (int e = 0; e < 4; ++e) {
      const int row = warp * 16 + g + e % 2 * 8;
      query[k][e] = row < run.queries
          ? pairAt(queryRows + (size_t)row * layer.queryStride + k * 16 + 2 * c + e / 2 * 8) : 0u;
    }

    float top[2] = {-1e30f, -1e30f}, sum[2] = {};  // of this lane's rows g and g + 8
    float result[headSize / 8][4] = {};
    for (int first = 0; first < run.keys; first += tile) {
      slots[threadIdx.x] = (int16_t)slot;
      waitForCopies<0>();
      __syncthreads();  // keys, tables and slots are there; the values before are used up
      beginValues(first);
      endCopies();
      const int next = lowest(first + tile), nextBase = slotOf(next) & ~7;
      computeTerms(query, base, row);
      float scores[tile / 8][4];
      multiplyKeys(scores, query);
      __syncthreads();  // the terms are there; keys and tables are used up
      if (first + tile < run.keys) {
        // The next distances are lower: only slots below come, in place of the highest.
        beginKeys(first + tile);
        row = wrapped(row + nextBase - base);
        beginTables(nextBase, base, row);
        base = nextBase;
      }
      endCopies();
      slot = slotOf(next + (int)threadIdx.x);

      gatherTerms(scores);
      if (run.keys - first < tile)
        UNROLL for (int n = 0; n < tile / 8; ++n) UNROLL for (int e = 0; e < 4; ++e)
          if (n * 8 + 2 * c + e % 2 >= run.keys - first) scores[n][e] = -1e30f;
      // The softmax goes on with a new maximum: what was summed up before shrinks.
      UNROLL for (int half = 0; half < 2; ++half) {
        const float before = top[half];
        UNROLL for (int n = 0; n < tile / 8; ++n)
          top[half] = fmaxf(top[half], fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
        top[half] = fmaxf(top[half], shuffleXor(top[half], 1));
        top[half] = fmaxf(top[half], shuffleXor(top[half], 2));
        const float factor = powerOfTwo(before - top[half]);
        sum[half] *= factor;
        UNROLL for (int n = 0; n < headSize / 8; ++n) {
          result[n][2 * half] *= factor;
          result[n][2 * half + 1] *= factor;
        }
      }
      UNROLL for (int n = 0; n < tile / 8; ++n) UNROLL for (int e = 0; e < 4; ++e) {
        scores[n][e] = powerOfTwo(scores[n][e] - top[e / 2]);
        sum[e / 2] += scores[n][e];
      }
      waitForCopies<1>();
      __syncthreads();  // the values are there; the slots are used up
      // The accumulators of two groups of scores are the left fragment of the product with the values.
      UNROLL for (int k = 0; k < tile / 16; ++k) {
        const float(&left)[4] = scores[2 * k], (&right)[4] = scores[2 * k + 1];
        const uint32_t weights[4] = {
            Element::pack(left[0], left[1]), Element::pack(left[2], left[3]),
            Element::pack(right[0], right[1]), Element::pack(right[2], right[3])};
        UNROLL for (int n = 0; n < headSize / 16; ++n) {
          uint32_t pairs[4];
          view.loadColumns(pairs, values + k * 16 * View::rowBytes, n);
          Element::multiply(result[2 * n], weights, pairs[0], pairs[1]);
          Element::multiply(result[2 * n + 1], weights, pairs[2], pairs[3]);
        }
      }
    }
    UNROLL for (int half = 0; half < 2; ++half) store(result, sum[half], half);
  }

  /// Writes this lane's part of a row, divided by the sum of its weights: of row g, or with `half` 1 of
  /// row g + 8.
  DEVICE void store(const float (&result)[headSize / 8][4], float sum, int half) const {
    sum += shuffleXor(sum, 1);
    sum += shuffleXor(sum, 2);
    const float inverse = reciprocal(sum);
    const int row = warp * 16 + g + 8 * half;
    if (row >= run.queries) return;
    const size_t start = (size_t)(run.queryRow + row) * layer.outputStride + headColumn + 2 * c;
    UNROLL for (int n = 0; n < headSize / 8; ++n) {
      const float low = result[n][2 * half] * inverse, high = result[n][2 * half + 1] * inverse;
      if (layer.quarters)
        *(uint16_t *)(layer.quarters + start + n * 8) = Quarter::pack(low, high);
      else
        *(uint32_t *)(layer.output + start + n * 8) = Element::pack(low, high);
    }
  }
};

#define ATTENTION(name, Element, headSize, tile)                                                    \
  KERNEL THREADS_AND_BLOCKS(2 * tile, 3) name(AttentionArguments<Element> layer) {                  \
    SHARED_MEMORY(shared);                                                                          \
    Attention<Element, headSize, tile>(layer, shared).attend();                                     \
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
