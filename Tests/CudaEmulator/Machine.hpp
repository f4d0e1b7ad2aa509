// The emulated GPU behind the emulated libraries: its streams, and what tests ask of it.
//
// Nothing runs when it is called: streams hold their work until somebody waits for it, so that a
// forgotten wait, or a buffer that is used again too early, shows in the results.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

/// CUresult.
enum Result {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  noDevice = 100,
  invalidImage = 200,
  invalidContext = 201,
  invalidHandle = 400,
  notFound = 500,
  outOfResources = 701,
  launchFailed = 719,
  captureUnsupported = 900,
  captureInvalidated = 901,
};

namespace machine {
/// A piece of work; a CUresult.
using Operation = std::function<int()>;

struct Graph {
  std::vector<Operation> operations;
  /// Times that it was given to a stream.
  int launches = 0;
};

struct Stream {
  std::deque<Operation> waiting;
  /// Where work goes instead, while it is captured.
  std::unique_ptr<Graph> captured;
};

/// What lives as long as the process: when that ends, other threads may still be at their last calls,
/// which must not find destroyed objects.
template <typename Value> Value &immortal() { return *new Value; }

/// Held by every call.
extern std::recursive_mutex lock;
using Guard = std::lock_guard<std::recursive_mutex>;

extern std::vector<std::unique_ptr<Stream>> &streams;
extern thread_local void *currentContext;
/// What failed for good; every call returns it.
extern int failure;
/// Kernels that ran so far.
extern long launches;

/// Forgets a failure, as a GPU does for the next process.
void beginAnew();

/// Queues work; the machine's error, if it has failed before.
int enqueue(Stream *stream, Operation operation);

/// Runs all work of a stream, or of all streams.
int finish(Stream *stream);
int finishAll();

/// A number of the environment.
long setting(const char *variable, long otherwise);

/// Whether recorded work goes wrong at this step, which SLUICE_EMULATOR_GRAPHS names: `begin`, `work`,
/// `end`, `instantiate`, `launch`, `replay` (a later launch) or `nothing` (launches do nothing).
bool goesWrong(const char *step);

/// Writes a line to the file that SLUICE_EMULATOR_JOURNAL names: passes that were launched or recorded, with
/// the blocks of their first kernel, graphs that were replayed, waits that took a core (`spun`) or none
/// (`slept`), and the generation of a library of products that started.
void note(const char *what, const void *stream, long number);

/// The architecture that SLUICE_EMULATOR_ARCHITECTURE names; 80 without.
int architecture();

/// Shared memory that a block of this architecture may have.
unsigned sharedBytesMax();
}  // namespace machine
