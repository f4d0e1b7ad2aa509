/// Token ids that a model judges at once, complete with control tokens: of one text, or of a pair.
package struct TokenSequence: Hashable, Sendable {
  /// The ids of both texts, one after the other.
  package let ids: [Int32]
  /// Where the second text begins, after what ends the first; nil where there is one text.
  package let secondStart: Int?

  package init(_ ids: [Int32], secondStart: Int? = nil) {
    self.ids = ids
    self.secondStart = secondStart
  }

  /// SHA-256 of whoever reads the tokens, where the second text begins, and the ids, as numbers of
  /// this machine: for what stays in its memory.
  package func digest(salt: [UInt8]) -> ContentDigest {
    let hash = SHA256()
    hash.update(salt.span)
    unsafe hash.update([secondStart ?? -1].span.bytes)
    unsafe hash.update(ids.span.bytes)
    return ContentDigest(hash)
  }

  /// Token ids.
  package var count: Int { ids.count }
}

extension TokenSequence: ExpressibleByArrayLiteral {
  /// A sequence of one text.
  package init(arrayLiteral ids: Int32...) { self.init(ids) }
}
