#define _GNU_SOURCE
#include "CSteadyWaits.h"

#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

// The C library's cnd_timedwait waits for a moment of the wall clock. librdkafka makes its threads
// wait so, for milliseconds or seconds from now; where the clock is then set back by an hour, they
// sleep for an hour: no heartbeats, no timeouts, no answers. This one waits as long as was meant
// when it was first asked.

static const long second = 1000000000;

static struct timespec now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time;
}

/// The same moment on the clock that nobody sets.
static struct timespec steady_moment(const struct timespec *moment) {
  const struct timespec wall = now(CLOCK_REALTIME), steady = now(CLOCK_MONOTONIC);
  struct timespec result = {
      steady.tv_sec + moment->tv_sec - wall.tv_sec,
      steady.tv_nsec + moment->tv_nsec - wall.tv_nsec,
  };
  if (result.tv_nsec < 0) {
    result.tv_nsec += second;
    result.tv_sec -= 1;
  } else if (result.tv_nsec >= second) {
    result.tv_nsec -= second;
    result.tv_sec += 1;
  }
  if (result.tv_sec < 0) result = (struct timespec){0, 0};
  return result;
}

int cnd_timedwait(
    cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict moment) {
  // Who is woken for nothing asks for the same moment again, and means the first one.
  static _Thread_local struct timespec asked, meant;
  if (asked.tv_sec != moment->tv_sec || asked.tv_nsec != moment->tv_nsec) {
    asked = *moment;
    meant = steady_moment(moment);
  }
  const int result = pthread_cond_clockwait(
      (pthread_cond_t *)condition, (pthread_mutex_t *)mutex, CLOCK_MONOTONIC, &meant);
  if (result == 0) return thrd_success;
  return result == ETIMEDOUT ? thrd_timedout : thrd_error;
}

void steady_waits_take_part(void) {}
