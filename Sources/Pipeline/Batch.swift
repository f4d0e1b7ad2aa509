package import Records

/// Names a batch that is with the classifier.
package struct BatchID: Hashable, Sendable {
  let number: Int
}

/// A batch for the classifier. Records that need no judging ride along, so that order is kept.
package struct Batch: Sendable {
  package let id: BatchID
  /// At least one, all prepared for `classifier`.
  package let items: [PreparedItem]
  /// The model that judges them.
  package let classifier: any Classifier
  package let reason: ReleaseReason
  /// How often its only record failed alone before; 0 for a batch of several.
  package let failures: Int
  /// Whether it is judged beside the others and in turns with them, since it may take long.
  package let isLong: Bool

  /// The exchanges to judge, in order.
  package var exchanges: [ExchangeSequences] {
    items.compactMap { item in
      if case .judge(let exchange) = item.preparation { exchange.sequences } else { nil }
    }
  }

  /// What the batch's model makes of its exchanges, in order.
  package func judge() throws(ClassifierFailure) -> [Judgement] {
    let exchanges = exchanges
    if exchanges.isEmpty { return [] }
    return isLong ? try classifier.judgeInTurns(exchanges) : try classifier.judge(exchanges)
  }
}
