import Kafka
import TestSupport
import Testing

/// What the proxy does to a client, seen from the client.
@Suite struct KafkaProxyTests {
  private let cluster: MockCluster
  private let proxy: KafkaProxy

  init() throws {
    cluster = try MockCluster()
    try cluster.createTopic("topic", partitions: 1)
    let port = try #require(UInt16(cluster.bootstrapServers.split(separator: ":").last ?? ""))
    proxy = try #require(KafkaProxy(broker: port))
  }

  private func client() throws -> KafkaAdmin {
    try KafkaAdmin(
      KafkaConfiguration([
        "bootstrap.servers": proxy.bootstrapServers, "reconnect.backoff.ms": "10",
        "reconnect.backoff.max.ms": "20", "socket.timeout.ms": "60000",
      ]))
  }

  private func sees(_ client: KafkaAdmin, within limit: Duration) -> Bool {
    (try? client.topics(timeout: limit))?.contains { $0.name == "topic" } ?? false
  }

  @Test(arguments: [KafkaProxy.Fault.cut, .cutInFrame])
  func aClientConnectsAnewAfterACut(fault: KafkaProxy.Fault) async throws {
    try await onThreadOfItsOwn {
      defer { proxy.stop() }
      let client = try client()
      #expect(sees(client, within: .seconds(30)))
      proxy.apply(fault)
      _ = try? client.topics(timeout: .seconds(5))
      #expect(sees(client, within: .seconds(30)))
    }
  }

  @Test(arguments: [
    KafkaProxy.Fault.partition(.toBroker, .milliseconds(600)),
    .partition(.toClient, .milliseconds(600)), .slow(by: .milliseconds(600), for: .seconds(30)),
  ])
  func whatIsHeldUpArrivesLater(fault: KafkaProxy.Fault) async throws {
    try await onThreadOfItsOwn {
      defer { proxy.stop() }
      let client = try client()
      #expect(sees(client, within: .seconds(30)))
      proxy.apply(fault)
      let start = ContinuousClock.now
      #expect(sees(client, within: .seconds(30)))
      #expect(ContinuousClock.now - start >= .milliseconds(500))
    }
  }

  @Test(arguments: [
    KafkaProxy.Fault.halfOpen(.seconds(2)), .refuse(.seconds(2)),
    .partition(.toBroker, .seconds(2)),
  ])
  func nothingPassesUntilItIsOver(fault: KafkaProxy.Fault) async throws {
    try await onThreadOfItsOwn {
      defer { proxy.stop() }
      let client = try client()
      #expect(sees(client, within: .seconds(30)))
      proxy.apply(fault)
      #expect(!sees(client, within: .milliseconds(500)))
      #expect(comesAbout(within: .seconds(30)) { sees(client, within: .milliseconds(500)) })
    }
  }
}
