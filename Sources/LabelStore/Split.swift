package import Basics

/// What a label may be used for. Fixed by the content, so that it never changes.
package enum Split: Int, Hashable, Sendable, CaseIterable {
  case train = 0
  case validation = 1
  case test = 2
}

/// How much of all contents goes to validation and to test; the rest is for training.
package struct SplitShares: Hashable, Sendable {
  package let validation: Double
  package let test: Double

  /// - Precondition: both are at least 0 and together below 1.
  package init(validation: Double = 0.1, test: Double = 0.1) {
    precondition(validation >= 0 && test >= 0 && validation + test < 1, "shares of a whole")
    self.validation = validation
    self.test = test
  }

  /// The split of a content with that digest.
  package func split(of digest: ContentDigest) -> Split {
    let place = digest.fraction
    if place < test { return .test }
    return place < test + validation ? .validation : .train
  }
}
