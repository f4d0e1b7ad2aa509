// The interface of CUDA's driver, with the numbers of cuda.h.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "Emulator.hpp"
#include "Machine.hpp"
#include "Registry.hpp"

namespace {
using machine::Graph;
using machine::Stream;
using Guard = std::lock_guard<std::recursive_mutex>;

enum Result {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  noDevice = 100,
  invalidImage = 200,
  invalidContext = 201,
  invalidHandle = 400,
  notFound = 500,
  launchFailed = 719,
};

struct Module {
  std::string source;
};

struct Function {
  const registry::Kernel *kernel;
  int sharedBytesMax;
};

struct Event {
  Stream *stream;
  bool isPending;
};

struct Allocation {
  size_t bytes, mappedBytes;
};

constexpr size_t page = 4096;
/// Shared memory that a block gets without asking.
constexpr unsigned sharedBytesUnasked = 48 << 10;

std::vector<std::unique_ptr<Stream>> streams;
std::map<uint64_t, Allocation> allocations;
size_t allocatedBytes;
std::vector<std::unique_ptr<Function>> functions;
thread_local void *currentContext;
int failure;
long launches;

long number(const char *variable, long otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::atol(text) : otherwise;
}

size_t memoryBytes() { return (size_t)number("SLUICE_EMULATOR_MEMORY", 2L << 30); }

/// Shared memory that a block of this architecture may have.
unsigned sharedBytesMax() {
  switch (machine::architecture()) {
    case 75: return 64 << 10;
    case 80: return 163 << 10;
    case 90: case 100: return 227 << 10;
    default: return 99 << 10;
  }
}

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

int runKernel(
    const Function &function, emulator::Dimensions grid, unsigned threads, unsigned shared,
    const std::vector<std::vector<unsigned char>> &values) {
  const long last = number("SLUICE_EMULATOR_LAUNCHES", -1);
  if (last >= 0 && launches >= last) return failure = launchFailed;
  ++launches;
  std::vector<void *> parameters;
  for (const auto &value : values) parameters.push_back((void *)value.data());
  const bool isDone = emulator::launch(
      grid, threads, shared, [&] { function.kernel->call(parameters.data()); });
  return isDone ? success : failure = launchFailed;
}
}  // namespace

namespace machine {
std::recursive_mutex lock;

int architecture() { return (int)number("SLUICE_EMULATOR_ARCHITECTURE", 80); }

int enqueue(Stream *stream, Operation operation) {
  if (failure) return failure;
  if (!currentContext) return invalidContext;
  if (!stream) return invalidHandle;
  if (stream->captured)
    stream->captured->operations.push_back(std::move(operation));
  else
    stream->waiting.push_back(std::move(operation));
  return success;
}

int finish(Stream *stream) {
  while (!failure && !stream->waiting.empty()) {
    const Operation operation = std::move(stream->waiting.front());
    stream->waiting.pop_front();
    if (const int result = operation()) failure = result;
  }
  return failure;
}

int finishAll() {
  for (const auto &stream : streams) finish(stream.get());
  return failure;
}
}  // namespace machine

using machine::enqueue;
using machine::finish;
using machine::lock;

