// cuBLASLt's interface, with the numbers of cublasLt.h. It computes what Sluice asks for and refuses
// the rest: transposed A, column-major matrices, 32-bit sums.
#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "Emulator.hpp"
#include "Machine.hpp"

namespace {
using machine::Guard, machine::Stream, machine::lock;

enum Status { done = 0, notInitialized = 1, invalid = 7, unsupported = 15 };

struct Multiplication {
  int transposesA, epilogue;
  uint64_t bias, scaleA, scaleB;
  int8_t isFast;
};

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t stride;
};

struct Algorithm {
  uint64_t number, columns, rest[6];
};

struct Proposal {
  Algorithm algorithm;
  size_t workspaceBytes;
  int state;
  float waves;
  int reserved[4];
};

constexpr int fp16 = 2, bf16 = 14, e4m3 = 28, biasEpilogue = 4;

/// Bytes of a number, 0 for formats that are not emulated.
size_t bytesOf(int type) { return type == e4m3 ? 1 : type == fp16 || type == bf16 ? 2 : 0; }

float read(int type, uint64_t address, size_t index) {
  if (type == e4m3) return Quarter::widen(((const uint8_t *)address)[index]);
  const uint16_t bits = ((const uint16_t *)address)[index];
  return type == fp16 ? Half::widen(bits) : Brain::widen(bits);
}

void write(int type, uint64_t address, size_t index, float value) {
  ((uint16_t *)address)[index] = type == fp16 ? Half::round(value) : Brain::round(value);
}

bool fits(const Multiplication &how, const Layout &a, const Layout &b, const Layout &d) {
  const bool isSized = a.rows == b.rows && a.columns == d.rows && b.columns == d.columns;
  const bool isDense = a.stride >= (int64_t)a.rows && b.stride >= (int64_t)b.rows &&
                       d.stride >= (int64_t)d.rows;
  const bool hasTypes = bytesOf(a.type) && a.type == b.type && bytesOf(d.type) == 2;
  // Products of 8-bit numbers want multiples of 16 everywhere.
  const bool isAligned =
      a.type != e4m3 || (a.rows % 16 == 0 && a.columns % 16 == 0 && b.columns % 16 == 0);
  return how.transposesA == 1 && isSized && isDense && hasTypes && isAligned;
}

void compute(
    const Multiplication &how, const Layout &aLayout, const Layout &bLayout, const Layout &dLayout,
    uint64_t a, uint64_t b, uint64_t d) {
  const size_t depth = aLayout.rows;
  std::vector<float> left(depth * aLayout.columns), right(depth);
  for (size_t row = 0; row < aLayout.columns; ++row)
    for (size_t k = 0; k < depth; ++k)
      left[row * depth + k] = read(aLayout.type, a, row * aLayout.stride + k);
  float scale = 1;
  if (how.scaleA) scale *= *(const float *)how.scaleA;
  if (how.scaleB) scale *= *(const float *)how.scaleB;
  for (size_t column = 0; column < bLayout.columns; ++column) {
    for (size_t k = 0; k < depth; ++k)
      right[k] = read(bLayout.type, b, column * bLayout.stride + k);
    for (size_t row = 0; row < aLayout.columns; ++row) {
      float sum = 0;
      for (size_t k = 0; k < depth; ++k) sum += left[row * depth + k] * right[k];
      sum *= scale;
      if (how.epilogue == biasEpilogue) sum += read(dLayout.type, how.bias, row);
      write(dLayout.type, d, column * dLayout.stride + row, sum);
    }
  }
}
}  // namespace

namespace {
/// The generation in the name of the file that this was opened from, such as 12; 13 where there is none.
long generation() {
  static char place;
  Dl_info info;
  if (!dladdr(&place, &info) || !info.dli_fname) return 13;
  const char *ending = std::strstr(info.dli_fname, "libcublasLt.so.");
  return ending ? std::atol(ending + std::strlen("libcublasLt.so.")) : 13;
}
}  // namespace

