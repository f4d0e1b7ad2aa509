// NVRTC's interface: the kernels are part of this library, so a cubin only names its source.
#include <cstring>
#include <string>

#include "Machine.hpp"
#include "Registry.hpp"

namespace {
struct Program {
  std::string name, log, cubin;
};

constexpr int architectures[] = {75, 80, 86, 89, 90, 100, 120};
constexpr int compilationFailed = 6;
}  // namespace

extern "C" {
int nvrtcVersion(int *major, int *minor) {
  *major = 13;
  *minor = 0;
  return 0;
}

int nvrtcGetNumSupportedArchs(int *count) {
  *count = sizeof architectures / sizeof *architectures;
  return 0;
}

int nvrtcGetSupportedArchs(int *numbers) {
  std::memcpy(numbers, architectures, sizeof architectures);
  return 0;
}

int nvrtcCreateProgram(
    Program **program, const char *, const char *name, int, const char *const *,
    const char *const *) {
  *program = new Program{name, "", ""};
  return 0;
}

int nvrtcDestroyProgram(Program **program) {
  delete *program;
  *program = nullptr;
  return 0;
}

int nvrtcCompileProgram(Program *program, int, const char *const *) {
  if (!registry::hasSource(program->name)) {
    program->log = program->name + ": the emulator has no such source";
    return compilationFailed;
  }
  program->cubin = "emulated " + program->name;
  return 0;
}

int nvrtcGetProgramLogSize(Program *program, size_t *size) {
  *size = program->log.size() + 1;
  return 0;
}

int nvrtcGetProgramLog(Program *program, char *log) {
  std::memcpy(log, program->log.c_str(), program->log.size() + 1);
  return 0;
}

int nvrtcGetCUBINSize(Program *program, size_t *size) {
  *size = program->cubin.size() + 1;
  return 0;
}

int nvrtcGetCUBIN(Program *program, char *cubin) {
  std::memcpy(cubin, program->cubin.c_str(), program->cubin.size() + 1);
  return 0;
}

const char *nvrtcGetErrorString(int result) {
  return result == compilationFailed ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR";
}
}
