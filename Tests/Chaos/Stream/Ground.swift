import Foundation
import Glibc
import Kafka
import TestSupport

/// A cluster that is there already, instead of a fresh broker for each round.
struct Cluster: Sendable {
  let bootstrapServers: String
  /// Of each topic.
  let replicas: Int
  /// What the names of all topics and groups of this run begin with.
  let prefix = "sluice-chaos-\(String(UInt32.random(in: 0 ... .max), radix: 36))"

  /// The port of the only broker, on this machine: what a proxy can stand before. nil otherwise.
  var localPort: UInt16? { Self.localPort(of: bootstrapServers) }

  static func localPort(of bootstrapServers: String) -> UInt16? {
    let parts = bootstrapServers.split(separator: ":")
    guard parts.count == 2, parts[0] == "127.0.0.1" || parts[0] == "localhost" else { return nil }
    return UInt16(parts[1])
  }
}

/// Names of a round's topics, and of its group.
package struct RoundNames: Sendable {
  let input: String
  let verdicts: String
  let deadLetters: String
  let labels: String
  let group: String

  var topics: [String] { [input, verdicts, deadLetters, labels] }

  /// - Parameter prefix: nil for a broker that has nothing else.
  package init(prefix: String?, round: Int) {
    let start = prefix.map { "\($0)-\(round)-" } ?? ""
    input = start + "in"
    verdicts = start + "verdicts"
    deadLetters = start + "dead"
    labels = start + "labels"
    group = start + "chaos"
  }
}

/// Where a round happens: topics that nobody else uses, on a broker of its own or on the cluster.
final class Ground {
  let bootstrapServers: String
  /// What proxies stand before; nil where that cannot be.
  let port: UInt16?
  let names: RoundNames
  private let broker: NoidaBroker?

  /// - Parameter cluster: nil for a broker of its own.
  init(_ cluster: Cluster?, partitions: Int, round: Int = 1) throws {
    names = RoundNames(prefix: cluster?.prefix, round: round)
    if let cluster {
      (broker, bootstrapServers, port) = (nil, cluster.bootstrapServers, cluster.localPort)
    } else {
      let broker = try NoidaBroker()
      (bootstrapServers, port) = (broker.bootstrapServers, broker.port)
      self.broker = broker
    }
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: bootstrapServers))
    try admin.createTopics(
      names.topics.map {
        KafkaAdmin.NewTopic(
          $0, partitionCount: partitions, replicationFactor: cluster?.replicas ?? 1)
      }, timeout: .seconds(30))
    try wait(for: admin)
  }

  /// A cluster tells of new topics a little later.
  private func wait(for admin: KafkaAdmin) throws {
    let end = ContinuousClock.now + .seconds(30)
    while true {
      let known = Set(try admin.topics(timeout: .seconds(10)).map(\.name))
      guard let missing = names.topics.first(where: { !known.contains($0) }) else { return }
      guard ContinuousClock.now < end else {
        throw Workload.Failure(description: "the topic \(missing) was created and is not there")
      }
      usleep(100_000)  // sleeps: a broker tells nobody when it knows
    }
  }

  /// Ends a broker of its own; the topics of a cluster stay.
  func leave() { broker?.stop() }
}