extern "C" {
size_t cublasLtGetVersion() { return (size_t)generation() * 10000; }

int cublasLtCreate(int **handle) {
  if (generation() == machine::setting("SLUICE_EMULATOR_REFUSED_PRODUCTS", -1)) return notInitialized;
  machine::note("products", nullptr, generation());
  *handle = new int(1);
  return done;
}

int cublasLtDestroy(int *handle) {
  delete handle;
  return done;
}

int cublasLtMatmulDescCreate(Multiplication **operation, int compute, int scale) {
  if (compute != 68 || scale != 0) return invalid;
  *operation = new Multiplication{0, 1, 0, 0, 0, 0};
  return done;
}

int cublasLtMatmulDescDestroy(Multiplication *operation) {
  delete operation;
  return done;
}

int cublasLtMatmulDescSetAttribute(
    Multiplication *operation, int attribute, const void *value, size_t bytes) {
  const auto set = [&](auto &member) {
    if (bytes != sizeof member) return invalid;
    std::memcpy(&member, value, bytes);
    return done;
  };
  switch (attribute) {
    case 3: return set(operation->transposesA);
    case 7: return set(operation->epilogue);
    case 8: return set(operation->bias);
    case 17: return set(operation->scaleA);
    case 18: return set(operation->scaleB);
    case 25: return set(operation->isFast);
    default: return invalid;
  }
}

int cublasLtMatrixLayoutCreate(
    Layout **layout, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  *layout = new Layout{type, rows, columns, stride};
  return done;
}

int cublasLtMatrixLayoutDestroy(Layout *layout) {
  delete layout;
  return done;
}

int cublasLtMatmulPreferenceCreate(size_t **preference) {
  *preference = new size_t(0);
  return done;
}

int cublasLtMatmulPreferenceDestroy(size_t *preference) {
  delete preference;
  return done;
}

int cublasLtMatmulPreferenceSetAttribute(
    size_t *preference, int attribute, const void *value, size_t bytes) {
  if (attribute != 1 || bytes != sizeof *preference) return invalid;
  std::memcpy(preference, value, bytes);
  return done;
}

/// Proposes one algorithm that cannot be used and two that can.
int cublasLtMatmulAlgoGetHeuristic(
    int *, Multiplication *operation, Layout *a, Layout *b, Layout *, Layout *d, size_t *,
    int count, Proposal *proposals, int *found) {
  if (!fits(*operation, *a, *b, *d)) return unsupported;
  *found = count < 3 ? count : 3;
  for (int number = 0; number < *found; ++number) {
    proposals[number] = {};
    proposals[number].algorithm.number = (uint64_t)number + 1;
    proposals[number].algorithm.columns = b->columns;
    proposals[number].state = number == 0 ? unsupported : done;
  }
  return done;
}

/// An algorithm that was proposed for many columns refuses few, as real ones may.
int cublasLtMatmul(
    int *, Multiplication *operation, const void *alpha, uint64_t a, Layout *aLayout, uint64_t b,
    Layout *bLayout, const void *beta, uint64_t, Layout *, uint64_t d, Layout *dLayout,
    const Algorithm *algorithm, uint64_t workspace, size_t, Stream *stream) {
  const Guard guard(lock);
  const bool isOne = *(const float *)alpha == 1 && *(const float *)beta == 0;
  if (!isOne || !workspace || !fits(*operation, *aLayout, *bLayout, *dLayout)) return invalid;
  if (algorithm->number < 2 || algorithm->number > 3) return invalid;
  if (bLayout->columns * 4 < algorithm->columns) return unsupported;
  const Multiplication how = *operation;
  const Layout left = *aLayout, right = *bLayout, result = *dLayout;
  return machine::enqueue(stream, [=] {
    compute(how, left, right, result, a, b, d);
    return (int)success;
  });
}
}
