/// The labels of a model that tells more than safe from unsafe.
package struct CategoryScheme: Hashable, Sendable {
  /// The labels' names, in the model's order.
  package let names: [String]
  /// Which labels are unsafe, ascending.
  package let unsafe: [Int]
  /// Whether one label of all is right, so that probabilities add up to 1.
  package let areExclusive: Bool

  package init(names: [String], unsafe: [Int], areExclusive: Bool) {
    self.names = names
    self.unsafe = unsafe
    self.areExclusive = areExclusive
  }

  /// The names of the unsafe labels.
  package var unsafeNames: [String] { unsafe.map { names[$0] } }
}

/// The probability of each label of a model for one exchange.
package struct CategoryScores: Hashable, Sendable {
  package let scheme: CategoryScheme
  /// One for each label, from 0 to 1: of all windows and views the largest for an unsafe label, the
  /// smallest for a safe one.
  package private(set) var probabilities: [Float]

  /// - Precondition: there is one probability for each label.
  package init(scheme: CategoryScheme, probabilities: [Float]) {
    precondition(probabilities.count == scheme.names.count)
    self.scheme = scheme
    self.probabilities = probabilities
  }

  /// Takes in what another window or view of the same exchange has.
  package mutating func merge(_ other: [Float]) {
    var unsafe = scheme.unsafe[...]
    for label in probabilities.indices {
      let isUnsafe = unsafe.first == label
      if isUnsafe { unsafe.removeFirst() }
      let (own, another) = (probabilities[label], other[label])
      probabilities[label] = isUnsafe ? max(own, another) : min(own, another)
    }
  }

  /// Name and probability of each label, the most probable first.
  package var ranked: [Category] {
    let order = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    return order.map { label in
      Category(
        name: scheme.names[label], probability: probabilities[label],
        isUnsafe: scheme.unsafe.contains(label))
    }
  }
}
