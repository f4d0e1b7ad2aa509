import Kafka
import Synchronization
import Testing

@Suite struct ConnectionFailureTests {
  @Test func theLastFailureIsRememberedAndEveryLineGoesOn() {
    let failures = ConnectionFailures()
    let seen = Lines()
    let events = failures.noting(KafkaEvents(log: { _, _, line in seen.add(line) }))
    #expect(failures.last == nil)
    events.log(.error, "FAIL", "[thrd:ssl://a:1/bootstrap]: ssl://a:1/bootstrap: no route")
    events.log(.error, "ERROR", "[thrd:ssl://a:1/bootstrap]: 1/1 brokers are down")
    #expect(failures.last == "ssl://a:1/bootstrap: no route")
    events.log(.error, "FAIL", "without a thread")
    #expect(failures.last == "without a thread")
    #expect(seen.count == 3)
  }

  @Test(arguments: [
    ("ssl://a:1/bootstrap: SSL handshake failed: error:0A:certificate verify failed: why", true),
    ("sasl_ssl://a:1/1: SASL authentication error: Authentication failed", true),
    ("ssl://a:1/bootstrap: SSL handshake failed: Disconnected", false),
    ("a:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused", false),
  ])
  func itTellsWhatNoWaitingMends(line: String, isForGood: Bool) {
    let failures = ConnectionFailures()
    #expect(!failures.isForGood)
    failures.noting(KafkaEvents()).log(.error, "FAIL", line)
    #expect(failures.isForGood == isForGood)
  }

  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var count: Int { lines.withLock { $0.count } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }
}
