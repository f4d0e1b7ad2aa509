#include "Machine.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace machine {
std::recursive_mutex lock;
std::vector<std::unique_ptr<Stream>> &streams =
    immortal<std::vector<std::unique_ptr<Stream>>>();
thread_local void *currentContext;
int failure;
long launches;

void beginAnew() {
  launches = 0;
  if (failure)
    for (const auto &stream : streams) stream->waiting.clear();
  failure = success;
}

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

long setting(const char *variable, long otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::atol(text) : otherwise;
}

bool goesWrong(const char *step) {
  const char *text = std::getenv("SLUICE_EMULATOR_GRAPHS");
  return text && std::strcmp(text, step) == 0;
}

void note(const char *what, const void *stream, long number) {
  const char *path = std::getenv("SLUICE_EMULATOR_JOURNAL");
  FILE *journal = path ? std::fopen(path, "a") : nullptr;
  if (!journal) return;
  std::fprintf(journal, "%s %p %ld\n", what, stream, number);
  std::fclose(journal);
}

int architecture() { return (int)setting("SLUICE_EMULATOR_ARCHITECTURE", 80); }

unsigned sharedBytesMax() {
  switch (architecture()) {
    case 75: return 64 << 10;
    case 80: return 163 << 10;
    case 90: case 100: return 227 << 10;
    default: return 99 << 10;
  }
}
}  // namespace machine
