// Synchronization's Mutex is inlined, and seen by ThreadSanitizer, only as long as nobody waits for
// it. Waiting happens in the library, in the kernel even, so that what the mutex orders looks like a
// race. The functions here stand before the library's of the same names; self is the mutex.
#if __has_feature(thread_sanitizer)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

METHOD void lock_slow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
METHOD bool try_lock_slow(SELF) __asm__(TRY_LOCK_SLOW);
METHOD void unlock_slow(SELF) __asm__(UNLOCK_SLOW);

/// The library's own function.
static void *library(const char *name, _Atomic(void *) *found) {
  void *function = atomic_load(found);
  if (function == 0) atomic_store(found, function = dlsym(RTLD_NEXT, name));
  return function;
}

METHOD void lock_slow(uint32_t thread, SELF) {
  static _Atomic(void *) found;
  METHOD void (*function)(uint32_t, SELF) = library(LOCK_SLOW, &found);
  function(thread, self);
  __tsan_acquire(self);
}

METHOD bool try_lock_slow(SELF) {
  static _Atomic(void *) found;
  METHOD bool (*function)(SELF) = library(TRY_LOCK_SLOW, &found);
  const bool is_locked = function(self);
  if (is_locked) __tsan_acquire(self);
  return is_locked;
}

METHOD void unlock_slow(SELF) {
  static _Atomic(void *) found;
  METHOD void (*function)(SELF) = library(UNLOCK_SLOW, &found);
  __tsan_release(self);
  function(self);
}
#endif
