internal import Glibc

/// The right to retrain in a folder: one process at a time. The system gives it back when the process
/// ends, however it ends.
struct RunLock: ~Copyable {
  private let descriptor: Int32

  init(folder: String) throws(RetrainFailure) {
    let path = folder + "/.lock"
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .output("\(path): cannot be opened") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let reason = errno
      close(descriptor)
      throw reason == EWOULDBLOCK
        ? .busy("\(folder): another retraining is at work") : .output("\(path): cannot be locked")
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