extern "C" {
/// Begins anew after a failure, as a GPU does for the next process.
int cuInit(unsigned) {
  const Guard guard(lock);
  launches = 0;
  if (failure)
    for (const auto &stream : streams) stream->waiting.clear();
  failure = success;
  return number("SLUICE_EMULATOR_DEVICES", 1) > 0 ? success : noDevice;
}

int cuDriverGetVersion(int *version) {
  *version = 13000;
  return success;
}

int cuDeviceGetCount(int *count) {
  *count = (int)number("SLUICE_EMULATOR_DEVICES", 1);
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
    case 97: *value = (int)sharedBytesMax(); break;
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

int cuCtxSetCurrent(void *context) {
  currentContext = context;
  return failure;
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

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, Stream *stream) {
  const Guard guard(lock);
  if (!isDeviceMemory(to, bytes)) return invalidValue;
  return enqueue(stream, [=] {
    std::memset((void *)to, value, bytes);
    return (int)success;
  });
}

int cuStreamCreate(Stream **stream, unsigned) {
  const Guard guard(lock);
  if (!currentContext) return invalidContext;
  streams.emplace_back(new Stream());
  *stream = streams.back().get();
  return failure;
}

int cuStreamDestroy_v2(Stream *stream) {
  const Guard guard(lock);
  finish(stream);
  for (auto place = streams.begin(); place != streams.end(); ++place)
    if (place->get() == stream) {
      streams.erase(place);
      return failure;
    }
  return invalidHandle;
}

int cuStreamSynchronize(Stream *stream) {
  const Guard guard(lock);
  return finish(stream);
}

int cuStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  const Guard guard(lock);
  return enqueue(stream, [=] { return event->isPending ? finish(event->stream) : (int)success; });
}

int cuEventCreate(Event **event, unsigned) {
  *event = new Event{nullptr, false};
  return failure;
}

int cuEventDestroy_v2(Event *event) {
  const Guard guard(lock);
  if (event->isPending) finish(event->stream);
  delete event;
  return failure;
}

int cuEventRecord(Event *event, Stream *stream) {
  const Guard guard(lock);
  event->stream = stream;
  event->isPending = true;
  return enqueue(stream, [=] {
    event->isPending = false;
    return (int)success;
  });
}

int cuEventSynchronize(Event *event) {
  const Guard guard(lock);
  return event->isPending ? finish(event->stream) : failure;
}

int cuEventElapsedTime(float *milliseconds, Event *, Event *) {
  *milliseconds = 1;
  return failure;
}

int cuModuleLoadData(Module **module, const void *image) {
  const std::string text((const char *)image), start = "emulated ";
  if (text.compare(0, start.size(), start) != 0) return invalidImage;
  *module = new Module{text.substr(start.size())};
  return failure;
}

int cuModuleUnload(Module *module) {
  delete module;
  return failure;
}

int cuModuleGetFunction(Function **function, Module *module, const char *name) {
  const Guard guard(lock);
  const registry::Kernel *kernel = registry::find(module->source, name);
  if (!kernel) return notFound;
  functions.emplace_back(new Function{kernel, (int)sharedBytesUnasked});
  *function = functions.back().get();
  return failure;
}

int cuFuncSetAttribute(Function *function, int attribute, int value) {
  if (attribute != 8 || value > (int)sharedBytesMax()) return invalidValue;
  function->sharedBytesMax = value;
  return failure;
}

int cuLaunchKernel(
    Function *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
    unsigned blockY, unsigned blockZ, unsigned shared, Stream *stream, void **parameters,
    void **) {
  const Guard guard(lock);
  const bool isSized = gridX > 0 && gridY > 0 && gridY < 65536 && gridZ == 1 && blockX > 0 &&
                       blockX <= 1024 && blockY == 1 && blockZ == 1;
  if (!isSized || (int)shared > function->sharedBytesMax) return invalidValue;
  std::vector<std::vector<unsigned char>> values;
  for (size_t bytes : function->kernel->parameterBytes) {
    const unsigned char *value = (const unsigned char *)*parameters++;
    values.emplace_back(value, value + bytes);
  }
  return enqueue(stream, [=] {
    return runKernel(*function, {gridX, gridY}, blockX, shared, values);
  });
}

int cuStreamBeginCapture_v2(Stream *stream, int) {
  const Guard guard(lock);
  if (stream->captured) return invalidValue;
  stream->captured.reset(new Graph());
  return failure;
}

int cuStreamEndCapture(Stream *stream, Graph **graph) {
  const Guard guard(lock);
  *graph = stream->captured.release();
  return *graph ? failure : (int)invalidValue;
}

int cuGraphInstantiateWithFlags(Graph **executable, Graph *graph, unsigned long long) {
  *executable = new Graph(*graph);
  return failure;
}

int cuGraphLaunch(Graph *graph, Stream *stream) {
  const Guard guard(lock);
  for (const auto &operation : graph->operations)
    if (const int result = enqueue(stream, operation)) return result;
  return failure;
}

int cuGraphExecDestroy(Graph *graph) {
  delete graph;
  return failure;
}

int cuGraphDestroy(Graph *graph) {
  delete graph;
  return failure;
}
}
