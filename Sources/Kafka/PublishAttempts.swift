package import Transport

/// What came of an attempt to write records.
package enum AttemptResult: Equatable {
  case done
  /// These records were in requests that the broker refused for their content, in order. It refuses
  /// whole requests, so all but one may be innocent.
  case refused([KafkaProducer.DeliveryFailure])
}

/// Decides how to try again to write some records.
///
/// If the broker refuses several records at once, each of them travels alone in the next attempt,
/// which shows the culprit or writes them all.
package struct PublishAttempts {
  /// The records that the next attempt sends in requests of their own.
  package private(set) var isolated: Set<Int> = []

  package init() {}

  /// Whether another attempt is needed after this one; throws when none can help.
  package mutating func areNeeded(after result: AttemptResult) throws(PublishFailure<KafkaError>)
    -> Bool
  {
    switch result {
    case .done: return false
    case .refused(let failures):
      guard let first = failures.first else { return false }
      if failures.count == 1 || isolated.contains(first.index) {
        throw .rejected(index: first.index, first.error)
      }
      isolated.formUnion(failures.map(\.index))
      return true
    }
  }
}
