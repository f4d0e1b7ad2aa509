internal import Basics
package import Foundation
package import HTTPClient
internal import StrictJSON
internal import Synchronization
package import Tracing

/// Sends spans to an OpenTelemetry collector (OTLP/HTTP, JSON), some hundreds at a time.
///
/// Spans wait in a queue with a limit: where the collector does not keep up, the newest are
/// dropped and counted, and the stream goes on. What fails for a passing reason is sent again,
/// after a pause that grows.
package final class SpanExporter: Sendable {
  /// Where spans go, and what is said about their sender.
  package struct Destination: Sendable {
    /// Of the collector's traces, such as `http://127.0.0.1:4318/v1/traces`.
    package var url: URL
    /// Sent with each request, such as a key.
    package var headers: [String: String]
    /// What the program says of itself: `service.name` and the like.
    package var resource: SpanAttributes

    package init(url: URL, headers: [String: String] = [:], resource: SpanAttributes = [:]) {
      self.url = url
      self.headers = headers
      self.resource = resource
    }
  }

  /// What became of spans since the start.
  package struct Counts: Hashable, Sendable {
    /// Taken by the collector.
    package var exported = 0
    /// Left out, because too many waited.
    package var dropped = 0
    /// Turned down by the collector, or still waiting at the end.
    package var refused = 0

    package init(exported: Int = 0, dropped: Int = 0, refused: Int = 0) {
      self.exported = exported
      self.dropped = dropped
      self.refused = refused
    }
  }

  /// Spans that wait at most.
  package static let waitingMax = 8_192
  /// Spans of one request at most.
  package static let requestMax = 512
  private static let pause = Duration.seconds(1)
  private static let pauseMax = Duration.seconds(30)
  private static let timeout = Duration.seconds(10)

  private struct State {
    var waiting: [EndedSpan] = []
    var counts = Counts()
    var failuresInARow = 0
  }

  private let destination: Destination
  private let transport: any HTTPTransport
  private let whenFailed: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// - Parameter whenFailed: hears why a request failed, in words without any text of spans.
  package init(
    to destination: Destination, over transport: any HTTPTransport,
    whenFailed: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.destination = destination
    self.transport = transport
    self.whenFailed = whenFailed
  }

  /// What became of spans so far.
  package var counts: Counts { state.withLock { $0.counts } }

  /// Takes a span that has ended; never blocks.
  func add(_ span: EndedSpan) {
    state.withLock {
      if $0.waiting.count < Self.waitingMax {
        $0.waiting.append(span)
      } else {
        $0.counts.dropped += 1
      }
    }
  }

  /// Sends what waits, and returns how long to wait before the next time.
  package func send() async -> Duration {
    while let spans = take() {
      if let pause = await send(spans) { return pause }
    }
    return Self.pause
  }

  /// Asks the collector with a request that holds no spans; returns what is wrong, nil for nothing.
  package func problem() async -> String? {
    do throws(TransportFailure) {
      let answer = try await transport.send(request(Data(#"{"resourceSpans":[]}"#.utf8)))
      return (200..<300).contains(answer.status) ? nil : Self.words(ofStatus: answer.status)
    } catch {
      return error.words
    }
  }

  /// Sends what still waits before the program ends, each span once; what is not sent within the
  /// time counts as refused.
  package func finish(within limit: Duration) async {
    let end = ContinuousClock.now + limit
    while case let rest = end - ContinuousClock.now, rest > .zero, let spans = take() {
      if await send(spans, within: min(rest, Self.timeout)) != nil { break }
    }
    state.withLock {
      $0.counts.refused += $0.waiting.count
      $0.waiting = []
    }
  }

  private func take() -> [EndedSpan]? {
    state.withLock { state in
      if state.waiting.isEmpty { return nil }
      let spans = Array(state.waiting.prefix(Self.requestMax))
      state.waiting.removeFirst(spans.count)
      return spans
    }
  }

  /// Sends some spans; where they are to be sent again, they wait in front of the others, for as
  /// long as is returned.
  private func send(_ spans: [EndedSpan], within limit: Duration = timeout) async -> Duration? {
    guard
      let body = try? OTLPDocument(
        spans, resource: destination.resource, version: ProgramVersion.current
      ).encoded()
    else {
      refuse(spans.count, why: "a span cannot be written as JSON")
      return nil
    }
    do throws(TransportFailure) {
      return judge(try await transport.send(request(body, within: limit)), of: spans)
    } catch {
      whenFailed(error.words)
      return putBack(spans, wish: nil)
    }
  }

  private func request(_ body: Data, within limit: Duration = timeout) -> HTTPRequest {
    var headers = destination.headers
    headers["Content-Type"] = "application/json"
    return HTTPRequest(url: destination.url, headers: headers, body: body, timeout: limit)
  }

  private static func words(ofStatus status: Int) -> String {
    "the collector answers with status \(status)"
  }

  /// What an answer means for the spans of its request (OTLP, "OTLP/HTTP Response").
  private func judge(_ answer: HTTPAnswer, of spans: [EndedSpan]) -> Duration? {
    switch answer.status {
    case 200..<300:
      let refused = min(spans.count, max(0, Self.rejectedSpans(answer.body)))
      state.withLock {
        $0.failuresInARow = 0
        $0.counts.exported += spans.count - refused
        $0.counts.refused += refused
      }
      if refused > 0 { whenFailed("the collector turned spans down") }
      return nil
    case 429, 502, 503, 504:
      whenFailed(Self.words(ofStatus: answer.status))
      let wish = answer.retryAfter.flatMap {
        RetryAfter.parse($0, atMilliseconds: WallClock.milliseconds())
      }
      return putBack(spans, wish: wish)
    default:
      refuse(spans.count, why: Self.words(ofStatus: answer.status))
      return nil
    }
  }

  private func refuse(_ count: Int, why: String) {
    state.withLock { $0.counts.refused += count }
    whenFailed(why)
  }

  /// Lets spans wait again, as far as there is room, and returns for how long.
  private func putBack(_ spans: [EndedSpan], wish: Duration?) -> Duration {
    state.withLock { state in
      let kept = spans.prefix(max(0, Self.waitingMax - state.waiting.count))
      state.counts.dropped += spans.count - kept.count
      state.waiting.insert(contentsOf: kept, at: 0)
      state.failuresInARow += 1
      let pause = Self.pause * (1 << min(state.failuresInARow - 1, 10))
      return min(max(pause, wish ?? .zero), Self.pauseMax)
    }
  }

  /// How many spans of a request were turned down; 0 where nobody says.
  private static func rejectedSpans(_ body: Data) -> Int {
    struct Answer: Decodable {
      struct PartialSuccess: Decodable {
        /// A text, as JSON of protobuf has 64-bit numbers; some send a number.
        let rejectedSpans: Count?
      }
      let partialSuccess: PartialSuccess?
    }
    struct Count: Decodable {
      let number: Int
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
          self.number = number
        } else {
          number = Int(try container.decode(String.self)) ?? 0
        }
      }
    }
    let answer: Answer? = try? JSONCoder.decode(from: body)
    return answer?.partialSuccess?.rejectedSpans?.number ?? 0
  }
}

extension TransportFailure {
  fileprivate var words: String {
    switch self {
    case .connection(let reason): reason
    case .timedOut: "no answer in time"
    case .tooLarge: "the answer is too large"
    case .cancelled: "cancelled"
    }
  }
}
