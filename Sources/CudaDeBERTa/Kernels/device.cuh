// What all kernels stand on: the two precisions, and the few machine operations that they use.
//
// No CUDA header is included, so that NVRTC alone compiles the kernels. With SLUICE_EMULATOR the same
// operations come from the CPU emulator of the tests.
//
// Numbers in device memory are pairs of 16-bit values in 32-bit words, the lower index in the lower
// half. All arithmetic is in 32-bit floats.
#pragma once

#ifdef SLUICE_EMULATOR
#include "Emulator.hpp"
#else

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef short int16_t;
typedef int int32_t;
typedef decltype(sizeof(0)) size_t;

#define KERNEL extern "C" __global__ void
#define DEVICE __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#define THREADS(count) __launch_bounds__(count, 1)
/// So many threads, and so few registers that this many blocks fit into a multiprocessor.
#define THREADS_AND_BLOCKS(count, blocks) __launch_bounds__(count, blocks)
/// Declares `name`, the shared memory that the launch gives to the block, as bytes.
#define SHARED_MEMORY(name) extern __shared__ __align__(16) unsigned char name[]

/// The value of the lane whose number differs in the bits of `mask`.
DEVICE float shuffleXor(float value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}

/// 2 to the power x.
DEVICE float powerOfTwo(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// 1 / x.
DEVICE float reciprocal(float x) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// 1 / √x.
DEVICE float reciprocalRoot(float x) {
  float result;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// A place in the block's shared memory, in bytes.
typedef uint32_t SharedAddress;

DEVICE SharedAddress sharedAddress(const void *place) {
  uint64_t address;
  asm("cvta.to.shared.u64 %0, %1;" : "=l"(address) : "l"(place));
  return (SharedAddress)address;
}

/// Begins to copy 16 bytes from device to shared memory, or 16 zeros if `isThere` is false. With
/// `isShared` the bytes go through the multiprocessor's cache: other blocks will want them, too.
template <bool isShared>
DEVICE void beginCopy(SharedAddress to, const void *from, bool isThere) {
#if __CUDA_ARCH__ >= 800
  const int bytes = isThere ? 16 : 0;
  if (isShared)
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
  else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
#else
  // Turing copies at once.
  uint4 values = {0, 0, 0, 0};
  if (isThere) values = *(const uint4 *)from;
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(values.x), "r"(values.y),
               "r"(values.z), "r"(values.w));
#endif
}

/// Ends a group of copies that this thread began.
DEVICE void endCopies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;");
#endif
}

/// Waits for this thread's groups of copies but the last `left`; after a barrier all threads see them.
template <int left>
DEVICE void waitForCopies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(left));
#endif
}

/// Reads four matrices of 8 x 8 values from shared memory: lane l names row l % 8 of matrix l / 8, at a
/// multiple of 16 bytes, and gets the pair at row l / 4 and columns 2 (l % 4) of each.
DEVICE void loadMatrices(uint32_t *pairs, SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(pairs[0]), "=r"(pairs[1]), "=r"(pairs[2]), "=r"(pairs[3])
               : "r"(row));
}

/// As `loadMatrices`, with rows and columns of each matrix exchanged.
DEVICE void loadTransposed(uint32_t *pairs, SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(pairs[0]), "=r"(pairs[1]), "=r"(pairs[2]), "=r"(pairs[3])
               : "r"(row));
}

/// IEEE binary16: 11 significant bits, up to 65504.
struct Half {
  uint16_t bits;

  static DEVICE float widen(uint16_t bits) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(bits));
    return result;
  }

  static DEVICE uint16_t round(float value) {
    uint16_t result;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result) : "f"(value));
    return result;
  }

  /// Two values rounded into one word, the first in its lower half.
  static DEVICE uint32_t pack(float low, float high) {
#if __CUDA_ARCH__ >= 800
    uint32_t result;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
#else
    return round(low) | (uint32_t)round(high) << 16;
#endif
  }

  /// d += a · b, a 16 x 16 by 8 x 16 transposed product of one warp. With g = lane / 4, c = lane % 4:
  /// a[0..3] are the pairs at rows g, g+8, g, g+8 and columns 2c, 2c, 2c+8, 2c+8; b0 and b1 the pairs at
  /// row g and columns 2c and 2c+8; d[0..3] are (g, 2c), (g, 2c+1), (g+8, 2c), (g+8, 2c+1).
  static DEVICE void multiply(float *d, const uint32_t *a, uint32_t b0, uint32_t b1) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
    // Turing multiplies 8 columns at a time: the halves of the fragments are its fragments.
    UNROLL for (int half = 0; half < 2; ++half)
      asm volatile(
          "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
          "{%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(half == 0 ? b0 : b1));
#endif
  }
};

