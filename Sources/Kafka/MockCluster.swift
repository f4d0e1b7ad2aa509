internal import CRdKafka
package import Records

/// Brokers inside this process, on random loopback ports: for the demonstration and for tests.
///
/// They keep the last 5 MB of each partition in memory. They do not hide aborted records, keep
/// offsets that were sent in transactions, or fence producers.
@safe package final class MockCluster: @unchecked Sendable {
  // @unchecked Sendable: librdkafka's mock cluster hands every call to its own thread, and both
  // pointers are fixed from `init` to `deinit`.
  private let client: ClientHandle
  private let cluster: OpaquePointer

  /// The address of the brokers, for `bootstrap.servers`.
  package let bootstrapServers: String

  /// Starts `brokers` brokers, numbered from 1.
  package init(brokers: Int = 1) throws(KafkaError) {
    // The brokers need a client for its threads and log; it connects to nothing.
    client = try NativeConfiguration(KafkaConfiguration(["client.id": "mock"])).makeClient(
      RD_KAFKA_PRODUCER, context: CallbackContext(events: KafkaEvents()))
    guard let cluster = unsafe rd_kafka_mock_cluster_new(client.pointer, Int32(brokers)) else {
      throw KafkaError(.mockCluster, KafkaErrorCode(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE))
    }
    unsafe self.cluster = unsafe cluster
    bootstrapServers = unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
  }

  deinit { unsafe rd_kafka_mock_cluster_destroy(cluster) }

  /// Creates a topic. One that is merely used comes into being with four partitions.
  package func createTopic(
    _ name: String, partitions: Int, replicationFactor: Int = 1
  ) throws(KafkaError) {
    let code = unsafe rd_kafka_mock_topic_create(
      cluster, name, Int32(partitions), Int32(replicationFactor))
    try KafkaError.check(.mockCluster, code)
  }

  /// A kind of request, numbered as in Kafka's protocol.
  package enum Request: Int16, Hashable, Sendable, CaseIterable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case initProducerIdentifier = 22
    case addPartitionsToTransaction = 24
    case addOffsetsToTransaction = 25
    case endTransaction = 26
    case transactionOffsetCommit = 28
  }

  /// Lets the next requests of this kind fail, the first with the first code and so on.
  package func failNext(_ request: Request, with codes: [KafkaErrorCode]) {
    let natives = codes.map(\.native)
    unsafe rd_kafka_mock_push_request_errors_array(
      cluster, request.rawValue, natives.count, natives)
  }

  /// Forgets the failures that have not happened yet.
  package func clearFailures(of request: Request) {
    unsafe rd_kafka_mock_clear_request_errors(cluster, request.rawValue)
  }

  /// Lets a broker lead a partition, or none, for nil.
  package func setLeader(_ broker: Int?, of partition: TopicPartition) throws(KafkaError) {
    let code = unsafe rd_kafka_mock_partition_set_leader(
      cluster, partition.topic, partition.partition.rawValue, Int32(broker ?? -1))
    try KafkaError.check(.mockCluster, code)
  }

  /// What has a coordinator.
  package enum Coordinated: String, Sendable { case group, transaction }

  /// Lets a broker coordinate a group or a `transactional.id`.
  package func setCoordinator(
    _ broker: Int, of kind: Coordinated, _ name: String
  ) throws(KafkaError) {
    let code = unsafe rd_kafka_mock_coordinator_set(
      cluster, kind.rawValue, name, Int32(broker))
    try KafkaError.check(.mockCluster, code)
  }

  /// What metadata and transactions are told of a topic from now on; `none` for nothing wrong.
  package func setError(_ code: KafkaErrorCode, of topic: String) {
    unsafe rd_kafka_mock_topic_set_error(cluster, topic, code.native)
  }

  /// Closes a broker's connections and refuses new ones, or lets them in again.
  package func setBroker(_ number: Int, isUp: Bool) throws(KafkaError) {
    let code =
      unsafe isUp
      ? rd_kafka_mock_broker_set_up(cluster, Int32(number))
      : rd_kafka_mock_broker_set_down(cluster, Int32(number))
    try KafkaError.check(.mockCluster, code)
  }
}
