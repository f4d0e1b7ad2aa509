// Rows in the registers of warps, and their layer normalization (arXiv 1607.06450).
#pragma once
#include "device.cuh"

/// Rows of a block of 128 threads: one for each warp.
constexpr int rowsPerBlock = 4;

/// The row that the running warp owns.
DEVICE int ownRow() { return blockIdx.x * rowsPerBlock + threadIdx.x / 32; }

/// A row of at most 256 · parts columns: lane l has the eights l, l + 32, l + 64 and so on. The number of
/// columns is a multiple of eight; what lies beyond is zero.
template <int parts>
struct WarpRow {
  const int columns;
  float values[parts][8];

  /// A row of zeros.
  DEVICE WarpRow(int columns) : columns(columns) {
    UNROLL for (int part = 0; part < parts; ++part)
      UNROLL for (int i = 0; i < 8; ++i) values[part][i] = 0;
  }

  /// The first column of one of this lane's eights.
  static DEVICE int column(int part) { return 256 * part + 8 * (threadIdx.x % 32); }

  DEVICE bool has(int part) const { return column(part) < columns; }

  /// This lane's eights of a row of device memory: all of them are on their way before one is used.
  template <typename Value>
  struct Fetched {
    decltype(fetch((const Value *)nullptr)) eights[parts];
  };
  template <typename Value>
  DEVICE Fetched<Value> fetchRow(const Value *from) const {
    Fetched<Value> row = {};
    UNROLL for (int part = 0; part < parts; ++part)
      if (has(part)) row.eights[part] = fetch(from + column(part));
    return row;
  }

  /// Adds what was fetched.
  template <typename Value>
  DEVICE void add(const Fetched<Value> &row) {
    UNROLL for (int part = 0; part < parts; ++part) {
      float others[8];
      widen<Value>(row.eights[part], others);
      UNROLL for (int i = 0; i < 8; ++i) values[part][i] += others[i];
    }
  }

  /// Adds a row of device memory, 16-bit values or 32-bit floats; null adds nothing.
  template <typename Value>
  DEVICE void add(const Value *row) {
    if (row) add(fetchRow(row));
  }

  /// row = (row - mean) / sqrt(variance + epsilon) · scale + shift, all columns of both.
  DEVICE void normalize(const float *scale, const float *shift, float epsilon) {
    const Fetched<float> scales = fetchRow(scale), shifts = fetchRow(shift);
    float sum = 0, squares = 0;
    UNROLL for (int part = 0; part < parts; ++part)
      UNROLL for (int i = 0; i < 8; ++i) sum += values[part][i];
    const float share = 1.0f / (float)columns, mean = warpSum(sum) * share;
    UNROLL for (int part = 0; part < parts; ++part)
      UNROLL for (int i = 0; i < 8; ++i) {
        values[part][i] -= mean;
        squares += has(part) ? values[part][i] * values[part][i] : 0.0f;
      }
    const float inverse = reciprocalRoot(warpSum(squares) * share + epsilon);
    UNROLL for (int part = 0; part < parts; ++part)
      UNROLL for (int i = 0; i < 8; ++i)
        values[part][i] = values[part][i] * inverse * scales.eights[part].values[i] +
                          shifts.eights[part].values[i];
  }

  /// Writes the row, and in 8 bits to `quarters` where that is not null.
  template <typename Element>
  DEVICE void store(Element *row, uint8_t *quarters) const {
    UNROLL for (int part = 0; part < parts; ++part)
      if (has(part)) ::store(row + column(part), values[part]);
    if (!quarters) return;
    UNROLL for (int part = 0; part < parts; ++part)
      if (has(part)) storeQuarters(quarters + column(part), values[part]);
  }
};

/// Kernels for rows of up to 256, 512, 768, 1024, 1536 and 2048 columns; `DeviceKernels.rowParts`.
#define FOR_ROW_PARTS(KERNELS) KERNELS(1) KERNELS(2) KERNELS(3) KERNELS(4) KERNELS(6) KERNELS(8)
