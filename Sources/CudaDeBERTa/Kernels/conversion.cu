// Weights come in 32-bit floats: rounded = round(values).
#include "device.cuh"

/// One thread per value; blocks of 256 threads, grid (ceil(count / 256)). Rounds to nearest even; what is
/// too large for the precision becomes infinite.
template <typename Element>
DEVICE void convert(const float *values, Element *rounded, int count) {
  const size_t index = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (index < (size_t)count) rounded[index].bits = Element::round(values[index]);
}

#define CONVERSION(name, Element)                                                                   \
  KERNEL THREADS(256) name(const float *values, Element *rounded, int count) {                      \
    convert(values, rounded, count);                                                                \
  }

CONVERSION(conversion_fp16, Half)
#ifdef HAS_BF16
CONVERSION(conversion_bf16, Brain)
#endif
