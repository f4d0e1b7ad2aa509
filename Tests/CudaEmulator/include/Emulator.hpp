// CUDA on the CPU, for tests: one fiber per CUDA thread, blocks one after the other.
//
// Barriers, shuffles and warp products are meetings of fibers. Shared memory comes poisoned, of exactly
// the size that the launch names. A meeting that some threads never reach is reported, not waited for.
//
// The kernels include this header instead of the operations of the GPU.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>

#define KERNEL static void
#define DEVICE inline
#define UNROLL
#define THREADS(count)
#define THREADS_AND_BLOCKS(count, blocks)
#define SHARED_MEMORY(name) unsigned char *name = emulator::sharedMemory()

namespace emulator {
struct Dimensions {
  unsigned x, y;
};

/// Runs `body` once per thread of every block; false if a barrier was not reached by all.
bool launch(
    Dimensions grid, unsigned threads, size_t sharedBytes, const std::function<void()> &body);

/// The block's shared memory.
unsigned char *sharedMemory();
/// The number of the running thread in its block.
unsigned thread();
/// Waits for all threads of the block.
void meetBlock();
/// The value of lane `lane ^ mask`.
float exchange(float value, int mask);
/// Reads four 8 x 8 matrices of 16-bit values as ldmatrix does, transposed or not. Rows at odd places, and
/// eight rows that meet in a bank, are faults.
void loadMatrices(uint32_t *pairs, const unsigned char *row, bool isTransposed);
/// Remembers a copy of 16 bytes, or zeros without `from`; it is done when its group is waited for, and no
/// earlier.
void beginCopy(unsigned char *to, const void *from);
void endCopies();
/// Does the running thread's copies but the last `left` groups.
void waitForCopies(size_t left);
/// A warp's product in the fragment layout of mma.sync.m16n8k16, with 16-bit values widened by `widen`.
void multiply(
    float *d, const uint32_t *a, uint32_t b0, uint32_t b1, float (*widen)(uint16_t));

extern Dimensions block, grid;

struct ThreadNumber {
  struct {
    operator unsigned() const { return thread(); }
  } x;
};
}  // namespace emulator

static const emulator::ThreadNumber threadIdx = {};
#define blockIdx emulator::block
#define gridDim emulator::grid
#define __syncthreads() emulator::meetBlock()

inline float shuffleXor(float value, int mask) { return emulator::exchange(value, mask); }
typedef unsigned char *SharedAddress;
inline SharedAddress sharedAddress(void *place) { return (SharedAddress)place; }
template <bool isShared>
void beginCopy(SharedAddress to, const void *from, bool isThere) {
  emulator::beginCopy(to, isThere ? from : nullptr);
}
inline void endCopies() { emulator::endCopies(); }
template <int left>
void waitForCopies() {
  emulator::waitForCopies(left);
}
inline void loadMatrices(uint32_t *pairs, SharedAddress row) {
  emulator::loadMatrices(pairs, row, false);
}
inline void loadTransposed(uint32_t *pairs, SharedAddress row) {
  emulator::loadMatrices(pairs, row, true);
}
inline float powerOfTwo(float x) { return std::exp2(x); }
inline float reciprocal(float x) { return 1 / x; }
inline float reciprocalRoot(float x) { return 1 / std::sqrt(x); }

/// IEEE binary16, rounded to nearest even.
struct Half {
  uint16_t bits;
  static float widen(uint16_t bits);
  static uint16_t round(float value);
  static uint32_t pack(float low, float high) { return round(low) | (uint32_t)round(high) << 16; }
  static void multiply(float *d, const uint32_t *a, uint32_t b0, uint32_t b1) {
    emulator::multiply(d, a, b0, b1, widen);
  }
};

/// E4M3: 4 bits of exponent, 3 of mantissa, rounded to nearest even, up to 448 and no further.
struct Quarter {
  static float widen(uint8_t bits);
  static uint8_t round(float value);
  static uint16_t pack(float low, float high) {
    return (uint16_t)(round(low) | round(high) << 8);
  }
};

/// The upper half of a 32-bit float, rounded to nearest even.
struct Brain {
  uint16_t bits;
  static float widen(uint16_t bits);
  static uint16_t round(float value);
  static uint32_t pack(float low, float high) { return round(low) | (uint32_t)round(high) << 16; }
  static void multiply(float *d, const uint32_t *a, uint32_t b0, uint32_t b1) {
    emulator::multiply(d, a, b0, b1, widen);
  }
};
