import ArgumentParser
import Foundation
import Kafka

/// A mock broker in a process of its own, as a broker would be on a host of its own.
struct BrokerProcess {
  let bootstrapServers: String
  private let process: Process
  private let input: Pipe

  /// - Parameter partitions: of the input topic. The mock keeps 5 MB of each partition and deletes
  ///   what is older, so a backlog needs many.
  init(partitions: Int) throws {
    process = Process()
    process.executableURL = URL(filePath: CommandLine.arguments[0])
    process.arguments = ["broker", "--partitions", String(partitions)]
    input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    bootstrapServers = line.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Ends the broker.
  func stop() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}

/// `sluice-bench broker`: serves until its standard input ends.
struct BrokerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker", abstract: "Run a mock broker until standard input ends.",
    shouldDisplay: false)

  @Option var partitions = 4

  func run() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("bench.exchanges", partitions: partitions)
    for topic in ["bench.verdicts", "bench.peer-verdicts", "bench.dead-letters"] {
      try cluster.createTopic(topic, partitions: 4)
    }
    FileHandle.standardOutput.write(Data("\(cluster.bootstrapServers)\n".utf8))
    _ = try FileHandle.standardInput.readToEnd()
  }
}
