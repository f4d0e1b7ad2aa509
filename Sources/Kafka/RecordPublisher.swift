package import Records

/// Why records and offsets were not published.
package enum PublishError: Error, Hashable, Sendable {
  /// Nothing was committed; the same records may be published again.
  case aborted(KafkaError)
  /// Nothing was committed, and the record at this index never can be: the broker refuses it.
  case rejected(index: Int, KafkaError)
  /// This process cannot go on. Whether the transaction was committed is for the next one to see
  /// from the committed offsets.
  case fatal(KafkaError)

  /// The error underneath.
  package var cause: KafkaError {
    switch self {
    case .aborted(let error), .rejected(_, let error), .fatal(let error): error
    }
  }
}

/// Writes outputs and commits the offsets of the inputs that they were made from.
package protocol RecordPublisher: Sendable {
  /// Publishes `records` in order and commits `offsets`, each the next one to read, for a member of
  /// the group. Blocks; one thread at a time.
  ///
  /// Take `member` before choosing the records: taken later, it could belong to the assignment after
  /// the one they were read in, and the coordinator would not refuse them.
  ///
  /// The offsets must be of partitions that the consumer owns now: finish inside the handler of a
  /// revocation, or drop the records.
  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as member: borrowing ConsumerGroupMetadata
  ) throws(PublishError)
}

/// The result of one attempt to write records.
enum AttemptResult {
  case done
  /// These records were in requests that the broker refused for their content. It refuses whole
  /// requests, so all but one may be innocent.
  case refused([KafkaProducer.DeliveryFailure])
}

/// Makes an attempt; if the broker refuses several records at once, makes a second one in which each
/// of them travels alone, which shows the culprit or writes them all.
func publishFindingRefused(
  _ attempt: (_ isolated: Set<Int>) throws(PublishError) -> AttemptResult
) throws(PublishError) {
  var isolated: Set<Int> = []
  while true {
    guard case .refused(let refused) = try attempt(isolated), let first = refused.first else {
      return
    }
    if refused.count == 1 || isolated.contains(first.index) {
      throw .rejected(index: first.index, first.error)
    }
    isolated.formUnion(refused.map(\.index))
  }
}
