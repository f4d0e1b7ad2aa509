import Glibc

/// A thread of its own for calls that block, which must stay off Swift's cooperative pool.
package final class BlockingThread: Sendable {
  private let finished = Monitor(false)

  /// Starts `body` on a new thread called `name` (at most 15 bytes are shown by the system).
  ///
  /// - Parameter whenOver: called on that thread once `body` has returned and is freed.
  package init(
    name: String, whenOver: @escaping @Sendable () -> Void = {},
    _ body: @escaping @Sendable () -> Void
  ) {
    let finished = finished
    let start = Start(name: name, body: body) {
      finished.update { $0 = true }
      whenOver()
    }
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      },
      Unmanaged.passRetained(start).toOpaque())
    precondition(result == 0, "the system gives no more threads")
    pthread_detach(thread)
  }

  /// Blocks until the body has returned and is freed, with all that it held.
  package func join() {
    finished.wait { $0 ? .done(()) : .sleep(atMost: nil) }
  }

  /// Blocks until the body has returned or the time is up; false when it still runs.
  package func join(atMost timeout: Duration) -> Bool {
    let deadline = ContinuousClock.now + timeout
    return finished.wait { finished in
      if finished { return .done(true) }
      let now = ContinuousClock.now
      return now >= deadline ? .done(false) : .sleep(atMost: deadline - now)
    }
  }

  private final class Start {
    private let name: String
    private var body: (@Sendable () -> Void)?
    private let end: @Sendable () -> Void

    init(
      name: String, body: @escaping @Sendable () -> Void, end: @escaping @Sendable () -> Void
    ) {
      self.name = name
      self.body = body
      self.end = end
    }

    func run() {
      showName()
      body?()
      // Whoever waits may end the process: nothing is freed beside the exit's own handlers.
      body = nil
      end()
    }

    /// Names the thread for `top -H` and debuggers; without /proc it stays unnamed.
    private func showName() {
      let file = unsafe open("/proc/thread-self/comm", O_WRONLY)
      guard file >= 0 else { return }
      unsafe _ = write(file, name, min(name.utf8.count, 15))
      close(file)
    }
  }
}
