internal import Glibc

/// Gives memory that was freed back to the system.
///
/// What threads allocate comes from arenas of theirs, and glibc keeps what is freed in them, tens
/// of megabytes for each thread that ever loaded a model. Others may have to wait for memory
/// meanwhile: for the moments after something large has gone.
package func returnFreedMemory() {
  // Swift's module of the C library leaves out <malloc.h>.
  guard let trim = unsafe dlsym(nil, "malloc_trim") else { return }
  typealias Trim = @convention(c) (Int) -> Int32
  _ = unsafe unsafeBitCast(trim, to: Trim.self)(0)
}
