package import Records

/// A record that the service has read and decoded.
package enum LabelInput: Sendable {
  /// An exchange that sampling may want; `bytes` is the record's size.
  case exchange(SourcePosition, Exchange, bytes: Int)
  /// An exchange that is not wanted, or cannot be read.
  case passed(SourcePosition)
  case verdict(SourcePosition, Verdict)
  /// A copy of an exchange on which two models disagree.
  case disagreement(SourcePosition, Exchange, Disagreement)
  /// A record of the verdicts' or the disagreements' topic that is none.
  case unreadable(SourcePosition)

  /// Where the record itself stands.
  package var position: SourcePosition {
    switch self {
    case .exchange(let position, _, _), .passed(let position), .verdict(let position, _),
      .disagreement(let position, _, _), .unreadable(let position):
      position
    }
  }
}

/// An exchange that waits for its verdict.
package struct WaitingExchange: Sendable {
  let ticket: LabelLedger.Ticket
  let position: SourcePosition
  let exchange: Exchange
}

/// A verdict that chose its exchange.
package struct ChosenVerdict: Sendable {
  let ticket: LabelLedger.Ticket
  let verdict: Verdict
  let selection: Selection
  let cell: LiveEstimator.Cell
  /// When the verdict was read, in milliseconds since 1970-01-01 UTC.
  let seenAtMilliseconds: Int64
}

/// One exchange that was chosen, with everything that its label will say.
package struct Sample: Sendable {
  let tickets: [LabelLedger.Ticket]
  let identifier: String
  let tenant: String?
  let source: SourcePosition
  let selection: Selection
  /// What the label tells the estimates of; nil for a disagreement, which they leave out.
  let cell: LiveEstimator.Cell?
  let guardModel: String
  let guardScore: Score
  let seenAtMilliseconds: Int64

  init(_ waiting: WaitingExchange, _ chosen: ChosenVerdict) {
    tickets = [waiting.ticket, chosen.ticket]
    identifier = waiting.exchange.id ?? waiting.position.description
    tenant = waiting.exchange.tenant
    source = waiting.position
    selection = chosen.selection
    cell = chosen.cell
    guardModel = chosen.verdict.model
    guardScore = chosen.verdict.judgement.score
    seenAtMilliseconds = chosen.seenAtMilliseconds
  }

  init(
    _ exchange: Exchange, _ disagreement: Disagreement, _ selection: Selection,
    ticket: LabelLedger.Ticket, seenAtMilliseconds: Int64
  ) {
    tickets = [ticket]
    identifier = exchange.id ?? disagreement.source.description
    tenant = exchange.tenant
    source = disagreement.source
    self.selection = selection
    cell = nil
    guardModel = disagreement.model
    guardScore = disagreement.score
    self.seenAtMilliseconds = seenAtMilliseconds
  }
}
