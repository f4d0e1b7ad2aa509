// A disk that fails, for a program that is started with this library in LD_PRELOAD. Calls on some
// files are counted, and from a chosen one on they fail as that kind of disk would:
//
//   FAILING_DISK_PREFIX   what their paths begin with, absolute and without links
//   FAILING_DISK_FAULT    full (ENOSPC), broken (EIO where it writes), unreadable (EIO where it reads),
//                         short (writes do half of what they are asked), handles (EMFILE)
//   FAILING_DISK_FIRST    the number of the first call that fails, from 1; 0 for none
//   FAILING_DISK_COUNT    how many fail
//   FAILING_DISK_JOURNAL  another file: each counted call adds a line

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALLS_MAX = 64 };

static struct {
  char prefix[PATH_MAX];
  char fault[16];
  long first;
  long count;
  int journal;
} disk = {.journal = -1};

static atomic_long calls;

__attribute__((constructor)) static void read_settings(void) {
  const char *prefix = getenv("FAILING_DISK_PREFIX"), *fault = getenv("FAILING_DISK_FAULT");
  const char *first = getenv("FAILING_DISK_FIRST"), *count = getenv("FAILING_DISK_COUNT");
  const char *journal = getenv("FAILING_DISK_JOURNAL");
  if (!prefix || !fault) return;
  snprintf(disk.fault, sizeof disk.fault, "%s", fault);
  disk.first = first ? atol(first) : 0;
  disk.count = count ? atol(count) : 1;
  if (journal)
    disk.journal = (int)syscall(
        SYS_openat, AT_FDCWD, journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  snprintf(disk.prefix, sizeof disk.prefix, "%s", prefix);
}

static bool is(const char *fault) { return strcmp(disk.fault, fault) == 0; }

static bool is_meant(const char *path) {
  size_t length = strlen(disk.prefix);
  return length > 0 && strncmp(path, disk.prefix, length) == 0;
}

// Whether this call, which the disk's fault concerns, is one of those that fail.
static bool fails(const char *call, const char *path) {
  if (!is_meant(path)) return false;
  long number = atomic_fetch_add(&calls, 1) + 1;
  bool failing = disk.first > 0 && number >= disk.first && number - disk.first < disk.count;
  if (disk.journal >= 0) {
    char line[PATH_MAX + CALLS_MAX];
    int length = snprintf(
        line, sizeof line, "%ld %s %s%s\n", number, call, path, failing ? " fails" : "");
    syscall(SYS_write, disk.journal, line, (size_t)length);
  }
  return failing;
}

// The same of a file that is open.
static bool fails_open(const char *call, int file) {
  char link[CALLS_MAX], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  int before = errno;
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = before;
  if (length <= 0) return false;
  path[length] = 0;
  return fails(call, path);
}

static int failed(int code) {
  errno = code;
  return -1;
}

// The call that this library stands in front of.
#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// What a write of `size` bytes comes to: how many are written, or -1 with errno set.
static ssize_t allowed(const char *call, int file, size_t size) {
  if (is("full") && fails_open(call, file)) return failed(ENOSPC);
  if (is("broken") && fails_open(call, file)) return failed(EIO);
  if (is("short") && size > 1 && fails_open(call, file)) return (ssize_t)(size / 2);
  return (ssize_t)size;
}

ssize_t write(int file, const void *bytes, size_t size) {
  NEXT(write);
  ssize_t count = allowed("write", file, size);
  return count < 0 ? count : next(file, bytes, (size_t)count);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  NEXT(pwrite);
  ssize_t count = allowed("pwrite", file, size);
  return count < 0 ? count : next(file, bytes, (size_t)count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) {
  return pwrite(file, bytes, size, offset);
}

ssize_t read(int file, void *bytes, size_t size) {
  NEXT(read);
  if (is("unreadable") && fails_open("read", file)) return failed(EIO);
  return next(file, bytes, size);
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
  NEXT(pread);
  if (is("unreadable") && fails_open("pread", file)) return failed(EIO);
  return next(file, bytes, size, offset);
}

ssize_t pread64(int file, void *bytes, size_t size, off_t offset) {
  return pread(file, bytes, size, offset);
}

int fsync(int file) {
  NEXT(fsync);
  if (is("full") && fails_open("fsync", file)) return failed(ENOSPC);
  if (is("broken") && fails_open("fsync", file)) return failed(EIO);
  return next(file);
}

int fdatasync(int file) {
  NEXT(fdatasync);
  if (is("full") && fails_open("fdatasync", file)) return failed(ENOSPC);
  if (is("broken") && fails_open("fdatasync", file)) return failed(EIO);
  return next(file);
}

int ftruncate(int file, off_t size) {
  NEXT(ftruncate);
  if (is("broken") && fails_open("ftruncate", file)) return failed(EIO);
  return next(file, size);
}

int ftruncate64(int file, off_t size) { return ftruncate(file, size); }

int rename(const char *from, const char *to) {
  NEXT(rename);
  if (is("full") && fails("rename", to)) return failed(ENOSPC);
  if (is("broken") && fails("rename", to)) return failed(EIO);
  return next(from, to);
}

int mkdir(const char *path, mode_t mode) {
  NEXT(mkdir);
  if (is("full") && fails("mkdir", path)) return failed(ENOSPC);
  if (is("broken") && fails("mkdir", path)) return failed(EIO);
  return next(path, mode);
}

int symlink(const char *target, const char *path) {
  NEXT(symlink);
  if (is("full") && fails("symlink", path)) return failed(ENOSPC);
  if (is("broken") && fails("symlink", path)) return failed(EIO);
  return next(target, path);
}

// Why a file cannot be opened; 0 if it can.
static int refusal(const char *path, int flags) {
  bool makes = (flags & O_CREAT) && access(path, F_OK) != 0;
  if (is("full") && makes && fails("open", path)) return ENOSPC;
  if (is("handles") && fails("open", path)) return EMFILE;
  if (is("unreadable") && (flags & O_ACCMODE) == O_RDONLY && fails("open", path)) return EIO;
  return 0;
}

static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPENER(name) \
  int name(const char *path, int flags, ...) { \
    NEXT(name); \
    va_list arguments; \
    va_start(arguments, flags); \
    mode_t mode = mode_of(flags, arguments); \
    va_end(arguments); \
    int code = refusal(path, flags); \
    return code ? failed(code) : next(path, flags, mode); \
  }

OPENER(open)
OPENER(open64)
