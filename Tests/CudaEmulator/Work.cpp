// The interface of CUDA's driver: streams, modules, launches and graphs.
#include <string>

#include "Emulator.hpp"
#include "Machine.hpp"
#include "Registry.hpp"

namespace {
using machine::Graph, machine::Guard, machine::Stream, machine::currentContext, machine::enqueue,
    machine::failure, machine::finish, machine::lock, machine::streams;

struct Module {
  std::string source;
};

struct Function {
  const registry::Kernel *kernel;
  unsigned sharedBytesMax;
};

struct Event {
  Stream *stream;
  bool isPending, isBlocking;
};

/// Shared memory that a block gets without asking.
constexpr unsigned sharedBytesUnasked = 48 << 10;

std::vector<std::unique_ptr<Function>> &functions =
    machine::immortal<std::vector<std::unique_ptr<Function>>>();

int runKernel(
    const Function &function, emulator::Dimensions grid, unsigned threads, unsigned shared,
    const std::vector<std::vector<unsigned char>> &values) {
  const long last = machine::setting("SLUICE_EMULATOR_LAUNCHES", -1);
  if (last >= 0 && machine::launches >= last) return failure = launchFailed;
  ++machine::launches;
  std::vector<void *> parameters;
  for (const auto &value : values) parameters.push_back((void *)value.data());
  const bool isDone = emulator::launch(
      grid, threads, shared, [&] { function.kernel->call(parameters.data()); });
  return isDone ? success : failure = launchFailed;
}
}  // namespace

extern "C" {
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
  machine::note("spun", stream, 0);
  return finish(stream);
}

int cuStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  const Guard guard(lock);
  return enqueue(stream, [=] { return event->isPending ? finish(event->stream) : (int)success; });
}

int cuEventCreate(Event **event, unsigned flags) {
  *event = new Event{nullptr, false, (flags & 1) != 0};
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
  machine::note(event->isBlocking ? "slept" : "spun", event->stream, 0);
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
  functions.emplace_back(new Function{kernel, sharedBytesUnasked});
  *function = functions.back().get();
  return failure;
}

int cuFuncSetAttribute(Function *function, int attribute, int value) {
  if (attribute != 8 || value > (int)machine::sharedBytesMax()) return invalidValue;
  function->sharedBytesMax = (unsigned)value;
  return failure;
}

int cuLaunchKernel(
    Function *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
    unsigned blockY, unsigned blockZ, unsigned shared, Stream *stream, void **parameters,
    void **) {
  const Guard guard(lock);
  if (stream && stream->captured && machine::goesWrong("work")) return captureUnsupported;
  const bool isSized = gridX > 0 && gridY > 0 && gridY < 65536 && gridZ == 1 && blockX > 0 &&
                       blockX <= 1024 && blockY == 1 && blockZ == 1;
  if (!isSized || shared > function->sharedBytesMax) return invalidValue;
  const bool isFirst = std::string(function->kernel->name).find("embedding") == 0;
  if (isFirst) machine::note(stream && stream->captured ? "recorded" : "launched", stream, gridX);
  // Counted from when the number was set.
  static long asked, last = -1;
  const long refused = machine::setting("SLUICE_EMULATOR_REFUSED_LAUNCH", -1);
  if (refused != last) asked = 0;
  last = refused;
  if (++asked == refused) return outOfResources;
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
  if (machine::goesWrong("begin")) return captureUnsupported;
  stream->captured.reset(new Graph());
  return failure;
}

/// A capture that fails to end goes on: its stream can be given no other work.
int cuStreamEndCapture(Stream *stream, Graph **graph) {
  const Guard guard(lock);
  if (machine::goesWrong("end")) return captureInvalidated;
  *graph = stream->captured.release();
  return *graph ? failure : (int)invalidValue;
}

int cuGraphInstantiateWithFlags(Graph **executable, Graph *graph, unsigned long long) {
  if (machine::goesWrong("instantiate")) return outOfMemory;
  *executable = new Graph(*graph);
  return failure;
}

int cuGraphLaunch(Graph *graph, Stream *stream) {
  const Guard guard(lock);
  if (machine::goesWrong(graph->launches++ == 0 ? "launch" : "replay")) return invalidValue;
  machine::note("replayed", stream, (long)graph);
  if (machine::goesWrong("nothing")) return failure;
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
