package import Basics
package import Records

/// Judges sequences of token ids: a guard model, or something simpler in tests and benchmarks.
package protocol Classifier: Sendable {
  /// The model's name and hash as verdicts show it, such as `guard-tiny@3f9c2a1b`.
  var model: String { get }
  /// The numbers that the model multiplies, such as `fp32`; nil where nobody says.
  var precision: String? { get }
  /// What the model tells beyond safe and unsafe; nil for most models.
  var categories: CategoryScheme? { get }

  /// The judgements of exchanges, in their order.
  ///
  /// - Throws: `ClassifierFailure`; the pipeline then halves the batch until the culprit is alone.
  func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement]

  /// As above, for what may take long: others may be judged meanwhile, in turns with it.
  func judgeInTurns(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement]
}

extension Classifier {
  package var precision: String? { nil }
  package var categories: CategoryScheme? { nil }

  package func judgeInTurns(
    _ exchanges: [ExchangeSequences]
  ) throws(ClassifierFailure) -> [Judgement] {
    try judge(exchanges)
  }
}

/// Why a batch could not be judged.
package struct ClassifierFailure: Error, Hashable, Sendable {
  /// What failed, without the user's text.
  package let detail: String
  /// Trying again is pointless for every record, as when a device is lost: the service must leave.
  package let isFatal: Bool

  package init(detail: String, isFatal: Bool = false) {
    self.detail = detail
    self.isFatal = isFatal
  }
}

extension ClassifierFailure: CommandError {
  package var description: String { "the model failed: \(detail)" }

  package var exitStatus: ExitStatus {
    .software
  }
}
