internal import FoundationEssentials
internal import Glibc
internal import Kafka

/// A broker in a process of its own, for what the mock brokers cannot do: hiding aborted records,
/// committing offsets in transactions, fencing, and outliving a worker that is killed.
///
/// It is noida-db, which `Tests/Fixtures/install_test_servers.sh` installs. It is not Apache Kafka:
/// it does not enforce transaction timeouts or generations.
package final class NoidaBroker {
  /// Why there is no broker.
  package struct StartError: Error, CustomStringConvertible {
    package let description: String
  }

  /// Where it listens on 127.0.0.1.
  package let port: UInt16
  package let bootstrapServers: String
  private let directory: TemporaryDirectory
  private let process: ChildProcess

  /// Whether tests that need a broker are to be left out, which has to be asked for.
  package static var isSkipped: Bool { variable("SLUICE_SKIP_BROKER") == "1" }

  /// The cluster to use instead of a broker of the test's own, if one is named.
  package static var externalBootstrapServers: String? { variable("KAFKA_BOOTSTRAP") }

  /// Starts a broker with an empty data directory and waits until it answers.
  package init(within limit: Duration = .seconds(30)) throws {
    let program = Self.program
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw StartError(
        description: "\(program) is missing: run Tests/Fixtures/install_test_servers.sh")
    }
    port = freeLoopbackPort()
    bootstrapServers = "127.0.0.1:\(port)"
    directory = try TemporaryDirectory()
    process = try ChildProcess(
      program,
      [
        "start", "--data-dir", "\(directory.path)/data", "--only", "kafka", "--kafka-port",
        "\(port)",
      ],
      output: "\(directory.path)/log")
    try waitUntilReady(within: limit)
  }

  /// Ends the broker; its data goes with this object, so there is nothing to be gentle about.
  package func stop() { process.kill() }

  /// Stops the broker's process, which then answers nothing and closes nothing.
  package func freeze() { process.send(signal: SIGSTOP) }

  deinit { stop() }

  private func waitUntilReady(within limit: Duration) throws {
    let end = ContinuousClock.now + limit
    let admin = try KafkaAdmin(
      KafkaConfiguration([
        "bootstrap.servers": bootstrapServers, "reconnect.backoff.ms": "20",
        "reconnect.backoff.max.ms": "50",
      ]))
    while (try? admin.topics(timeout: .milliseconds(500))) == nil {
      guard process.isRunning, ContinuousClock.now < end else {
        throw StartError(description: "the broker did not start: \(directory.text(of: "log"))")
      }
    }
  }

  private static var program: String {
    let venv = variable("SLUICE_TEST_VENV") ?? "\(checkoutPath)/.build/test-venv"
    return "\(venv)/bin/noida-db-broker"
  }

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// The root of this checkout, three steps up from this file.
  private static var checkoutPath: String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path()
  }
}
