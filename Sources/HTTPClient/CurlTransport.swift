internal import Glibc
internal import Synchronization
package import Threading

/// HTTP/1.1 and 2 by libcurl. Follows no redirect and no proxy, and keeps no answer beyond a limit.
///
/// A thread of its own carries all requests, many at a time over connections that stay open. It
/// ends with the transport, once nothing is on its way. A cancelled task's request ends at once.
package final class CurlTransport: HTTPTransport {
  /// Bytes of one answer at most.
  package static let answerBytesMax = 32 << 20

  /// Has ended once the transport is gone and nothing is on its way.
  package let thread: BlockingThread
  private let loop: CurlLoop
  private let answerBytesMax: Int
  private let certificateFile: String?

  /// - Parameters:
  ///   - connectionsMax: connections to one server at most.
  ///   - certificateFile: certificates in PEM that are trusted beside the system's.
  package init(
    connectionsMax: Int, answerBytesMax: Int = CurlTransport.answerBytesMax,
    certificateFile: String? = nil
  ) {
    let loop = CurlLoop(connectionsMax: connectionsMax)
    self.loop = loop
    self.answerBytesMax = answerBytesMax
    self.certificateFile = certificateFile
    thread = BlockingThread(name: "http") {
      Self.blockBrokenPipes()
      loop.run()
    }
  }

  deinit { loop.stop() }

  /// OpenSSL writes to sockets that the other side may have closed, and libcurl leaves the signal
  /// of that to programs that want no signals from it.
  private static func blockBrokenPipes() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  package func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPAnswer {
    if Task.isCancelled { throw .cancelled }
    let exchange = try CurlExchange(
      request, bodyBytesMax: answerBytesMax, certificateFile: certificateFile)
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        exchange.continuation = continuation
        loop.start(exchange)
        // The handler below may have been called before there was anything to cancel.
        if Task.isCancelled { loop.cancel(exchange) }
      }
    } onCancel: { [loop] in
      loop.cancel(exchange)
    }
    return try outcome.get()
  }
}

/// What the thread of a transport does, and how it is told.
private final class CurlLoop: @unchecked Sendable {
  // @unchecked Sendable: only `run` touches `multi`, but for `wakeUp`, which any thread may call.
  private struct Requests {
    var started: [CurlExchange] = []
    var cancelled: [CurlExchange] = []
    var isOver = false
  }

  private let multi: MultiHandle
  private let requests = Mutex(Requests())

  init(connectionsMax: Int) { multi = MultiHandle(connectionsMax: connectionsMax) }

  func start(_ exchange: CurlExchange) { tell { $0.started.append(exchange) } }

  /// Ends a request; nothing happens to one that has ended.
  func cancel(_ exchange: CurlExchange) { tell { $0.cancelled.append(exchange) } }

  /// Lets `run` return when nothing is on its way.
  func stop() { tell { $0.isOver = true } }

  private func tell(_ change: (inout Requests) -> Void) {
    requests.withLock { change(&$0) }
    multi.wakeUp()
  }

  /// Carries requests until `stop`.
  func run() {
    var active: [Int: CurlExchange] = [:]
    while let news = news(isIdle: active.isEmpty) {
      for exchange in news.started {
        if let failure = multi.add(exchange.handle) {
          exchange.finish(.failure(failure))
        } else {
          active[exchange.handle.identity] = exchange
        }
      }
      for exchange in news.cancelled {
        end(exchange.handle.identity, in: &active) { _ in .failure(.cancelled) }
      }
      var failure = multi.perform()
      while let (identity, code) = multi.nextFinished() {
        end(identity, in: &active) { $0.outcome(code) }
      }
      failure = failure ?? multi.wait(atMostMilliseconds: giveUpLate(&active))
      guard let failure else { continue }
      for identity in active.keys { end(identity, in: &active) { _ in .failure(failure) } }
    }
  }

  /// Ends what has taken too long, and returns the milliseconds until the next deadline, at most a
  /// second. libcurl does not look at the time of requests that wait for a connection.
  private func giveUpLate(_ active: inout [Int: CurlExchange]) -> Int32 {
    let now = ContinuousClock.now
    var wait = Duration.seconds(1)
    for (identity, exchange) in active {
      if exchange.deadline <= now {
        end(identity, in: &active) { _ in .failure(.timedOut) }
      } else {
        wait = min(wait, exchange.deadline - now)
      }
    }
    return Int32((wait / .milliseconds(1)).rounded(.up))
  }

  /// What is to be done next; nil when that is nothing any more.
  private func news(isIdle: Bool) -> Requests? {
    requests.withLock { requests in
      if requests.isOver, isIdle, requests.started.isEmpty { return nil }
      defer { requests = Requests(isOver: requests.isOver) }
      return requests
    }
  }

  private func end(
    _ identity: Int, in active: inout [Int: CurlExchange],
    _ outcome: (CurlExchange) -> CurlExchange.Outcome
  ) {
    guard let exchange = active.removeValue(forKey: identity) else { return }
    multi.remove(exchange.handle)
    exchange.finish(outcome(exchange))
  }
}
