internal import Basics

/// Random choices that depend on nothing but the plan's seed and an instruction's number, so that a
/// run can be interrupted, repeated and extended.
package struct SeedSequence: Sendable {
  package let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  /// What a server is sent as the seed of one request.
  package func requestSeed(_ index: Int, _ step: RequestKind) -> UInt32 {
    UInt32(truncatingIfNeeded: word(index, step.rawValue))
  }

  /// Different numbers below `count`, in the order of their drawing.
  package func draw(_ number: Int, below count: Int, for index: Int) -> [Int] {
    precondition(number <= count)
    var random = SplitMix64(seed: word(index, "exemplars"))
    var drawn: [Int] = []
    while drawn.count < number {
      // The remainder's bias is below 2⁻⁴⁰ for any set of examples.
      let candidate = Int(random.next() % UInt64(count))
      if !drawn.contains(candidate) { drawn.append(candidate) }
    }
    return drawn
  }

  private func word(_ index: Int, _ purpose: String) -> UInt64 {
    ContentDigest(of: "\(seed)/\(index)/\(purpose)".utf8).number
  }
}

/// One request on behalf of an instruction.
package enum RequestKind: String, Codable, CaseIterable, Sendable {
  /// The instruction itself.
  case instruction
  /// The same the other way, with or without prefix, to measure refusals.
  case trial
  case refusal, harmful, benign
  case labelOfRefusal, labelOfHarmful, labelOfEmpty, labelOfBenign
}
