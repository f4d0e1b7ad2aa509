internal import Basics

/// The model that the rows are for: instructions that it flags already teach it little, those that
/// it gets wrong come first.
package struct AugmentationStudent: Sendable {
  /// Name and hash of the model, which the rows follow from.
  let model: String
  /// Share of the instructions that it flags which are kept all the same.
  let keptShare: Double
  private let flags: @Sendable (String) throws -> Bool

  /// - Parameters:
  ///   - keptShare: from 0 to 1; without any a model could unlearn what it knows.
  ///   - flags: whether the model flags a prompt.
  package init(
    model: String, keptShare: Double, flags: @escaping @Sendable (String) throws -> Bool
  ) {
    self.model = model
    self.keptShare = keptShare
    self.flags = flags
  }

  /// Whether an instruction is one that the model need not see.
  func knows(_ instruction: String, seed: UInt64) throws(AugmentationError) -> Bool {
    var random = SplitMix64(seed: seed ^ ContentDigest(of: instruction.utf8).number)
    if random.next().fraction < keptShare { return false }
    do {
      return try flags(instruction)
    } catch {
      throw .data("\(model) does not judge an instruction: \(error)")
    }
  }
}
