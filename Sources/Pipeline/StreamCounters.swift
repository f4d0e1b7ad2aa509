package import Basics
package import Records
package import Transport

/// Why a stream had to stop.
package enum StreamFailure: Error, Sendable {
  /// Nothing can be read any more.
  case source(any TransportCause)
  /// The classifier is of no more use.
  case classifier(String)
  /// A record cannot be judged, and the settings say to halt at that.
  case poison(SourcePosition, String)
  /// Nothing can be published any more, or not within the attempts allowed.
  case sink(any TransportCause)
}

extension StreamFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .source(let cause): "reading failed: \(cause)"
    case .classifier(let detail): "the model failed: \(detail)"
    case .poison(let source, let detail): "poison record at \(source): \(detail)"
    case .sink(let cause): "publishing failed: \(cause)"
    }
  }
}

/// Running totals of a stream since its start.
package struct StreamCounters: Hashable, Sendable {
  package internal(set) var received = 0
  /// Read, but of a partition not assigned any more or repeated by the client.
  package internal(set) var ignored = 0
  /// Given up without a commit, for the partition's next owner to read again.
  package internal(set) var dropped = 0
  package internal(set) var pauses = 0
  package internal(set) var batches = 0
  package internal(set) var releases: [ReleaseReason: Int] = [:]
  package internal(set) var tokens = 0
  package internal(set) var judgingFailures = 0
  package internal(set) var transactions = 0
  /// Transactions that were not committed, by what went wrong.
  package internal(set) var aborts: [String: Int] = [:]
  package internal(set) var verdicts = 0
  package internal(set) var deadLetters: [DeadLetterReason: Int] = [:]
  package internal(set) var skipped = 0
  /// Verdicts in which a category reached its threshold, by category.
  package internal(set) var flaggedCategories: [String: Int] = [:]
  /// Texts of the exchanges that got a verdict, and what became of them.
  package internal(set) var texts = Coverage(texts: 0, judged: 0)

  /// Records whose outputs and offsets are committed.
  package var committed: Int { verdicts + skipped + deadLetters.values.reduce(0, +) }

  mutating func count(_ batch: Batch) {
    batches += 1
    releases[batch.reason, default: 0] += 1
    tokens += batch.items.reduce(0) { $0 + $1.tokens }
  }

  mutating func count(committed transaction: Transaction) {
    transactions += 1
    for item in transaction.items {
      switch item.outcome {
      case .judged(let judged):
        verdicts += 1
        for category in judged.decision.flaggedCategories {
          flaggedCategories[category, default: 0] += 1
        }
        if let coverage = judged.exchange.coverage { texts.add(coverage) }
      case .deadLetter(let letter): deadLetters[letter.reason, default: 0] += 1
      case .forwardTombstone, .skipped: skipped += 1
      }
    }
  }
}

extension StreamFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .source, .sink: .unavailable
    case .classifier: .software
    case .poison: .data
    }
  }
}
