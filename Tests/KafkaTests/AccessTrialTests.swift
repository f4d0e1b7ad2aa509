import Kafka
import Records
import TestSupport
import Testing

/// Rights that brokers refuse, on mock brokers.
@Suite(.ownThread) struct AccessTrialTests {
  private let cluster: TestCluster
  private let topic: String
  private let other: String

  init() throws {
    cluster = try TestCluster(mockOnly: true)
    topic = try cluster.makeTopic(partitions: 3)
    other = try cluster.makeTopic(partitions: 1)
  }

  private func reading() throws -> [String] {
    var configuration = cluster.configuration()
    configuration["group.id"] = "group"
    return try AccessTrial.reading(
      configuration, topics: [topic, other], timeout: .seconds(20)
    ).map(\.description)
  }

  private func writing() throws -> [String] {
    var configuration = cluster.configuration()
    configuration["transactional.id"] = "group-check"
    return try AccessTrial.writing(
      configuration, topics: [topic, other], timeout: .seconds(20)
    ).map(\.description)
  }

  private func refuse(_ request: MockCluster.Request, _ code: KafkaErrorCode, _ count: Int) throws {
    try #require(cluster.mock).failNext(request, with: Array(repeating: code, count: count))
  }

  @Test func whoMayDoAllIsRefusedNothing() throws {
    #expect(try reading() == [])
    #expect(try writing() == [])
  }

  /// The mock tells a partition's end beside the refusal, and librdkafka hides a refusal behind an
  /// end that is new. It does so to all partitions if one request asks for all, surely if there is
  /// one only.
  @Test(arguments: [1, 3])
  func aTopicThatMayNotBeReadIsNamed(partitions: Int32) throws {
    let topic = partitions == 1 ? other : topic
    try refuse(.fetch, .topicAuthorizationFailed, 1_000)
    var configuration = cluster.configuration()
    configuration["group.id"] = "group"
    let refused = try AccessTrial.reading(
      configuration, topics: [topic], timeout: .seconds(20))
    #expect(
      refused == [
        AccessTrial.Refusal(right: "read from topic \(topic)", code: .topicAuthorizationFailed)
      ])
  }

  /// Silence is neither a permission nor a refusal.
  @Test func aPartitionThatGivesNoAnswerIsAnError() throws {
    try refuse(.fetch, .notLeader, 1_000)
    var configuration = cluster.configuration()
    configuration["group.id"] = "group"
    let error = try #require(throws: KafkaError.self) {
      _ = try AccessTrial.reading(configuration, topics: [topic], timeout: .seconds(1))
    }
    #expect(error.code == .timedOut)
    #expect(error.message == "no answer from \(topic)/0 and 2 more partitions within 1 s")
  }

  @Test func aGroupThatMayNotBeSeenIsNamed() throws {
    try refuse(.offsetFetch, .groupAuthorizationFailed, 1)
    #expect(try reading() == ["read for group group: GROUP_AUTHORIZATION_FAILED"])
  }

  @Test(arguments: [MockCluster.Request.produce, .addPartitionsToTransaction])
  func aTopicThatMayNotBeWrittenIsNamed(request: MockCluster.Request) throws {
    try refuse(request, .topicAuthorizationFailed, 1)
    let refused = try writing()
    #expect(refused == ["write to topic \(topic): TOPIC_AUTHORIZATION_FAILED"])
  }

  @Test func aNameThatMayNotBeUsedIsNamed() throws {
    try refuse(.initProducerIdentifier, .transactionalIdentifierAuthorizationFailed, 1)
    #expect(
      try writing() == [
        "write as transactional.id group-check: TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
      ])
  }

  @Test func whatIsNoRefusalIsAnError() throws {
    #expect(throws: KafkaError.self) {
      var configuration = cluster.configuration()
      configuration["group.id"] = "group"
      _ = try AccessTrial.reading(configuration, topics: ["missing"], timeout: .seconds(5))
    }
  }
}
