// A wall clock that a test sets while a program runs which is started with this library (LD_PRELOAD).
//
// SLUICE_CLOCK names a file of eight bytes: the nanoseconds by which the clock is ahead. As with a real
// clock that is set, who waits for a moment of the wall clock waits until the clock says so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const int64_t second = 1000000000;
/// How long a wait goes without a look at the clock.
static const int64_t slice = 50000000;

static _Atomic int64_t none;
static _Atomic int64_t *ahead = &none;

static struct {
  int (*gettime)(clockid_t, struct timespec *);
  int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  int (*wait_c11)(cnd_t *, mtx_t *, const struct timespec *);
  int (*initialize)(pthread_cond_t *, const pthread_condattr_t *);
  int (*destroy)(pthread_cond_t *);
} real;

/// The newest function of that name: conditions had others once.
static void *newest(const char *name) {
  static const char *versions[] = {"GLIBC_2.3.2", "GLIBC_2.17"};
  for (int i = 0; i < 2; ++i) {
    void *found = dlvsym(RTLD_NEXT, name, versions[i]);
    if (found) return found;
  }
  return dlsym(RTLD_NEXT, name);
}

static void bind(void) {
  if (real.gettime) return;
  real.wait = newest("pthread_cond_timedwait");
  real.initialize = newest("pthread_cond_init");
  real.destroy = newest("pthread_cond_destroy");
  real.wait_c11 = dlsym(RTLD_NEXT, "cnd_timedwait");
  real.gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

__attribute__((constructor)) static void begin(void) {
  bind();
  const char *path = getenv("SLUICE_CLOCK");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *map = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (map != MAP_FAILED) ahead = map;
}

static int64_t nanoseconds(struct timespec time) { return time.tv_sec * second + time.tv_nsec; }

static struct timespec moment(int64_t nanoseconds) {
  return (struct timespec){nanoseconds / second, nanoseconds % second};
}

static int64_t now(void) {
  struct timespec time;
  bind();
  real.gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time) + atomic_load(ahead);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  bind();
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return real.gettime(clock, time);
  *time = moment(now());
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  const int64_t nanoseconds = now();
  time->tv_sec = nanoseconds / second;
  time->tv_usec = nanoseconds % second / 1000;
  return 0;
}

time_t time(time_t *place) {
  const time_t seconds = now() / second;
  if (place) *place = seconds;
  return seconds;
}

int timespec_get(struct timespec *time, int base) {
  if (base != TIME_UTC) return 0;
  *time = moment(now());
  return base;
}

// Conditions on the clock that nobody sets: waits for them are left alone.
enum { places = 1 << 16 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(void *) steady[places];
static void *const freed = &lock;

static unsigned start(const void *condition) {
  return (unsigned)((uintptr_t)condition / 16 * 2654435761u % places);
}

/// The place of a condition; -1 for one that is not there.
static int find(const void *condition) {
  unsigned place = start(condition);
  for (int i = 0; i < places && steady[place]; ++i, place = (place + 1) % places)
    if (steady[place] == condition) return (int)place;
  return -1;
}

int pthread_cond_init(
    pthread_cond_t *restrict condition, const pthread_condattr_t *restrict attributes) {
  bind();
  clockid_t clock = CLOCK_REALTIME;
  if (attributes) pthread_condattr_getclock(attributes, &clock);
  if (clock == CLOCK_MONOTONIC) {
    pthread_mutex_lock(&lock);
    unsigned place = start(condition);
    while (steady[place] && steady[place] != freed && steady[place] != condition)
      place = (place + 1) % places;
    steady[place] = condition;
    pthread_mutex_unlock(&lock);
  }
  return real.initialize(condition, attributes);
}

int pthread_cond_destroy(pthread_cond_t *condition) {
  bind();
  pthread_mutex_lock(&lock);
  const int place = find(condition);
  if (place >= 0) steady[place] = freed;
  pthread_mutex_unlock(&lock);
  return real.destroy(condition);
}

/// When to look at the clock again, as the system has it; 0 once the moment is there.
static int64_t next_look(const struct timespec *end) {
  const int64_t left = nanoseconds(*end) - now();
  if (left <= 0) return 0;
  return now() - atomic_load(ahead) + (left < slice ? left : slice);
}

// At a look, whoever waits is woken for nothing, as is allowed: a signal in between is not lost.

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
    const struct timespec *restrict end) {
  bind();
  if (find(condition) >= 0) return real.wait(condition, mutex, end);
  const int64_t look = next_look(end);
  if (!look) return ETIMEDOUT;
  const struct timespec until = moment(look);
  const int result = real.wait(condition, mutex, &until);
  return result == ETIMEDOUT && next_look(end) ? 0 : result;
}

int cnd_timedwait(
    cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict end) {
  bind();
  const int64_t look = next_look(end);
  if (!look) return thrd_timedout;
  const struct timespec until = moment(look);
  const int result = real.wait_c11(condition, mutex, &until);
  return result == thrd_timedout && next_look(end) ? thrd_success : result;
}
