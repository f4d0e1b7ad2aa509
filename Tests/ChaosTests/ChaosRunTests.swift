import Foundation
import Kafka
import TestSupport
import Testing

/// The harness itself, for some seconds; `make chaos` runs it for long.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct ChaosRunTests {
  private static let program = SourceTree.product("sluice-chaos").path

  private func run(_ arguments: [String]) throws -> (ending: ChildProcess.Ending?, text: String) {
    let directory = try TemporaryDirectory()
    let process = try ChildProcess(
      Self.program, arguments + ["--output", directory.path + "/chaos"],
      output: directory.path + "/out")
    let ending = process.wait(within: .seconds(240))
    return (ending, directory.text(of: "out"))
  }

  @Test func daemonsAndTheirNetworkFailAndNothingIsLost() throws {
    let (ending, text) = try run([
      "--records", "1500", "--seconds", "20", "--hold", "10", "--seed", "11",
    ])
    #expect(ending == .exited(0), "\(text)")
    #expect(text.contains("0 lost, 0 repeated, 0 reordered, 0 wrong"), "\(text)")
  }

  /// Topics of its own, two rounds of them, on a broker that goes on.
  @Test func aClusterThatIsThereIsUsed() throws {
    let broker = try NoidaBroker()
    defer { broker.stop() }
    let (ending, text) = try run([
      "--cluster", broker.bootstrapServers, "--rounds", "2", "--records", "300", "--seconds", "5",
      "--faults", "kill", "cut", "--hold", "20", "--seed", "3",
    ])
    #expect(ending == .exited(0), "\(text)")
    #expect(text.contains("600 exchanges in 2 rounds, 0 lost, 0 repeated"), "\(text)")
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    let topics = try admin.topics(timeout: .seconds(10)).map(\.name)
    #expect(topics.count { $0.hasPrefix("sluice-chaos-") } == 8, "\(topics)")
  }

  /// Members without names, which get other partitions whenever one leaves or comes.
  @Test func membersWithoutNamesComeAndGo() throws {
    let (ending, text) = try run([
      "--membership", "dynamic", "--records", "600", "--seconds", "15", "--pace", "3", "--seed",
      "5",
    ])
    #expect(ending == .exited(0), "\(text)")
    #expect(text.contains("600 exchanges in 1 rounds, 0 lost, 0 repeated"), "\(text)")
  }

  /// A daemon that ends at once decides nothing.
  @Test func whatIsNotDecidedIsSaid() throws {
    let directory = try TemporaryDirectory()
    let program = directory.path + "/sluice"
    let real = SourceTree.product("sluice").path
    try Data("#!/bin/sh\n[ \"$1\" = serve ] && exit 3\nexec \(real) \"$@\"\n".utf8)
      .write(to: URL(filePath: program))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let (ending, text) = try run([
      "--program", program, "--records", "10", "--seconds", "1", "--patience", "3",
    ])
    #expect(ending == .exited(1), "\(text)")
    #expect(text.contains("10 lost, 0 repeated"), "\(text)")
    #expect(text.contains("daemons left with 3"), "\(text)")
  }

  @Test func aProgramThatCannotBeRunIsSaid() throws {
    let (ending, text) = try run(["--program", "/bin/false"])
    #expect(ending == .exited(69), "\(text)")
  }

  @Test func mistakesAreUsage() throws {
    for arguments in [
      ["--rounds", "0"], ["--faults", "flood"], ["--pace", "0"], ["--hold", "-1"],
      ["--cluster", "kafka-1:9092", "--faults", "cut"],
      ["--cluster", "127.0.0.1:9092,127.0.0.1:9093", "--hold", "3"], ["--replicas", "0"],
      ["--membership", "cooperative"], ["--membership", "none"],
    ] {
      #expect(try run(arguments).ending == .exited(64), "\(arguments)")
    }
  }
}
