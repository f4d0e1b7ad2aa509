#include "Emulator.hpp"

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <ucontext.h>
#include <vector>

namespace emulator {
Dimensions block, grid;

namespace {
constexpr size_t stackBytes = 256 << 10;

/// 16 bytes on their way to shared memory; zeros without `from`.
struct Copy {
  unsigned char *to;
  const void *from;
};

/// A CUDA thread. It outlives its block: the next one gives it another turn through `program`.
struct Fiber {
  std::unique_ptr<unsigned char[]> stack;
  ucontext_t beginning;
  jmp_buf place;
  bool isStarted, isDone;
  /// Groups of copies that were not waited for, the oldest first; the last is still open.
  std::deque<std::vector<Copy>> copies;
};

/// A meeting of `size` threads: those who come early wait for the generation to change.
struct Meeting {
  unsigned size = 0, waiting = 0, generation = 0;
};

struct Warp {
  Meeting meeting;
  float offered[32], exchanged[32];
  const unsigned char *rows[32];
  uint16_t matrices[4][8][8];
  uint32_t a[32][4], b[32][2];
  float products[16][8];
};

jmp_buf scheduler;
// Never destroyed: other threads may still be at their last calls when the process ends.
std::vector<std::unique_ptr<Fiber>> &fibers = *new std::vector<std::unique_ptr<Fiber>>;
std::vector<Warp> &warps = *new std::vector<Warp>;
Meeting everyone;
unsigned current, meetings;
std::unique_ptr<unsigned char[]> &memory = *new std::unique_ptr<unsigned char[]>;
size_t memoryBytes;
/// What a kernel did that no GPU would do as it means it; nothing more of its launch runs.
const char *fault;
const std::function<void()> *program;

/// Lets the scheduler go on; returns when the scheduler comes back to this fiber.
void yield() {
  if (_setjmp(fibers[current]->place) == 0) _longjmp(scheduler, 1);
}

/// Runs a fiber until it yields. A jump costs a few instructions where a switch of contexts would
/// cost a system call: only a fiber's first turn is one.
void resume(Fiber &fiber) {
  if (_setjmp(scheduler) != 0) return;
  if (fiber.isStarted) _longjmp(fiber.place, 1);
  fiber.isStarted = true;
  setcontext(&fiber.beginning);
}

void live() {
  for (;;) {
    (*program)();
    fibers[current]->isDone = true;
    yield();
  }
}

/// Waits for the others; the last to come does what is to be done for all.
template <typename Work>
void meet(Meeting &meeting, const Work &work) {
  const unsigned generation = meeting.generation;
  if (++meeting.waiting == meeting.size) {
    work();
    meeting.waiting = 0;
    ++meeting.generation;
    ++meetings;
    return;
  }
  while (meeting.generation == generation) yield();
}

Warp &warp() { return warps[current / 32]; }

std::unique_ptr<Fiber> makeFiber() {
  std::unique_ptr<Fiber> fiber(new Fiber());
  fiber->stack.reset(new unsigned char[stackBytes]);
  getcontext(&fiber->beginning);
  fiber->beginning.uc_stack.ss_sp = fiber->stack.get();
  fiber->beginning.uc_stack.ss_size = stackBytes;
  makecontext(&fiber->beginning, live, 0);
  return fiber;
}

void prepare(unsigned threads, size_t sharedBytes) {
  // 16 bytes more, so that it can begin at a multiple of that.
  memory.reset(new unsigned char[sharedBytes + 16]);
  memoryBytes = sharedBytes;
  std::memset(memory.get(), 0xff, sharedBytes + 16);  // not a number, in every precision
  everyone = Meeting{threads};
  warps.assign((threads + 31) / 32, Warp());
  for (unsigned w = 0; w < warps.size(); ++w)
    warps[w].meeting.size = threads - 32 * w < 32 ? threads - 32 * w : 32;
  while (fibers.size() < threads) fibers.push_back(makeFiber());
  for (unsigned thread = 0; thread < threads; ++thread) {
    fibers[thread]->isDone = false;
    fibers[thread]->copies.assign(1, {});
  }
}

/// Whether all of these bytes are the block's.
bool isShared(const unsigned char *from, size_t bytes) {
  const unsigned char *start = sharedMemory();
  return from >= start && from + bytes <= start + memoryBytes;
}

/// Whether eight rows of 16 bytes can be read at once: all at multiples of 16, no two in a bank.
bool areReadable(const unsigned char *const *rows) {
  unsigned banks = 0;
  for (int row = 0; row < 8; ++row) {
    if ((uintptr_t)rows[row] % 16 != 0 || !isShared(rows[row], 16)) return false;
    banks |= 1u << (rows[row] - sharedMemory()) / 16 % 8;
  }
  return banks == 0xff;
}

/// Runs the block's fibers in turns until all are done; false once a whole turn changes nothing. Every
/// other block has them the other way round: what a barrier should order, and none does, goes wrong in
/// one of the two.
bool runBlock(unsigned threads) {
  const bool isReversed = (block.x + block.y) % 2 != 0;
  unsigned left = threads;
  while (left > 0) {
    if (fault) return false;
    const unsigned meetingsBefore = meetings, leftBefore = left;
    for (unsigned turn = 0; turn < threads; ++turn) {
      current = isReversed ? threads - 1 - turn : turn;
      if (fibers[current]->isDone) continue;
      resume(*fibers[current]);
      if (!fibers[current]->isDone) continue;
      --left;
      for (const auto &group : fibers[current]->copies)
        if (!group.empty()) fault = "a thread ended before its copies";
    }
    if (left == leftBefore && meetings == meetingsBefore) return false;
  }
  return true;
}
}  // namespace

unsigned char *sharedMemory() {
  return memory.get() + (16 - (uintptr_t)memory.get() % 16) % 16;
}
unsigned thread() { return current; }

void meetBlock() {
  meet(everyone, [] {});
}

float exchange(float value, int mask) {
  Warp &warp = emulator::warp();
  const unsigned lane = current % 32;
  warp.offered[lane] = value;
  meet(warp.meeting, [&] { std::memcpy(warp.exchanged, warp.offered, sizeof warp.offered); });
  return warp.exchanged[lane ^ mask];
}

void loadMatrices(uint32_t *pairs, const unsigned char *row, bool isTransposed) {
  Warp &warp = emulator::warp();
  const unsigned lane = current % 32;
  warp.rows[lane] = row;
  meet(warp.meeting, [&] {
    for (int matrix = 0; matrix < 4; ++matrix) {
      if (!areReadable(warp.rows + 8 * matrix)) {
        fault = "rows of a matrix that cannot be read at once";
        return;
      }
      for (int r = 0; r < 8; ++r) std::memcpy(warp.matrices[matrix][r], warp.rows[8 * matrix + r], 16);
    }
  });
  for (int matrix = 0; matrix < 4; ++matrix) {
    const auto &values = warp.matrices[matrix];
    const unsigned row = lane / 4, column = lane % 4 * 2;
    pairs[matrix] = isTransposed ? values[column][row] | (uint32_t)values[column + 1][row] << 16
                                 : values[row][column] | (uint32_t)values[row][column + 1] << 16;
  }
}

void beginCopy(unsigned char *to, const void *from) {
  if ((uintptr_t)to % 16 != 0 || (uintptr_t)from % 16 != 0 || !isShared(to, 16))
    fault = "a copy to or from a place that cannot be copied to or from";
  else
    fibers[current]->copies.back().push_back({to, from});
}

void endCopies() { fibers[current]->copies.emplace_back(); }

void waitForCopies(size_t left) {
  auto &groups = fibers[current]->copies;
  while (groups.size() > left + 1) {
    for (const Copy &copy : groups.front())
      if (copy.from)
        std::memcpy(copy.to, copy.from, 16);
      else
        std::memset(copy.to, 0, 16);
    groups.pop_front();
  }
}

void multiply(
    float *d, const uint32_t *a, uint32_t b0, uint32_t b1, float (*widen)(uint16_t)) {
  Warp &warp = emulator::warp();
  const unsigned lane = current % 32;
  std::memcpy(warp.a[lane], a, sizeof warp.a[lane]);
  warp.b[lane][0] = b0;
  warp.b[lane][1] = b1;
  meet(warp.meeting, [&] {
    float left[16][16], right[16][8];
    for (int k = 0; k < 16; ++k) {
      const int shift = k % 2 * 16;
      for (int row = 0; row < 16; ++row)
        left[row][k] = widen((uint16_t)(
            warp.a[row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2] >> shift));
      for (int column = 0; column < 8; ++column)
        right[k][column] =
            widen((uint16_t)(warp.b[column * 4 + k % 8 / 2][k / 8] >> shift));
    }
    std::memset(warp.products, 0, sizeof warp.products);
    for (int row = 0; row < 16; ++row)
      for (int k = 0; k < 16; ++k)
        for (int column = 0; column < 8; ++column)
          warp.products[row][column] += left[row][k] * right[k][column];
  });
  for (int e = 0; e < 4; ++e) d[e] += warp.products[lane / 4 + e / 2 * 8][lane % 4 * 2 + e % 2];
}

bool launch(
    Dimensions size, unsigned threads, size_t sharedBytes, const std::function<void()> &body) {
  grid = size;
  program = &body;
  fault = nullptr;
  for (unsigned y = 0; y < size.y; ++y)
    for (unsigned x = 0; x < size.x; ++x) {
      block = {x, y};
      prepare(threads, sharedBytes);
      if (!runBlock(threads) || fault) {
        if (fault) std::fprintf(stderr, "emulated GPU: %s\n", fault);
        fibers.clear();  // they stand where they stood
        return false;
      }
    }
  return true;
}
}  // namespace emulator
