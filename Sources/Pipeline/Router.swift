package import Records

/// Where outputs go.
package struct OutputTopics: Hashable, Sendable {
  package var verdicts: String
  package var deadLetters: String
  /// Receives each record that may go on, unchanged but for the verdict's headers; nil for none.
  package var clean: String?
  /// Receives each quarantined record in the same way; nil for none.
  package var quarantine: String?
  /// Whether these copies have the time of the input record, and not of their own writing.
  package var keepsTimestamps: Bool

  package init(
    verdicts: String, deadLetters: String, clean: String? = nil, quarantine: String? = nil,
    keepsTimestamps: Bool = false
  ) {
    self.verdicts = verdicts
    self.deadLetters = deadLetters
    self.clean = clean
    self.quarantine = quarantine
    self.keepsTimestamps = keepsTimestamps
  }

  /// All topics that are written to.
  package var all: [String] { [verdicts, deadLetters] + [clean, quarantine].compactMap { $0 } }
}

/// One record to be written for a judged item, before it is encoded.
package struct Dispatch: Hashable, Sendable {
  /// What the record carries.
  package enum Content: Hashable, Sendable {
    case verdict(Verdict)
    /// The input record as it was, with the verdict in its headers.
    case original(Verdict)
    /// The input record as it was, without a verdict, under a policy that fails open.
    case unjudgedOriginal
    case deadLetter(DeadLetter, omitsPayload: Bool)
    case tombstone

    /// Whether it is the input record as it was.
    package var isCopy: Bool {
      switch self {
      case .original, .unjudgedOriginal: true
      case .verdict, .deadLetter, .tombstone: false
      }
    }
  }

  package let topic: String
  package let content: Content
}

/// Decides what is published for a judged record: verdict, dead letter, and the copies of the input
/// that go to the clean or the quarantine topic.
package struct Router: Sendable {
  private let topics: OutputTopics

  package init(topics: OutputTopics) { self.topics = topics }

  /// The records to write for `item`, in order.
  package func route(_ item: JudgedItem) -> [Dispatch] {
    switch item.outcome {
    case .skipped:
      return []
    case .forwardTombstone:
      return [topics.verdicts, topics.clean].compactMap { $0 }.map {
        Dispatch(topic: $0, content: .tombstone)
      }
    case .deadLetter(let letter):
      let content = Dispatch.Content.deadLetter(letter, omitsPayload: item.omitsPayload)
      var dispatches = [Dispatch(topic: topics.deadLetters, content: content)]
      let failsOpen = item.policy.unjudged == .open && letter.reason != .tooLarge
      if failsOpen, let clean = topics.clean {
        dispatches.append(Dispatch(topic: clean, content: .unjudgedOriginal))
      }
      return dispatches
    case .judged(let judged):
      let verdict = Verdict(
        on: judged.exchange, judged.judgement, judged.decision, policy: item.policy.name,
        policyDigest: item.policy.digest, model: item.model, precision: item.precision,
        source: item.item.record.source, judgedAtMilliseconds: item.judgedAtMilliseconds)
      var dispatches = [Dispatch(topic: topics.verdicts, content: .verdict(verdict))]
      let copyTopic = verdict.action == .quarantine ? topics.quarantine : topics.clean
      if let copyTopic {
        dispatches.append(Dispatch(topic: copyTopic, content: .original(verdict)))
      }
      return dispatches
    }
  }
}

extension Verdict {
  /// The verdict that publishes a decision.
  ///
  /// - Parameters:
  ///   - policyDigest: of the rules that decided; nil outside a stream.
  ///   - source: the record that was judged; nil outside a stream.
  package init(
    on exchange: PreparedExchange, _ judgement: Judgement, _ decision: PolicyDecision,
    policy: String, policyDigest: String? = nil, model: String, precision: String?,
    source: SourcePosition?, judgedAtMilliseconds time: Int64
  ) {
    self.init(
      id: exchange.id, flagged: decision.action != .allow, action: decision.action,
      judgement: judgement, threshold: decision.threshold, model: model, policy: policy,
      source: source, judgedAtMilliseconds: time, metadata: exchange.metadata,
      coverage: exchange.coverage, categories: judgement.categories?.ranked ?? [],
      precision: precision, decidedBy: decision.decidedBy, policyDigest: policyDigest)
  }
}
