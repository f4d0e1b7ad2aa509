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

namespace machine {
/// A piece of work; a CUresult.
using Operation = std::function<int()>;

struct Graph {
  std::vector<Operation> operations;
};

struct Stream {
  std::deque<Operation> waiting;
  /// Where work goes instead, while it is captured.
  std::unique_ptr<Graph> captured;
};

/// Held by every call.
extern std::recursive_mutex lock;

/// Queues work; the machine's error, if it has failed before.
int enqueue(Stream *stream, Operation operation);

/// Runs all work of a stream, or of all streams.
int finish(Stream *stream);
int finishAll();

/// The architecture that SLUICE_EMULATOR_ARCHITECTURE names; 80 without.
int architecture();
}  // namespace machine
