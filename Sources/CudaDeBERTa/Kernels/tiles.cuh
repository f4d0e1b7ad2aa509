// Tiles of rows in shared memory, and the fragments of products that warps read from them.
#pragma once
#include "device.cuh"

/// The offset in bytes of the `eight`th eight values of a row, in a tile with rows of `columns` values.
/// Rows are not padded: their eights change places, so that the same eight of any eight consecutive
/// rows lies in all banks together. The pattern repeats after eight rows.
template <int columns>
DEVICE int placeOf(int row, int eight) {
  constexpr int eights = columns / 8;
  return 2 * columns * row + 16 * (eight ^ row / (8 / eights) % eights);
}

/// Begins to copy `rows` rows of `columns` values to a tile, by all `threads` threads of the block. Rows
/// from `rowLimit` and columns from `columnLimit` on become zeros. `isShared` as in beginCopy.
template <int columns, int rows, int threads, bool isShared, typename Element>
DEVICE void beginRows(
    SharedAddress tile, const Element *from, int stride, int rowLimit, int columnLimit = columns) {
  constexpr int eights = columns / 8, step = threads / eights;
  static_assert(step % 8 == 0 && rows % step == 0, "each thread's places are a step apart");
  const int first = threadIdx.x / eights, eight = threadIdx.x % eights;
  const SharedAddress to = tile + placeOf<columns>(first, eight);
  const Element *source = from + (size_t)first * stride + 8 * eight;
  UNROLL for (int row = 0; row < rows; row += step)
    beginCopy<isShared>(
        to + 2 * columns * row, source + (size_t)row * stride,
        first + row < rowLimit && 8 * eight < columnLimit);
}

/// What this lane reads of a tile with rows of `columns` values.
template <int columns>
struct LaneView {
  static constexpr int rowBytes = 2 * columns;
  /// Steps of 16 columns.
  static constexpr int depth = columns / 16;
  /// A right fragment: eight rows, all columns; the second pair of a step is that of its last columns.
  struct Right {
    uint32_t pairs[(columns + 31) / 32 * 2][2];
  };

  /// Offsets within eight rows by 32 columns, and within 16 rows by 16 columns.
  int eightRows[(columns + 31) / 32], sixteenRows[depth];

  DEVICE LaneView() {
    const int lane = threadIdx.x % 32;
    UNROLL for (int k = 0; k < (columns + 31) / 32; ++k)
      eightRows[k] = placeOf<columns>(lane % 8, (4 * k + lane / 8) % (columns / 8));
    UNROLL for (int k = 0; k < depth; ++k)
      sixteenRows[k] = placeOf<columns>(lane % 16, 2 * k + lane / 16);
  }

  /// The right operand of products with eight rows, from the place of the first: row g of the fragment is
  /// theirs.
  DEVICE void loadRight(Right &right, SharedAddress rows) const {
    UNROLL for (int k = 0; k < (columns + 31) / 32; ++k)
      loadMatrices(right.pairs[2 * k], rows + eightRows[k]);
  }

  /// The left operand, 16 rows by all columns, from the place of the first row.
  DEVICE void loadLeft(uint32_t (&left)[depth][4], SharedAddress rows) const {
    UNROLL for (int k = 0; k < depth; ++k) loadMatrices(left[k], rows + sixteenRows[k]);
  }

  /// The right operand of products that sum over 16 rows, for the columns 16 k to 16 k + 15: two pairs
  /// for the first eight of them, two for the others.
  DEVICE void loadColumns(uint32_t (&pairs)[4], SharedAddress rows, int k) const {
    loadTransposed(pairs, rows + sixteenRows[k]);
  }
};
