// Dense products without a library: the fallback where cuBLASLt is missing, and its reference.
#include "device.cuh"

/// Rows, columns and depth of a tile, and the stride of its rows in shared memory: eight values more than
/// the depth, so that the rows that a warp reads at once lie in different banks.
constexpr int productTile = 64;
constexpr int productStride = productTile + 8;

/// Brings rows first...first+63 of columns depth...depth+63 to shared memory; zeros beyond the edges.
template <typename Element>
DEVICE void loadProductTile(
    Element *tile, const Element *matrix, int first, int rows, int depth, int columns) {
  for (int part = threadIdx.x; part < productTile * productTile / 8; part += 128) {
    const int row = part / (productTile / 8), column = part % (productTile / 8) * 8;
    Eight eight = {{0, 0, 0, 0}};
    if (first + row < rows && depth + column < columns)
      eight = *(const Eight *)(matrix + (size_t)(first + row) * columns + depth + column);
    *(Eight *)(tile + row * productStride + column) = eight;
  }
}

/// output = input · weightᵀ + bias: a block of 128 threads makes 64 x 64 results, each warp 16 rows;
/// grid (ceil(outputs / 64), ceil(rows / 64)). Shared memory: 18,432 bytes.
///
/// `input` is (rows, inputs), `weight` (outputs, inputs), `bias` (outputs) or null, `output` (rows,
/// outputs). Inputs are a multiple of 8, outputs of 2.
template <typename Element>
DEVICE void multiplyMatrices(
    const Element *input, const Element *weight, const float *bias, Element *output, int rows,
    int inputs, int outputs) {
  SHARED_MEMORY(shared);
  Element *left = (Element *)shared, *right = left + productTile * productStride;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
  const int firstRow = blockIdx.y * productTile, firstColumn = blockIdx.x * productTile;
  float sums[8][4] = {};
  for (int depth = 0; depth < inputs; depth += productTile) {
    __syncthreads();
    loadProductTile(left, input, firstRow, rows, depth, inputs);
    loadProductTile(right, weight, firstColumn, outputs, depth, inputs);
    __syncthreads();
    UNROLL for (int k = 0; k < productTile; k += 16) {
      const Element *a = left + (warp * 16 + g) * productStride + k + 2 * c;
      const uint32_t fragment[4] = {
          pairAt(a), pairAt(a + 8 * productStride), pairAt(a + 8), pairAt(a + 8 * productStride + 8)};
      UNROLL for (int n = 0; n < 8; ++n) {
        const Element *b = right + (n * 8 + g) * productStride + k + 2 * c;
        Element::multiply(sums[n], fragment, pairAt(b), pairAt(b + 8));
      }
    }
  }
  UNROLL for (int n = 0; n < 8; ++n) {
    const int column = firstColumn + n * 8 + 2 * c;
    if (column >= outputs) continue;
    const float low = bias ? bias[column] : 0.0f, high = bias ? bias[column + 1] : 0.0f;
    UNROLL for (int half = 0; half < 2; ++half) {
      const int row = firstRow + warp * 16 + g + 8 * half;
      if (row < rows)
        *(uint32_t *)(output + (size_t)row * outputs + column) =
            pack<Element>(sums[n][2 * half] + low, sums[n][2 * half + 1] + high);
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
