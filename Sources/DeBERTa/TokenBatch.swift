/// Token ids of several sequences, one after the other: no padding anywhere.
package struct TokenBatch: Sendable, Equatable {
  /// The ids of all sequences.
  package private(set) var tokens: [Int32] = []
  private var ends: [Int] = []

  /// A batch without sequences.
  package init() {}

  /// A batch of these sequences.
  package init(_ sequences: some Sequence<[Int32]>) {
    for sequence in sequences { append(sequence) }
  }

  /// Sequences in the batch.
  package var count: Int { ends.count }

  /// Appends one sequence, complete with its control tokens.
  package mutating func append(_ sequence: some Collection<Int32>) {
    tokens.append(contentsOf: sequence)
    ends.append(tokens.count)
  }

  /// Forgets the sequences but keeps the memory.
  package mutating func removeAll() {
    tokens.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// Where a sequence stands in `tokens`.
  package func range(of sequence: Int) -> Range<Int> {
    (sequence == 0 ? 0 : ends[sequence - 1])..<ends[sequence]
  }
}
