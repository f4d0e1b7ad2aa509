/// BERT's own normalization.
struct BertNormalizer: Sendable, Equatable {
  /// Drops control characters and makes every white space a space.
  var cleans = true
  /// Sets ideographs apart, so that each is a word.
  var separatesIdeographs = true
  /// Takes accents off; nil where lower-casing decides.
  var stripsAccents: Bool?
  var lowercases = true

  /// The normalized text.
  func apply(_ text: String) -> String {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      let traits = ScalarTraits(scalar)
      if cleans && traits.contains(.control) { continue }
      if separatesIdeographs && traits.contains(.ideograph) {
        scalars += [" ", scalar, " "]
      } else {
        scalars.append(cleans && traits.contains(.space) ? " " : scalar)
      }
    }
    if stripsAccents ?? lowercases {
      scalars = CanonicalForm.decompose(scalars)
      scalars.removeAll { ScalarTraits($0).contains(.accent) }
    }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for scalar in scalars {
      if lowercases { result.appendLowercased(scalar) } else { result.append(scalar) }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
