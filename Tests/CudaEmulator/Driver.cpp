// The interface of CUDA's driver, with the numbers of cuda.h: devices and memory.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "Machine.hpp"

namespace {
using machine::Guard, machine::Stream, machine::currentContext, machine::enqueue, machine::failure,
    machine::lock;

struct Allocation {
  size_t bytes, mappedBytes;
};

constexpr size_t page = 4096;

std::map<uint64_t, Allocation> &allocations = machine::immortal<std::map<uint64_t, Allocation>>();
size_t allocatedBytes;

size_t memoryBytes() { return (size_t)machine::setting("SLUICE_EMULATOR_MEMORY", 2L << 30); }

/// Device memory ends at a page that nobody may touch.
uint64_t allocate(size_t bytes) {
  const size_t rounded = (bytes + 255) / 256 * 256;
  const size_t mapped = (rounded + page - 1) / page * page + page;
  unsigned char *start = (unsigned char *)mmap(
      nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return 0;
  mprotect(start + mapped - page, page, PROT_NONE);
  unsigned char *address = start + mapped - page - rounded;
  std::memset(address, 0xff, rounded);  // not a number, in every precision
  allocations[(uint64_t)address] = {rounded, mapped};
  allocatedBytes += rounded;
  return (uint64_t)address;
}

bool isDeviceMemory(uint64_t address, size_t bytes) {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return false;
  --after;
  return address + bytes <= after->first + after->second.bytes;
}
}  // namespace

extern "C" {
int cuInit(unsigned) {
  const Guard guard(lock);
  machine::beginAnew();
  return machine::setting("SLUICE_EMULATOR_DEVICES", 1) > 0 ? success : noDevice;
}

int cuDriverGetVersion(int *version) {
  *version = (int)machine::setting("SLUICE_EMULATOR_DRIVER", 13000);
  return success;
}

int cuDeviceGetCount(int *count) {
  *count = (int)machine::setting("SLUICE_EMULATOR_DEVICES", 1);
  return success;
}

int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return success;
}

int cuDeviceGetName(char *name, int length, int) {
  std::strncpy(name, "CPU emulator", (size_t)length);
  return success;
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
  switch (attribute) {
    case 16: *value = 8; break;  // multiprocessors
    case 75: *value = machine::architecture() / 10; break;
    case 76: *value = machine::architecture() % 10; break;
    case 97: *value = (int)machine::sharedBytesMax(); break;
    default: return invalidValue;
  }
  return success;
}

int cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = memoryBytes();
  return success;
}

int cuGetErrorName(int result, const char **name) {
  switch (result) {
    case outOfMemory: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
    case launchFailed: *name = "CUDA_ERROR_LAUNCH_FAILED"; break;
    case invalidHandle: *name = "CUDA_ERROR_INVALID_HANDLE"; break;
    case noDevice: *name = "CUDA_ERROR_NO_DEVICE"; break;
    default: *name = "CUDA_ERROR"; break;
  }
  return success;
}

int cuGetErrorString(int, const char **text) {
  *text = "played by the emulator";
  return success;
}

int cuDevicePrimaryCtxRetain(void **context, int) {
  static int only;
  *context = &only;
  return failure;
}

int cuDevicePrimaryCtxRelease_v2(int) { return success; }

/// Also after a failure: what a lost device had is given back.
int cuCtxSetCurrent(void *context) {
  currentContext = context;
  return success;
}

int cuMemGetInfo_v2(size_t *available, size_t *total) {
  const Guard guard(lock);
  *total = memoryBytes();
  *available = *total - std::min(*total, allocatedBytes);
  return failure;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  const Guard guard(lock);
  if (failure) return failure;
  if (!currentContext) return invalidContext;
  if (bytes == 0) return invalidValue;
  if (allocatedBytes + bytes > memoryBytes()) return outOfMemory;
  *address = allocate(bytes);
  return *address ? success : outOfMemory;
}

int cuMemFree_v2(uint64_t address) {
  const Guard guard(lock);
  machine::finishAll();
  const auto found = allocations.find(address);
  if (found == allocations.end()) return invalidValue;
  const Allocation allocation = found->second;
  allocatedBytes -= allocation.bytes;
  allocations.erase(found);
  unsigned char *end = (unsigned char *)address + allocation.bytes + page;
  munmap(end - allocation.mappedBytes, allocation.mappedBytes);
  return failure;
}

int cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  if (bytes == 0) return invalidValue;
  // What weights go through is larger.
  const bool isOfABatch = bytes < 1 << 20;
  if (isOfABatch && (long)bytes > machine::setting("SLUICE_EMULATOR_PINNED", 1L << 40)) return outOfMemory;
  *address = std::aligned_alloc(page, (bytes + page - 1) / page * page);
  return *address ? failure : outOfMemory;
}

int cuMemFreeHost(void *address) {
  const Guard guard(lock);
  machine::finishAll();
  std::free(address);
  return failure;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, Stream *stream) {
  const Guard guard(lock);
  if (!isDeviceMemory(to, bytes)) return invalidValue;
  return enqueue(stream, [=] {
    std::memcpy((void *)to, from, bytes);
    return (int)success;
  });
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, Stream *stream) {
  const Guard guard(lock);
  if (!isDeviceMemory(from, bytes)) return invalidValue;
  return enqueue(stream, [=] {
    std::memcpy(to, (const void *)from, bytes);
    return (int)success;
  });
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, Stream *stream) {
  const Guard guard(lock);
  if (!isDeviceMemory(from, bytes) || !isDeviceMemory(to, bytes)) return invalidValue;
  return enqueue(stream, [=] {
    std::memcpy((void *)to, (const void *)from, bytes);
    return (int)success;
  });
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, Stream *stream) {
  const Guard guard(lock);
  if (!isDeviceMemory(to, bytes)) return invalidValue;
  return enqueue(stream, [=] {
    std::memset((void *)to, value, bytes);
    return (int)success;
  });
}
}
