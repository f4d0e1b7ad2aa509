internal import CRdKafka
internal import Transport

/// A failed call of librdkafka: which, why, and what helps. It never carries data of users.
package struct KafkaError: TransportCause {
  /// What was tried.
  package enum Operation: String, Hashable, Sendable {
    case configure
    case createClient = "create client"
    case subscribe, poll, assign, seek, position, committed, commit, close
    case groupMetadata = "group metadata"
    case initTransactions = "init transactions"
    case beginTransaction = "begin transaction"
    case produce
    case deliver
    case flush
    case sendOffsets = "send offsets to transaction"
    case commitTransaction = "commit transaction"
    case abortTransaction = "abort transaction"
    case metadata
    case createTopics = "create topics"
    case describeGroup = "describe group"
    case mockCluster = "mock cluster"
    /// Reported by the client on its own account, by no call.
    case background
  }

  /// What helps.
  package enum Disposition: String, Hashable, Sendable, CaseIterable {
    /// The same call can succeed later.
    case retriable
    /// The transaction is lost; abort it, then the same work can be done in a new one.
    case abort
    /// Nothing helps in this process: leave cleanly and let the service manager start it again.
    case fatal
  }

  package let operation: Operation
  package let code: KafkaErrorCode
  /// The library's words: brokers, topics and property names, never values or payloads.
  package let message: String
  package let disposition: Disposition

  package init(
    _ operation: Operation, _ code: KafkaErrorCode, message: String? = nil,
    marks: KafkaErrorMarks = []
  ) {
    self.operation = operation
    self.code = code
    self.message = message ?? code.meaning
    self.disposition = Self.decide(code, marks: marks)
  }

  /// Takes over `error`, which librdkafka handed out, and frees it.
  init(_ operation: Operation, consuming error: OpaquePointer) {
    defer { unsafe rd_kafka_error_destroy(error) }
    var marks: KafkaErrorMarks = []
    if unsafe rd_kafka_error_is_fatal(error) != 0 { marks.insert(.fatal) }
    if unsafe rd_kafka_error_txn_requires_abort(error) != 0 { marks.insert(.requiresAbort) }
    if unsafe rd_kafka_error_is_retriable(error) != 0 { marks.insert(.retriable) }
    let text = unsafe rd_kafka_error_string(error).map { unsafe String(cString: $0) }
    self.init(
      operation, KafkaErrorCode(unsafe rd_kafka_error_code(error)), message: text, marks: marks)
  }

  /// Throws if `error` is one, and frees it.
  static func check(_ operation: Operation, _ error: OpaquePointer?) throws(KafkaError) {
    if let error = unsafe error { throw unsafe KafkaError(operation, consuming: error) }
  }

  /// Throws if `code` is an error.
  static func check(_ operation: Operation, _ code: rd_kafka_resp_err_t) throws(KafkaError) {
    let code = KafkaErrorCode(code)
    if code != .none { throw KafkaError(operation, code) }
  }
}

extension KafkaError {
  /// The code's.
  package var name: String { code.name }

  /// One line: operation, code and message.
  package var description: String { "\(operation.rawValue): \(code.name): \(message)" }
}

/// What librdkafka itself says of an error.
package struct KafkaErrorMarks: OptionSet {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let fatal = KafkaErrorMarks(rawValue: 1)
  package static let requiresAbort = KafkaErrorMarks(rawValue: 2)
  package static let retriable = KafkaErrorMarks(rawValue: 4)
}

extension KafkaError {
  /// Decides the fate of every error: librdkafka's marks first, since it knows the state of the
  /// transaction; the code where it is silent. A code that nobody thought of is fatal: to start
  /// again is always safe, to go on may not be.
  static func decide(_ code: KafkaErrorCode, marks: KafkaErrorMarks) -> Disposition {
    // Another process runs under this identity. The library asks for an abort only, but the same
    // work must not be tried again here.
    if code.native == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID { return .fatal }
    if marks.contains(.fatal) { return .fatal }
    if marks.contains(.requiresAbort) { return .abort }
    if marks.contains(.retriable) { return .retriable }
    if retriableCodes.contains(code) { return .retriable }
    if abortCodes.contains(code) { return .abort }
    return .fatal
  }

  /// The cluster, the connection or the group is on its way to a state in which this works.
  private static let retriableCodes: Set<KafkaErrorCode> = Set(
    [
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
      RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__QUEUE_FULL,
      RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__WAIT_CACHE,
      RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR__INTR, RD_KAFKA_RESP_ERR__RETRY,
      RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST,
      RD_KAFKA_RESP_ERR__NO_OFFSET, RD_KAFKA_RESP_ERR__PARTITION_EOF,
      RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__OUTDATED,
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
      RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
      RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
      RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
      RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_MEMBER_ID_REQUIRED, RD_KAFKA_RESP_ERR_INVALID_MSG,
    ].map { KafkaErrorCode($0) })

  /// These spoil a transaction but not the producer.
  private static let abortCodes: Set<KafkaErrorCode> = Set(
    [
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
      RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
      RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE,
      RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
      RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
      RD_KAFKA_RESP_ERR__PURGE_INFLIGHT,
    ].map { KafkaErrorCode($0) })
}
