/// What is to be made, and how.
package struct AugmentationPlan: Hashable, Sendable {
  /// From which all random choices follow.
  package var seed: UInt64 = 42
  /// Instructions to be accepted.
  package var instructions = 1000
  /// Exemplars in each request to the generator: the paper's figure 1 shows three, and five are
  /// common in other work; the paper does not say.
  package var exemplars = 3
  /// The beginning that is put into the generator's mouth; nil leaves it out.
  package var prefix: String? = InstructionTemplate.paperPrefix
  /// Of generator, refuser and complier. The paper does not say.
  package var temperature = 1.0
  package var topP = 0.95
  /// Tokens of an instruction at most; a longer one counts as cut off.
  package var instructionTokensMax = 96
  /// Tokens of a response at most; a longer one is kept as far as it goes.
  package var responseTokensMax = 256
  /// Instructions as similar as this to an exemplar or an earlier one are dropped.
  package var nearDuplicate = 0.7
  /// Instructions as similar as this to a prompt of an evaluation set are dropped.
  package var leak = 0.6
  /// Whether a harmless instruction on the same subject is made as well.
  package var makesBenign = false
  /// For so many instructions the generator is also asked the other way, with or without prefix,
  /// to measure the refusal rate of both.
  package var refusalTrials = 50
  /// The generator is asked so many times for each instruction wanted, at most.
  package var attemptsPerInstructionMax = 10
  package var budget = Budget()

  package init() {}

  /// Requests to the generator at most.
  package var attemptsMax: Int {
    let (product, overflows) = instructions.multipliedReportingOverflow(
      by: attemptsPerInstructionMax)
    return overflows ? .max : product
  }
}

/// What a run may cost.
package struct Budget: Hashable, Sendable {
  /// Requests to all servers, of this and earlier runs of the same output.
  package var requestsMax: Int?
  /// Tokens read and generated, likewise.
  package var tokensMax: Int?
  /// The time of this run.
  package var durationMax: Duration?

  package init() {}

  /// Which part is used up, if one is. Requests on their way still count when they arrive, so a
  /// little more can be used.
  package func exhausted(requests: Int, tokens: Int, elapsed: Duration) -> Limit? {
    if let requestsMax, requests >= requestsMax { return .requests }
    if let tokensMax, tokens >= tokensMax { return .tokens }
    if let durationMax, elapsed >= durationMax { return .hours }
    return nil
  }

  /// A part of the budget.
  package enum Limit: String, Hashable, Sendable {
    case requests, tokens, hours
  }
}
