internal import Datasets

/// What tasks of one run share: the decisions about instructions, the rows and the counts.
///
/// Decisions and rows are made in the order of the instructions' numbers, so they are the same
/// however many requests are on their way at a time.
struct RunState: ~Copyable {
  private let wanted: Int
  private let seed: UInt64
  private let student: AugmentationStudent?
  private var harmful: InstructionFilter
  private var benign: InstructionFilter
  private var output: RowFile
  private(set) var counts = AugmentationCounts()
  /// Why no further instruction is begun; the first reason counts.
  var stop: Stop?

  /// What the generator made of one attempt.
  enum Proposal: Sendable {
    case instruction(String)
    case refused
    case unusable(InstructionText.Problem)
    case failed
  }

  init(
    plan: AugmentationPlan, student: AugmentationStudent?, sources: AugmentationSources,
    output: consuming RowFile
  ) {
    wanted = plan.instructions
    seed = plan.seed
    self.student = student
    harmful = InstructionFilter(
      exemplars: sources.exemplars, evaluation: sources.evaluation,
      nearDuplicate: plan.nearDuplicate, leak: plan.leak)
    benign = InstructionFilter(
      exemplars: [], evaluation: sources.evaluation, nearDuplicate: plan.nearDuplicate,
      leak: plan.leak)
    self.output = output
  }

  var isFinished: Bool { counts.accepted >= wanted }

  /// Decides about the next attempt; the instruction if it is accepted.
  mutating func decide(
    _ proposal: Proposal, trialRefused: Bool?
  ) throws(AugmentationError) -> String? {
    // Attempts that were begun before enough were accepted.
    if isFinished { return nil }
    counts.attempts += 1
    if let trialRefused { counts.trialRefusals.count(isRefusal: trialRefused) }
    switch proposal {
    case .failed: drop("failed")
    case .refused:
      counts.refusals.count(isRefusal: true)
      drop("refused")
    case .unusable(let problem):
      counts.refusals.count(isRefusal: false)
      drop(problem == .cut ? "cut" : "empty")
    case .instruction(let text):
      counts.refusals.count(isRefusal: false)
      switch harmful.judge(text) {
      case .new:
        if let student, try student.knows(text, seed: seed) {
          drop("known")
          return nil
        }
        counts.accepted += 1
        return text
      case .leak: drop("leak")
      case .nearExemplar: drop("near_exemplar")
      case .nearEarlier: drop("near_earlier")
      }
    }
    return nil
  }

  /// Writes the rows of the next attempt.
  mutating func write(_ outcomes: [RowOutcome]) throws(AugmentationError) {
    var rows: [LabelledExample] = []
    for outcome in outcomes {
      switch outcome {
      case .dropped(let kind, let reason): dropRow(kind, reason)
      case .row(let kind, let row):
        if kind == .benign {
          switch benign.judge(row.prompt) {
          case .new: break
          case .leak:
            dropRow(kind, "leak")
            continue
          case .nearExemplar, .nearEarlier:
            dropRow(kind, "near_earlier")
            continue
          }
        }
        counts.rows[kind.rawValue, default: 0] += 1
        if row.isUnsafe { counts.unsafeRows[kind.rawValue, default: 0] += 1 }
        rows.append(row)
      }
    }
    try output.append(rows)
  }

  /// Waits until every row is on the disk.
  func synchronize() throws(AugmentationError) { try output.synchronize() }

  private mutating func drop(_ reason: String) { counts.dropped[reason, default: 0] += 1 }

  private mutating func dropRow(_ kind: RowKind, _ reason: String) {
    counts.rowsDropped["\(kind.rawValue)_\(reason)", default: 0] += 1
  }
}
