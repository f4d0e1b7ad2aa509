// The kernels by name, as a module's functions.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace registry {
struct Kernel {
  /// The source that holds it, such as `attention.cu`.
  const char *source;
  const char *name;
  /// Bytes of each parameter.
  std::vector<size_t> parameterBytes;
  /// Runs one thread with these parameters.
  void (*call)(void **parameters);
};

/// nullptr where the source has no such kernel.
const Kernel *find(const std::string &source, const std::string &name);

/// Whether there is a source of that name.
bool hasSource(const std::string &source);
}  // namespace registry
