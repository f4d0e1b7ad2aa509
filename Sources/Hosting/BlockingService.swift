internal import ServiceLifecycle
internal import Threading

/// A blocking call as a service: it runs on a thread of its own for as long as the group lives.
package struct BlockingService: Service {
  private let name: String
  private let body: @Sendable () -> (any Error)?
  private let stop: @Sendable () -> Void

  /// - Parameters:
  ///   - name: the thread's, at most 15 bytes of which are shown.
  ///   - body: blocks until it failed or was stopped; nil for the latter.
  ///   - stop: asks `body` to return soon.
  package init(
    name: String, body: @escaping @Sendable () -> (any Error)?,
    stop: @escaping @Sendable () -> Void
  ) {
    self.name = name
    self.body = body
    self.stop = stop
  }

  /// A worker beside the others, which never fails them.
  package init(
    worker name: String, run: @escaping @Sendable () -> Void, stop: @escaping @Sendable () -> Void
  ) {
    self.init(
      name: name,
      body: {
        run()
        return nil
      }, stop: stop)
  }

  package func run() async throws {
    let failure = await withGracefulShutdownHandler {
      await withCheckedContinuation { (end: CheckedContinuation<(any Error)?, Never>) in
        let result = Outcome()
        _ = BlockingThread(name: name, whenOver: { end.resume(returning: result.failure) }) {
          result.failure = body()
        }
      }
    } onGracefulShutdown: {
      stop()
    }
    if let failure { throw failure }
  }

  /// What the thread leaves behind.
  private final class Outcome: @unchecked Sendable {
    // @unchecked Sendable: the thread alone touches it, from its start to its end.
    var failure: (any Error)?
  }
}
