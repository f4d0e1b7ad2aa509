internal import CRdKafka

/// A code of librdkafka's: positive ones come from the broker, negative ones from the library.
package struct KafkaErrorCode: RawRepresentable, Hashable, Sendable {
  package let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  init(_ code: rd_kafka_resp_err_t) { rawValue = code.rawValue }

  var native: rd_kafka_resp_err_t { rd_kafka_resp_err_t(rawValue) }

  /// The name in librdkafka's header without its prefix, such as `MSG_SIZE_TOO_LARGE`.
  package var name: String {
    guard let name = unsafe rd_kafka_err2name(native) else { return "\(rawValue)" }
    return unsafe String(cString: name)
  }

  /// What the code means, in a few English words.
  package var meaning: String {
    guard let meaning = unsafe rd_kafka_err2str(native) else { return name }
    return unsafe String(cString: meaning)
  }
}

extension KafkaErrorCode: CustomStringConvertible {
  /// The name, which is what logs show.
  package var description: String { name }
}

/// The codes that this package speaks of; any other can occur, too.
extension KafkaErrorCode {
  package static let none = Self(RD_KAFKA_RESP_ERR_NO_ERROR)
  package static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
  package static let fenced = Self(RD_KAFKA_RESP_ERR__FENCED)
  package static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
  package static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
  package static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
  package static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)
  package static let state = Self(RD_KAFKA_RESP_ERR__STATE)
  package static let partitionEnd = Self(RD_KAFKA_RESP_ERR__PARTITION_EOF)
  package static let purgedFromQueue = Self(RD_KAFKA_RESP_ERR__PURGE_QUEUE)
  package static let purgedInFlight = Self(RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
  package static let messageSizeTooLarge = Self(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
  package static let recordListTooLarge = Self(RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
  package static let invalidRecord = Self(RD_KAFKA_RESP_ERR_INVALID_RECORD)
  package static let topicAlreadyExists = Self(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
  package static let unknownTopicOrPartition = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
  package static let topicAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
  package static let groupAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
  package static let transactionalIdentifierAuthorizationFailed = Self(
    RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  package static let clusterAuthorizationFailed = Self(
    RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
  package static let invalidProducerEpoch = Self(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)
  package static let producerFenced = Self(RD_KAFKA_RESP_ERR_PRODUCER_FENCED)
  package static let outOfOrderSequence = Self(
    RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER)
  package static let concurrentTransactions = Self(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS)
  package static let coordinatorLoading = Self(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS)
  package static let invalidTransactionState = Self(RD_KAFKA_RESP_ERR_INVALID_TXN_STATE)
  package static let notLeader = Self(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
  package static let notCoordinator = Self(RD_KAFKA_RESP_ERR_NOT_COORDINATOR)
  package static let illegalGeneration = Self(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)

  /// Whether the broker refused the record for what it is, so that sending it again cannot help.
  package var refusesRecord: Bool {
    self == .messageSizeTooLarge || self == .recordListTooLarge || self == .invalidRecord
  }

  /// Whether the broker knows who asks, and does not let him.
  package var isRefusal: Bool {
    [
      .topicAuthorizationFailed, .groupAuthorizationFailed, .clusterAuthorizationFailed,
      .transactionalIdentifierAuthorizationFailed,
    ].contains(self)
  }
}
