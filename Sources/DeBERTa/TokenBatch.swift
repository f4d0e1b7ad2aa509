package import Basics

/// Token ids of several sequences, one after the other: no padding anywhere.
package struct TokenBatch: Sendable, Equatable {
  /// The ids of all sequences.
  package private(set) var tokens: [Int32] = []
  private var ends: [Int] = []
  /// Where each sequence's second text begins in `tokens`; its end where there is none.
  private var secondStarts: [Int] = []

  /// A batch without sequences.
  package init() {}

  /// A batch of these sequences.
  package init(_ sequences: some Sequence<[Int32]>) {
    for sequence in sequences { append(sequence) }
  }

  /// A batch of these sequences.
  package init(_ sequences: some Sequence<TokenSequence>) {
    for sequence in sequences { append(sequence) }
  }

  /// Sequences in the batch.
  package var count: Int { ends.count }

  /// Appends one sequence, complete with its control tokens.
  ///
  /// - Parameter secondStart: where its second text begins; nil for a sequence of one text.
  package mutating func append(_ sequence: some Collection<Int32>, secondStart: Int? = nil) {
    let start = tokens.count
    tokens.append(contentsOf: sequence)
    ends.append(tokens.count)
    secondStarts.append(min(start + (secondStart ?? sequence.count), tokens.count))
  }

  /// Appends one sequence.
  package mutating func append(_ sequence: TokenSequence) {
    append(sequence.ids, secondStart: sequence.secondStart)
  }

  /// Forgets the sequences but keeps the memory.
  package mutating func removeAll() {
    tokens.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    secondStarts.removeAll(keepingCapacity: true)
  }

  /// Some of its sequences.
  func part(_ sequences: [Int]) -> TokenBatch {
    var part = TokenBatch()
    for sequence in sequences {
      let range = range(of: sequence)
      part.append(
        tokens[range], secondStart: secondText(of: sequence).lowerBound - range.lowerBound)
    }
    return part
  }

  /// Where a sequence stands in `tokens`.
  package func range(of sequence: Int) -> Range<Int> {
    (sequence == 0 ? 0 : ends[sequence - 1])..<ends[sequence]
  }

  /// Where a sequence's second text stands in `tokens`; empty where there is none.
  package func secondText(of sequence: Int) -> Range<Int> {
    secondStarts[sequence]..<ends[sequence]
  }
}
