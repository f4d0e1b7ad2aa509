/// Why a producer is not trusted with another transaction.
///
/// Within one epoch a broker cannot tell a request that comes late from a new one: a late EndTxn
/// commits half of the next transaction, a late TxnOffsetCommit takes its offsets back (KIP-890).
/// So whenever a request may be on its way still, a fresh producer takes over; its InitProducerId
/// raises the epoch, which shuts out whatever comes late, and ends what was left open.
package struct TransactionDoubt: Hashable, Sendable {
  /// The kinds of doubt.
  package enum Cause: String, Hashable, Sendable, CaseIterable {
    /// The transaction was committed, but some request had to be sent again since a connection
    /// broke or time ran out, and its first copy may arrive later.
    case unanswered
    /// The transaction was given up before its commit was asked for.
    case aborted
    /// The commit was asked for and nobody answered: only the committed offsets tell.
    case uncertain
  }

  package let cause: Cause
  /// What failed, in librdkafka's words; empty where nothing did.
  package let detail: String
}

/// How often there was doubt since the start, and what it cost.
package struct TransactionDoubts: Hashable, Sendable {
  package private(set) var counts: [TransactionDoubt.Cause: Int] = [:]
  /// Time spent on putting fresh producers in place.
  package private(set) var renewal = Duration.zero

  package init() {}

  /// How often there was doubt.
  package var total: Int { counts.values.reduce(0, +) }

  mutating func note(_ cause: TransactionDoubt.Cause) { counts[cause, default: 0] += 1 }

  mutating func note(renewal duration: Duration) { renewal += duration }
}
