internal import Basics

/// A short summary of a text by which nearly equal texts are found (Broder 1997).
///
/// The text is folded to lower case with one space for whatever is neither letter nor digit, and
/// taken as the set of its runs of five characters. The summary keeps the least of that set under
/// each of 128 orders, so the share of equal places estimates the Jaccard similarity of two sets,
/// with a standard error below 0.045. It never changes, so that it can be stored.
package struct MinHash: Hashable, Sendable {
  /// Orders, and so values of a summary.
  package static let width = 128
  /// Characters of a run.
  package static let shingleLength = 5
  /// Groups of neighbouring values; texts that agree in one of them are compared.
  package static let bandCount = 32
  private static let rows = width / bandCount

  /// `width` values.
  package let values: [UInt32]

  /// The summary of a text; texts without letters and digits are all alike.
  package init(_ text: String) {
    var least = [UInt32](repeating: .max, count: Self.width)
    let (multipliers, summands) = (Self.multipliers, Self.summands)
    Self.forEachShingle(of: text) { shingle in
      for index in 0..<Self.width {
        let place = multipliers[index] &* shingle &+ summands[index]
        least[index] = min(least[index], UInt32(truncatingIfNeeded: place >> 32))
      }
    }
    values = least
  }

  /// The summary of an exchange: of the prompt, and the response where there is one.
  package init(prompt: String, response: String?) {
    self.init(response.map { "\(prompt) \($0)" } ?? prompt)
  }

  /// An estimate of the Jaccard similarity, from 0 to 1.
  package func similarity(to other: MinHash) -> Double {
    let equal = zip(values, other.values).count { $0 == $1 }
    return Double(equal) / Double(Self.width)
  }

  /// One number a band: texts of similarity s agree in one of them with probability
  /// 1 - (1 - s⁴)³², which is 0.87 for a half and 0.9998 for seven tenths.
  package var bands: [UInt64] {
    (0..<Self.bandCount).map { band in
      values[band * Self.rows..<(band + 1) * Self.rows].reduce(UInt64(band)) {
        Self.mix($0 ^ UInt64($1))
      }
    }
  }

  // MARK: Shingles

  /// Calls `body` with a number for each run of characters; a text shorter than a run is one run.
  private static func forEachShingle(of text: String, _ body: (UInt64) -> Void) {
    let folded = fold(text)
    let length = min(shingleLength, folded.count)
    if length == 0 { return }
    for start in 0...(folded.count - length) {
      // A hash of the characters, then mixed, for the multipliers need good high bits.
      var hash = FNV1a()
      for scalar in folded[start..<start + length] { hash.add(UInt64(scalar)) }
      body(mix(hash.value))
    }
  }

  /// Lower case, with one space between words.
  private static func fold(_ text: String) -> [UInt32] {
    var folded: [UInt32] = []
    folded.reserveCapacity(text.utf8.count)
    var needsSpace = false
    for scalar in text.lowercased().unicodeScalars {
      let properties = scalar.properties
      guard properties.isAlphabetic || properties.numericType != nil else {
        needsSpace = !folded.isEmpty
        continue
      }
      if needsSpace { folded.append(0x20) }
      needsSpace = false
      folded.append(scalar.value)
    }
    return folded
  }

  // MARK: Orders

  private static let multipliers = (0..<width).map { mix(UInt64($0)) | 1 }
  private static let summands = (0..<width).map { mix(UInt64($0) &+ 0x5349_4c43) }

  private static func mix(_ value: UInt64) -> UInt64 { mix64(value &+ SplitMix64.increment) }
}
