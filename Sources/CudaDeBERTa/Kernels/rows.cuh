// Layer normalization of one row by one block; the statistics are 32-bit floats in two passes.
#pragma once
#include "device.cuh"

/// Threads of a block that owns one row.
constexpr int rowThreads = 128;

/// Shared memory of such a block: the row in 32-bit floats, and one sum per warp.
struct RowMemory {
  float *row;
  float *sums;

  DEVICE RowMemory(unsigned char *shared, int columns)
      : row((float *)shared), sums((float *)shared + columns) {}
};

/// The sum of `value` over the block's threads, in every thread.
DEVICE float blockSum(float value, float *sums) {
  value = warpSum(value);
  __syncthreads();
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  UNROLL for (int warp = 0; warp < rowThreads / 32; ++warp) sum += sums[warp];
  return sum;
}

/// output = (row - mean) / sqrt(variance + epsilon) · scale + shift, for the row in shared memory.
/// Each thread must have written the groups of eight that it reads here: those at 8 · threadIdx.x and
/// every 8 · rowThreads columns further. Without `scale` the row is written as it is. `quarters`, where
/// it is not null, takes the result in 8 bits, too.
template <typename Element>
DEVICE void normalizeRow(
    RowMemory memory, Element *output, uint8_t *quarters, int columns, const float *scale,
    const float *shift, float epsilon) {
  float mean = 0, inverse = 1;
  if (scale) {
    float sum = 0;
    for (int first = 8 * threadIdx.x; first < columns; first += 8 * rowThreads)
      UNROLL for (int i = 0; i < 8; ++i) sum += memory.row[first + i];
    mean = blockSum(sum, memory.sums) / (float)columns;
    float squares = 0;
    for (int first = 8 * threadIdx.x; first < columns; first += 8 * rowThreads)
      UNROLL for (int i = 0; i < 8; ++i) {
        const float centred = memory.row[first + i] - mean;
        squares += centred * centred;
      }
    inverse = 1.0f / sqrtf(blockSum(squares, memory.sums) / (float)columns + epsilon);
  }
  for (int first = 8 * threadIdx.x; first < columns; first += 8 * rowThreads) {
    float values[8];
    UNROLL for (int i = 0; i < 8; ++i) {
      const float value = memory.row[first + i];
      values[i] = scale ? (value - mean) * inverse * scale[first + i] + shift[first + i] : value;
    }
    store(output + first, values);
    if (quarters) storeQuarters(quarters + first, values);
  }
}