#if __CUDA_ARCH__ >= 800
/// The upper half of a 32-bit float: 8 significant bits, the same range. From sm_80.
struct Brain {
  uint16_t bits;

  static DEVICE float widen(uint16_t bits) { return __uint_as_float((uint32_t)bits << 16); }

  static DEVICE uint16_t round(float value) {
    uint16_t result;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result) : "f"(value));
    return result;
  }

  /// As Half::pack.
  static DEVICE uint32_t pack(float low, float high) {
    uint32_t result;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
  }

  /// As Half::multiply.
  static DEVICE void multiply(float *d, const uint32_t *a, uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};
#endif
#endif

#ifndef SLUICE_EMULATOR
/// E4M3, numbers of 8 bits that only products read: 4 significant bits, up to 448. From sm_89.
struct Quarter {
  /// Two values, the first in the lower byte, rounded to nearest; what is too large becomes 448.
  static DEVICE uint16_t pack(float low, float high) {
#if __CUDA_ARCH__ >= 890
    uint16_t result;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(result) : "f"(high), "f"(low));
    return result;
#else
    return 0;  // no host asks for it
#endif
  }
};
#endif

/// Whether the precision bf16 is compiled: everywhere but on Turing.
#if defined(SLUICE_EMULATOR) || __CUDA_ARCH__ >= 800
#define HAS_BF16 1
#endif

/// Eight 16-bit values: what a thread reads or writes at once.
struct alignas(16) Eight {
  uint32_t pairs[4];
};

/// Eight 32-bit floats.
struct alignas(16) EightFloats {
  float values[8];
};

/// Eight values as they stand in memory, at a 16-byte boundary.
template <typename Element>
DEVICE Eight fetch(const Element *from) {
  return *(const Eight *)from;
}
DEVICE EightFloats fetch(const float *from) { return *(const EightFloats *)from; }

/// The values of what was fetched.
template <typename Element>
DEVICE void widen(const Eight &eight, float (&values)[8]) {
  UNROLL for (int i = 0; i < 4; ++i) {
    values[2 * i] = Element::widen((uint16_t)eight.pairs[i]);
    values[2 * i + 1] = Element::widen((uint16_t)(eight.pairs[i] >> 16));
  }
}
template <typename Element>
DEVICE void widen(const EightFloats &eight, float (&values)[8]) {
  UNROLL for (int i = 0; i < 8; ++i) values[i] = eight.values[i];
}

/// Reads eight values, 16-bit ones or floats, at a 16-byte boundary.
template <typename Element>
DEVICE void load(const Element *from, float (&values)[8]) {
  widen<Element>(fetch(from), values);
}

/// Rounds and writes eight values at a 16-byte boundary.
template <typename Element>
DEVICE void store(Element *to, const float (&values)[8]) {
  Eight eight;
  UNROLL for (int i = 0; i < 4; ++i)
    eight.pairs[i] = Element::pack(values[2 * i], values[2 * i + 1]);
  *(Eight *)to = eight;
}

/// Rounds eight values to 8 bits and writes them at an 8-byte boundary.
DEVICE void storeQuarters(uint8_t *to, const float (&values)[8]) {
  struct alignas(8) Pair {
    uint32_t words[2];
  } pair;
  UNROLL for (int i = 0; i < 2; ++i)
    pair.words[i] = Quarter::pack(values[4 * i], values[4 * i + 1]) |
                    (uint32_t)Quarter::pack(values[4 * i + 2], values[4 * i + 3]) << 16;
  *(Pair *)to = pair;
}

/// The pair of values at an even index.
template <typename Element>
DEVICE uint32_t pairAt(const Element *from) {
  return *(const uint32_t *)from;
}

/// The sum over the 32 lanes of a warp, in every lane.
DEVICE float warpSum(float value) {
  UNROLL for (int mask = 16; mask > 0; mask /= 2) value += shuffleXor(value, mask);
  return value;
}

/// x/2 · (1 + erf(x/√2)), not the tanh form: x Φ(x), with the tail of the normal distribution by
/// Abramowitz & Stegun 7.1.26, whose error is at most 1.5e-7 / 2.
DEVICE float gelu(float x) {
  // Else minus infinity, which a product of 16 bits may be, would be multiplied by 0.
  if (x < -32.0f) return 0.0f;
  const float t = reciprocal(1.0f + 0.3275911f * 0.70710678f * fabsf(x));
  const float polynomial =
      t * (0.254829592f +
           t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float tail = 0.5f * polynomial * powerOfTwo(-0.72134752f * x * x);
  return x * (x < 0 ? tail : 1.0f - tail);
}
