#include "Emulator.hpp"

#include <csetjmp>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <vector>

namespace emulator {
Dimensions block, grid;

namespace {
constexpr size_t stackBytes = 256 << 10;

/// A CUDA thread. It outlives its block: the next one gives it another turn through `program`.
struct Fiber {
  std::unique_ptr<unsigned char[]> stack;
  ucontext_t beginning;
  jmp_buf place;
  bool isStarted, isDone;
};

/// A meeting of `size` threads: those who come early wait for the generation to change.
struct Meeting {
  unsigned size = 0, waiting = 0, generation = 0;
};

struct Warp {
  Meeting meeting;
  float offered[32], exchanged[32];
  uint32_t a[32][4], b[32][2];
  float products[16][8];
};

jmp_buf scheduler;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Warp> warps;
Meeting everyone;
unsigned current, meetings;
std::unique_ptr<unsigned char[]> memory;
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
  memory.reset(new unsigned char[sharedBytes]);
  std::memset(memory.get(), 0xff, sharedBytes);  // not a number, in every precision
  everyone = Meeting{threads};
  warps.assign((threads + 31) / 32, Warp());
  for (unsigned w = 0; w < warps.size(); ++w)
    warps[w].meeting.size = threads - 32 * w < 32 ? threads - 32 * w : 32;
  while (fibers.size() < threads) fibers.push_back(makeFiber());
  for (unsigned thread = 0; thread < threads; ++thread) fibers[thread]->isDone = false;
}

/// Runs the block's fibers in turns until all are done; false once a whole turn changes nothing. Every
/// other block has them the other way round: what a barrier should order, and none does, goes wrong in
/// one of the two.
bool runBlock(unsigned threads) {
  const bool isReversed = (block.x + block.y) % 2 != 0;
  unsigned left = threads;
  while (left > 0) {
    const unsigned meetingsBefore = meetings, leftBefore = left;
    for (unsigned turn = 0; turn < threads; ++turn) {
      current = isReversed ? threads - 1 - turn : turn;
      if (fibers[current]->isDone) continue;
      resume(*fibers[current]);
      if (fibers[current]->isDone) --left;
    }
    if (left == leftBefore && meetings == meetingsBefore) return false;
  }
  return true;
}
}  // namespace

unsigned char *sharedMemory() { return memory.get(); }
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
  for (unsigned y = 0; y < size.y; ++y)
    for (unsigned x = 0; x < size.x; ++x) {
      block = {x, y};
      prepare(threads, sharedBytes);
      if (!runBlock(threads)) {
        fibers.clear();  // they stand at a barrier for ever
        return false;
      }
    }
  return true;
}
}  // namespace emulator
