internal import Synchronization

/// Remembers why connections to brokers failed, which calls that wait for an answer do not say:
/// certificates that nobody vouches for, passwords that are refused, names that lead nowhere.
package final class ConnectionFailures: Sendable {
  private let text = Mutex<String?>(nil)

  package init() {}

  /// What the library last said; nil if nothing.
  package var last: String? { text.withLock { $0 } }

  /// Whether no waiting will help: who the broker is, or who the client is, is not believed.
  package var isForGood: Bool {
    last.map { Self.lasting.contains(where: $0.contains) } ?? false
  }

  private static let lasting = ["certificate verify failed", "SASL authentication error"]

  /// The same events, of which this takes note.
  package func noting(_ events: KafkaEvents) -> KafkaEvents {
    var noted = events
    noted.log = { [self] level, facility, line in
      if facility == "FAIL" { text.withLock { $0 = Self.reason(in: line) } }
      events.log(level, facility, line)
    }
    return noted
  }

  /// The line without the name of the library's thread: `[thrd:…]: broker: what failed`.
  static func reason(in line: String) -> String {
    guard line.hasPrefix("[thrd:"), let end = line.firstRange(of: "]: ") else { return line }
    return String(line[end.upperBound...])
  }
}
