package import Basics
package import Records

/// A record on its way through the stream, under the assignment it was read in.
package struct StreamItem: Sendable {
  package let record: InputRecord
  let assignment: AssignmentID
  package let arrival: Instant
}

/// An exchange turned into what a model judges, with what its verdict repeats.
package struct PreparedExchange: Hashable, Sendable {
  package var id: String
  package var metadata: [MetadataEntry]
  package var sequences: ExchangeSequences
  /// What cut the sequences (`ExchangeTokenizer.cut`); 0 where nobody asks.
  package var cut: UInt64
  /// How many texts the record had, and how many stand in the sequences; nil where nobody asks.
  package var coverage: Coverage?
  /// What its texts are known by; nil where no exception asks for it.
  package var content: ContentDigest?

  /// What exceptions look at.
  package var subject: ExceptionSubject { ExceptionSubject(content: content, metadata: metadata) }

  package init(
    id: String, metadata: [MetadataEntry] = [], sequences: ExchangeSequences, cut: UInt64 = 0,
    coverage: Coverage? = nil, content: ContentDigest? = nil
  ) {
    self.id = id
    self.metadata = metadata
    self.sequences = sequences
    self.cut = cut
    self.coverage = coverage
    self.content = content
  }
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
    if case .judge(let exchange) = self { exchange.sequences.tokens } else { 0 }
  }
}

/// A record with its preparation.
///
/// It never changes, and is a class so that queues and batches pass on one reference.
package final class PreparedItem: Sendable {
  package let item: StreamItem
  package let format: PayloadFormat
  /// Whose exchange it is; nil where nobody says, or the record could not be read.
  package let tenant: String?
  package let preparation: Preparation
  /// The model whose tokenizer cut the sequences: only it may judge them. Being held here keeps a
  /// replaced model alive until its last record is judged.
  package let classifier: any Classifier
  package let tokens: Int
  let bytes: Int

  var assignment: AssignmentID { item.assignment }
  var offset: Offset { item.record.source.offset }

  package init(
    item: StreamItem, format: PayloadFormat, tenant: String? = nil, preparation: Preparation,
    for classifier: any Classifier
  ) {
    self.item = item
    self.format = format
    self.tenant = tenant
    self.preparation = preparation
    self.classifier = classifier
    self.tokens = preparation.tokens
    self.bytes = item.record.byteCount
  }
}

/// An exchange, what the model made of it, and what the policy made of that.
///
/// It never changes, and is a class so that whoever looks at one part copies that and no other.
package final class JudgedExchange: Sendable {
  package let exchange: PreparedExchange
  package let judgement: Judgement
  package let decision: PolicyDecision

  package init(_ exchange: PreparedExchange, _ judgement: Judgement, _ decision: PolicyDecision) {
    self.exchange = exchange
    self.judgement = judgement
    self.decision = decision
  }
}

/// What is published for a record.
package enum Outcome: Sendable {
  case judged(JudgedExchange)
  case deadLetter(DeadLetter)
  case forwardTombstone
  case skipped
}

/// A record whose fate is decided and waits to be published.
///
/// It never changes, and is a class so that queues, transactions and whoever looks at these pass on
/// one reference.
package final class JudgedItem: Sendable {
  package let item: StreamItem
  package let format: PayloadFormat
  /// Whose exchange it is; nil where nobody says, or the record could not be read.
  package let tenant: String?
  /// The rules under which it was judged.
  package let policy: Policy
  package let outcome: Outcome
  package let judgedAtMilliseconds: Int64
  /// The model that judged, or stood ready when the record was refused.
  package let model: String
  /// The numbers that it multiplied; nil where nobody says.
  package let precision: String?
  /// The dead letter leaves the payload out, since the broker refused it for its size.
  package let omitsPayload: Bool

  /// When the record was read.
  package var arrival: Instant { item.arrival }

  var assignment: AssignmentID { item.assignment }
  var offset: Offset { item.record.source.offset }

  /// A record as its model left it.
  init(
    _ prepared: PreparedItem, policy: Policy, outcome: Outcome, judgedAtMilliseconds: Int64
  ) {
    item = prepared.item
    format = prepared.format
    tenant = prepared.tenant
    self.policy = policy
    self.outcome = outcome
    self.judgedAtMilliseconds = judgedAtMilliseconds
    model = prepared.classifier.model
    precision = prepared.classifier.precision
    omitsPayload = false
  }

  /// The same record with another outcome.
  init(_ other: JudgedItem, outcome: Outcome, omitsPayload: Bool) {
    item = other.item
    format = other.format
    tenant = other.tenant
    policy = other.policy
    self.outcome = outcome
    judgedAtMilliseconds = other.judgedAtMilliseconds
    model = other.model
    precision = other.precision
    self.omitsPayload = omitsPayload
  }
}
