internal import Basics
package import Datasets

/// Knows rows that must not be learnt from, also when they were changed a little.
package struct LeakFilter: Sendable {
  /// Similarity from which a row counts as one of those.
  package static let similarity = 0.8

  private var digests: Set<ContentDigest> = []
  private var index = NearDuplicateIndex(threshold: Self.similarity)

  package init(_ rows: [LabelledExample] = []) { add(rows) }

  /// More rows that must not be learnt from.
  package mutating func add(_ rows: [LabelledExample]) {
    for row in rows where digests.insert(row.digest).inserted { index.insert(Self.summary(row)) }
  }

  /// Whether a row is one of them, or nearly.
  package func holds(_ row: LabelledExample) -> Bool {
    digests.contains(row.digest) || index.nearest(to: Self.summary(row)) != nil
  }

  private static func summary(_ row: LabelledExample) -> MinHash {
    MinHash(prompt: row.prompt, response: row.response)
  }
}
