package import Basics
package import Records

/// A record on its way through the stream, under the assignment it was read in.
package struct StreamItem: Sendable {
  package let record: InputRecord
  let lane: LaneID
  package let arrival: Instant
}

/// An exchange turned into the sequences of token ids that the model judges.
package struct PreparedExchange: Hashable, Sendable {
  package var id: String
  package var tenant: String?
  package var metadata: [MetadataEntry]
  /// One sequence per window of the prompt alone; empty when that view is not judged.
  package var promptSequences: [[Int32]]
  /// One sequence per window of the prompt with its response; empty without a response.
  package var responseSequences: [[Int32]]
  /// How many texts the record had, and how many stand in the sequences; nil where nobody asks.
  package var coverage: Coverage?

  package init(
    id: String, tenant: String? = nil, metadata: [MetadataEntry] = [],
    promptSequences: [[Int32]], responseSequences: [[Int32]], coverage: Coverage? = nil
  ) {
    self.id = id
    self.tenant = tenant
    self.metadata = metadata
    self.promptSequences = promptSequences
    self.responseSequences = responseSequences
    self.coverage = coverage
  }

  /// Token ids over all sequences.
  package var tokens: Int {
    promptSequences.reduce(0) { $0 + $1.count } + responseSequences.reduce(0) { $0 + $1.count }
  }

  /// Sequences of the view that needs most of them.
  package var windows: Int { max(promptSequences.count, responseSequences.count) }
}

/// What became of a record when it was decoded and tokenized.
package enum Preparation: Sendable {
  case judge(PreparedExchange)
  /// It cannot be judged; the detail says where and why, without the user's text.
  case deadLetter(DeadLetterReason, detail: String)
  /// A tombstone that passes through as a tombstone.
  case forwardTombstone
  /// A tombstone that leaves no trace but its committed offset.
  case skip

  var tokens: Int {
    if case .judge(let exchange) = self { exchange.tokens } else { 0 }
  }
}

/// A record with its preparation.
package struct PreparedItem: Sendable {
  package let item: StreamItem
  package let format: PayloadFormat
  package let preparation: Preparation
  /// The model whose tokenizer cut the sequences: only it may judge them. Being held here keeps a
  /// replaced model alive until its last record is judged.
  package let classifier: any Classifier
  let tokens: Int
  let bytes: Int

  package init(
    item: StreamItem, format: PayloadFormat, preparation: Preparation,
    for classifier: any Classifier
  ) {
    self.item = item
    self.format = format
    self.preparation = preparation
    self.classifier = classifier
    self.tokens = preparation.tokens
    self.bytes = item.record.byteCount
  }
}

/// What is published for a record.
package enum Outcome: Sendable {
  case judged(PreparedExchange, Judgement)
  case deadLetter(DeadLetter)
  case forwardTombstone
  case skipped
}

/// A record whose fate is decided and waits to be published.
package struct JudgedItem: Sendable {
  package let item: StreamItem
  package let format: PayloadFormat
  package internal(set) var outcome: Outcome
  package let judgedAtMilliseconds: Int64
  /// The model that judged, or stood ready when the record was refused.
  package let model: String
  /// The dead letter leaves the payload out, since the broker refused it for its size.
  package internal(set) var omitsPayload = false

  /// When the record was read.
  package var arrival: Instant { item.arrival }
}
