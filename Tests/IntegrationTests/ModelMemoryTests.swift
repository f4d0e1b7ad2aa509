import Foundation
import Kafka
import TestSupport
import Testing

/// What the daemon holds while its model is replaced again and again.
struct ModelMemoryTests {
  /// Two models, which differ in nothing but their names, and a link to one of them.
  private struct Models {
    let link: String
    private let folders: [String]
    private let directory: TemporaryDirectory

    init() throws {
      directory = try TemporaryDirectory()
      link = directory.path + "/current"
      let bundled = SourceTree.url("Sources/Guard/Resources/guard-minilm")
      folders = ["first", "second"].map { [directory] in "\(directory.path)/\($0)" }
      for folder in folders {
        try FileManager.default.copyItem(at: bundled, to: URL(filePath: folder))
      }
    }

    func choose(_ number: Int) throws {
      try? FileManager.default.removeItem(atPath: link)
      try FileManager.default.createSymbolicLink(
        atPath: link, withDestinationPath: folders[number % folders.count])
    }
  }

  /// Bytes of its own that are resident, once it has had time to give back what it does not need.
  private func memory(of daemon: DaemonProcess) throws -> Int {
    usleep(4_000_000)  // sleeps: a daemon looks once a second whether the former model is done
    let status = try String(
      contentsOfFile: "/proc/\(daemon.process.processIdentifier)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon") })
    return try #require(Int(line.filter(\.isNumber))) << 10
  }

  @Test func aReplacedModelLeavesNothingBehind() throws {
    let models = try Models()
    try models.choose(0)
    let cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 1) }
    let daemon = try DaemonProcess(
      settings: """
        kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: memory}
        topics: {input: in, verdicts: verdicts, dead_letters: dead}
        model: {path: "\(models.link)", poll_seconds: 1}
        engine: {threads: 1, precision: int8}
        telemetry: {listen: none}
        """)
    let before = try memory(of: daemon)
    for number in 1...5 {
      try models.choose(number)
      let isReplaced = comesAbout(within: .seconds(60)) {
        daemon.log.split(separator: "\n").count { $0.contains("model replaced") } == number
      }
      try #require(isReplaced, "\(number): \(daemon.log)")
    }
    let after = try memory(of: daemon)
    for number in 1...3 {
      daemon.process.send(signal: SIGHUP)
      let isLoaded = comesAbout(within: .seconds(60)) {
        daemon.log.split(separator: "\n").count { $0.contains("model unchanged") } == number
      }
      try #require(isLoaded, "\(number): \(daemon.log)")
    }
    let later = try memory(of: daemon)
    #expect(
      after <= before + 24 << 20, "\(before >> 20) MiB, after five replacements \(after >> 20)")
    #expect(later <= before + 24 << 20, "after three reloads \(later >> 20)")
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }
}
