internal import Datasets

/// Decides which instructions are new: not too near an exemplar, an earlier instruction or a prompt
/// of an evaluation set.
package struct InstructionFilter: Sendable {
  /// Why an instruction is dropped.
  package enum Novelty: Hashable, Sendable {
    case new, nearExemplar, nearEarlier, leak
  }

  private let exemplars: NearDuplicateIndex
  private let evaluation: NearDuplicateIndex
  private var earlier: NearDuplicateIndex

  package init(exemplars: [String], evaluation: [String], nearDuplicate: Double, leak: Double) {
    self.exemplars = Self.index(exemplars, nearDuplicate)
    self.evaluation = Self.index(evaluation, leak)
    earlier = NearDuplicateIndex(threshold: nearDuplicate)
  }

  /// Judges a text, and remembers it if it is new.
  package mutating func judge(_ text: String) -> Novelty {
    let summary = MinHash(text)
    if evaluation.nearest(to: summary) != nil { return .leak }
    if exemplars.nearest(to: summary) != nil { return .nearExemplar }
    if earlier.nearest(to: summary) != nil { return .nearEarlier }
    earlier.insert(summary)
    return .new
  }

  private static func index(_ texts: [String], _ threshold: Double) -> NearDuplicateIndex {
    var index = NearDuplicateIndex(threshold: threshold)
    for text in texts { index.insert(MinHash(text)) }
    return index
  }
}
