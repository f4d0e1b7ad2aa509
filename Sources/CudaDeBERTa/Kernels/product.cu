// Dense products without a library: the fallback where cuBLASLt is missing, and its reference.
#include "tiles.cuh"

/// Rows, columns and depth of a tile, and its bytes.
constexpr int productTile = 64, productTileBytes = 2 * productTile * productTile;

/// output = input · weightᵀ + bias: a block of 128 threads makes 64 x 64 results, each warp 16 rows;
/// grid (ceil(outputs / 64), ceil(rows / 64)). Shared memory: 32,768 bytes.
///
/// `input` is (rows, inputs), `weight` (outputs, inputs), `bias` (outputs) or null, `output` (rows,
/// outputs). Inputs are a multiple of 8, outputs of 2.
template <typename Element>
DEVICE void multiplyMatrices(
    const Element *input, const Element *weight, const float *bias, Element *output, int rows,
    int inputs, int outputs) {
  SHARED_MEMORY(shared);
  using View = LaneView<productTile>;
  const View view;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
  const int firstRow = blockIdx.y * productTile, firstColumn = blockIdx.x * productTile;
  // Two pairs of tiles: one comes while the other is multiplied.
  const SharedAddress tiles = sharedAddress(shared);
  auto begin = [&](int depth, SharedAddress pair) {
    beginRows<productTile, productTile, 128, true>(
        pair, input + (size_t)firstRow * inputs + depth, inputs, rows - firstRow, inputs - depth);
    beginRows<productTile, productTile, 128, true>(
        pair + productTileBytes, weight + (size_t)firstColumn * inputs + depth, inputs,
        outputs - firstColumn, inputs - depth);
  };
  float sums[productTile / 8][4] = {};
  begin(0, tiles);
  endCopies();
  for (int depth = 0; depth < inputs; depth += productTile) {
    const SharedAddress left = tiles + depth / productTile % 2 * 2 * productTileBytes;
    const SharedAddress other = tiles + (1 - depth / productTile % 2) * 2 * productTileBytes;
    waitForCopies<0>();
    __syncthreads();  // this pair is there; the other is used up
    if (depth + productTile < inputs) begin(depth + productTile, other);
    endCopies();
    uint32_t fragment[View::depth][4];
    view.loadLeft(fragment, left + warp * 16 * View::rowBytes);
    UNROLL for (int n = 0; n < productTile / 8; ++n) {
      View::Right right;
      view.loadRight(right, left + productTileBytes + n * 8 * View::rowBytes);
      UNROLL for (int k = 0; k < View::depth; ++k)
        Element::multiply(sums[n], fragment[k], right.pairs[k][0], right.pairs[k][1]);
    }
  }
  UNROLL for (int n = 0; n < productTile / 8; ++n) {
    const int column = firstColumn + n * 8 + 2 * c;
    if (column >= outputs) continue;
    const float low = bias ? bias[column] : 0.0f, high = bias ? bias[column + 1] : 0.0f;
    UNROLL for (int half = 0; half < 2; ++half) {
      const int row = firstRow + warp * 16 + g + 8 * half;
      if (row < rows)
        *(uint32_t *)(output + (size_t)row * outputs + column) =
            Element::pack(sums[n][2 * half] + low, sums[n][2 * half + 1] + high);
    }
  }
}

#define PRODUCT(name, Element)                                                                      \
  KERNEL THREADS(128) name(                                                                         \
      const Element *input, const Element *weight, const float *bias, Element *output, int rows,    \
      int inputs, int outputs) {                                                                    \
    multiplyMatrices(input, weight, bias, output, rows, inputs, outputs);                           \
  }

PRODUCT(product_fp16, Half)
#ifdef HAS_BF16
PRODUCT(product_bf16, Brain)
#endif
