#pragma once

/// Compiles a function once per instruction set; the loader picks one when the process starts.
/// ThreadSanitizer is not ready when the loader runs the pick, so there is no choice under it.
/// Tests that compile for one instruction set only have defined it already.
#if defined(VECTORISED)
#elif defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORISED
#endif

/// Helpers of vectorised functions are compiled into them, with their instruction set.
#define INLINE static inline __attribute__((always_inline))

/// First in a function's body: its sums may run in any order, which lets them use vectors.
#define ANY_ORDER _Pragma("clang fp reassociate(on)")
