internal import Foundation
internal import FoundationNetworking
internal import Synchronization

/// HTTP by Foundation's `URLSession`. Follows no redirect, which could carry the key to a stranger,
/// and keeps no answer beyond a limit.
package final class URLSessionTransport: HTTPTransport {
  /// Bytes of one answer at most.
  package static let answerBytesMax = 32 << 20

  private let session: URLSession
  private let exchanges: Exchanges

  /// A transport with so many connections to one server at most.
  package init(connectionsMax: Int, answerBytesMax: Int = URLSessionTransport.answerBytesMax) {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = connectionsMax
    configuration.httpShouldSetCookies = false
    configuration.urlCache = nil
    exchanges = Exchanges(answerBytesMax: answerBytesMax)
    session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: nil)
  }

  deinit { session.invalidateAndCancel() }

  package func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPAnswer {
    var urlRequest = URLRequest(url: request.url)
    for (name, value) in request.headers { urlRequest.setValue(value, forHTTPHeaderField: name) }
    if let body = request.body {
      urlRequest.httpMethod = "POST"
      urlRequest.httpBody = body
    }
    // Foundation's own time-out starts anew with each byte; the timer below is for the whole.
    urlRequest.timeoutInterval = request.timeout.seconds + 1
    let task = session.dataTask(with: urlRequest)
    let timer = Task {
      try await Task.sleep(for: request.timeout)
      exchanges.end(task.taskIdentifier, with: .failure(.timedOut))
      task.cancel()
    }
    defer { timer.cancel() }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        exchanges.begin(task.taskIdentifier, continuation)
        task.resume()
        // The handler below may have run before there was anything to end.
        if Task.isCancelled { exchanges.end(task.taskIdentifier, with: .failure(.cancelled)) }
      }
    } onCancel: {
      exchanges.end(task.taskIdentifier, with: .failure(.cancelled))
      task.cancel()
    }
    return try result.get()
  }
}

/// The exchanges on their way: gathers what arrives and ends each exactly once.
private final class Exchanges: NSObject, URLSessionDataDelegate, Sendable {
  typealias Outcome = Result<HTTPAnswer, TransportFailure>

  private struct Exchange {
    let continuation: CheckedContinuation<Outcome, Never>
    var body = Data()
  }

  private let answerBytesMax: Int
  private let running = Mutex<[Int: Exchange]>([:])

  init(answerBytesMax: Int) { self.answerBytesMax = answerBytesMax }

  func begin(_ identifier: Int, _ continuation: CheckedContinuation<Outcome, Never>) {
    running.withLock { $0[identifier] = Exchange(continuation: continuation) }
  }

  func end(_ identifier: Int, with outcome: Outcome) {
    let exchange = running.withLock { $0.removeValue(forKey: identifier) }
    exchange?.continuation.resume(returning: outcome)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let isTooLarge = running.withLock { running -> Bool in
      guard let count = running[dataTask.taskIdentifier]?.body.count else { return false }
      if count + data.count > answerBytesMax { return true }
      running[dataTask.taskIdentifier]?.body.append(data)
      return false
    }
    if isTooLarge {
      end(dataTask.taskIdentifier, with: .failure(.tooLarge))
      dataTask.cancel()
    }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    if let error {
      end(task.taskIdentifier, with: .failure(Self.failure(for: error)))
    } else if let response = task.response as? HTTPURLResponse {
      let body = running.withLock { $0[task.taskIdentifier]?.body } ?? Data()
      let answer = HTTPAnswer(
        status: response.statusCode, retryAfter: response.value(forHTTPHeaderField: "Retry-After"),
        body: body)
      end(task.taskIdentifier, with: .success(answer))
    } else {
      let code = URLError.Code.badServerResponse.rawValue
      end(task.taskIdentifier, with: .failure(.connection(code)))
    }
  }

  private static func failure(for error: any Error) -> TransportFailure {
    guard let error = error as? URLError else {
      return .connection((error as NSError).code)
    }
    switch error.code {
    case .timedOut: return .timedOut
    case .cancelled: return .cancelled
    default: return .connection(error.code.rawValue)
    }
  }
}

extension Duration {
  /// The whole of it, in seconds.
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
