// Weights come in 32-bit floats: rounded = round(values · scale).
#include "device.cuh"

/// One thread per value; blocks of 256 threads, grid (ceil(count / 256)). Rounds to nearest even; what is
/// too large for the precision becomes infinite.
template <typename Element>
DEVICE void convert(const float *values, Element *rounded, float scale, int count) {
  const size_t index = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (index < (size_t)count) rounded[index].bits = Element::round(values[index] * scale);
}

/// The same in 8 bits, but two values per thread: grid
/// (ceil(count / 512)). The count is even.
DEVICE void convertToQuarters(const float *values, uint8_t *rounded, float scale, int count) {
  const size_t index = 2 * ((size_t)blockIdx.x * 256 + threadIdx.x);
  if (index < (size_t)count)
    *(uint16_t *)(rounded + index) =
        Quarter::pack(values[index] * scale, values[index + 1] * scale);
}

#define CONVERSION(name, Element)                                                                   \
  KERNEL THREADS(256) name(const float *values, Element *rounded, float scale, int count) {         \
    convert(values, rounded, scale, count);                                                         \
  }

CONVERSION(conversion_fp16, Half)
#ifdef HAS_BF16
CONVERSION(conversion_bf16, Brain)
#endif

KERNEL THREADS(256) conversion_fp8(const float *values, uint8_t *rounded, float scale, int count) {
  convertToQuarters(values, rounded, scale, count);
}
