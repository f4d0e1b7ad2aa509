import Kafka
import Records
import TestSupport
import Testing

/// What groups say of themselves.
@Suite(.ownThread) struct GroupTests {
  /// As the leader of a group on Apache Kafka writes it.
  private static let bytes: [UInt8] =
    [0, 1, 0, 0, 0, 2]
    + [0, 2] + Array("in".utf8) + [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7]
    + [0, 3] + Array("old".utf8) + [0, 0, 0, 0]
    + [0xff, 0xff, 0xff, 0xff]

  @Test func anAssignmentIsRead() throws {
    let partitions = try #require(GroupAssignment(Self.bytes)).partitions
    #expect(
      partitions == [
        TopicPartition(topic: "in", partition: Partition(0)),
        TopicPartition(topic: "in", partition: Partition(7)),
      ])
    #expect(GroupAssignment([0, 0, 0, 0, 0, 0])?.partitions == [])
  }

  @Test func whatIsNoAssignmentIsNone() {
    // Without user data behind it, it is complete.
    for length in 0..<Self.bytes.count - 4 {
      #expect(GroupAssignment(Array(Self.bytes.prefix(length))) == nil, "\(length) bytes")
    }
    #expect(GroupAssignment([0xff, 0xff, 0, 0, 0, 0]) == nil, "version -1")
    #expect(GroupAssignment([0, 0, 0xff, 0xff, 0xff, 0xff]) == nil, "-1 topics")
    #expect(GroupAssignment([0, 0, 0x7f, 0xff, 0xff, 0xff]) == nil, "2^31 - 1 topics")
    #expect(GroupAssignment([0, 0, 0, 0, 0, 1, 0xff, 0xfe]) == nil, "a name of -2 bytes")
  }

  /// The mock broker does not know the question. Asked through the library's administrator, it
  /// ended the process (`rd_kafka_enq_once_del_source_return`).
  @Test func aBrokerThatCannotTellDoesNoHarm() throws {
    let cluster = try TestCluster(mockOnly: true)
    let admin = try KafkaAdmin(cluster.configuration())
    _ = try admin.topics(timeout: .seconds(20))  // it is connected
    for _ in 0..<30 {
      let error = try #require(throws: KafkaError.self) {
        _ = try admin.group("group", timeout: .seconds(20))
      }
      #expect(error.name == "_UNSUPPORTED_FEATURE", "\(error)")
    }
  }
}
