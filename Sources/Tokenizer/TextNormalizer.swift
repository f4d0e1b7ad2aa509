/// What happens to a text before it is cut into words: steps in their order.
struct TextNormalizer: Sendable {
  enum Step: Sendable {
    case bert(BertNormalizer)
    case lowercase
    /// White space goes from the ends.
    case strip(left: Bool, right: Bool)
    case map(CharacterMap)
    case replace(Pattern, with: String)
    /// NFC.
    case compose
    /// NFD.
    case decompose
  }

  /// What is replaced: one text, or what the regular expressions match that transformers writes.
  enum Pattern: Sendable, Equatable {
    case text(String)
    /// ` {2,}`
    case spaces
    /// `\s{2,}|[\n\r\t]`
    case whiteSpace
  }

  var steps: [Step]

  /// The text after all steps.
  func apply(_ text: String) -> String {
    steps.reduce(text) { text, step in
      switch step {
      case .bert(let normalizer): normalizer.apply(text)
      case .lowercase: text.lowercasedByCharacter
      case .strip(let left, let right): Self.strip(text, left: left, right: right)
      case .map(let map): map.apply(text)
      case .replace(let pattern, let replacement): pattern.replace(in: text, with: replacement)
      case .compose: Self.convert(text, CanonicalForm.compose)
      case .decompose: Self.convert(text, CanonicalForm.decompose)
      }
    }
  }

  private static func strip(_ text: String, left: Bool, right: Bool) -> String {
    var rest = text.unicodeScalars[...]
    if left { rest = rest.drop { ScalarTraits($0).contains(.space) } }
    if right {
      while let last = rest.last, ScalarTraits(last).contains(.space) { rest.removeLast() }
    }
    return String(rest)
  }

  private static func convert(
    _ text: String, _ form: ([Unicode.Scalar]) -> [Unicode.Scalar]
  ) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    var result: [UInt8] = []
    for scalar in form(Array(text.unicodeScalars)) { result.append(scalar) }
    return String(decoding: result, as: UTF8.self)
  }
}

extension TextNormalizer.Pattern {
  /// The text with every match replaced, from the left.
  fileprivate func replace(in text: String, with replacement: String) -> String {
    switch self {
    case .text(let searched): Self.replace(searched, in: text, with: replacement)
    case .spaces:
      Self.replaceRuns(in: text, with: replacement, of: { $0 == " " }, alone: { _ in false })
    case .whiteSpace:
      Self.replaceRuns(
        in: text, with: replacement, of: { ScalarTraits($0).contains(.space) },
        alone: { $0 == "\n" || $0 == "\r" || $0 == "\t" })
    }
  }

  /// Replaces each run of two or more characters as a whole, and some that stand alone.
  private static func replaceRuns(
    in text: String, with replacement: String, of isPart: (Unicode.Scalar) -> Bool,
    alone isReplaced: (Unicode.Scalar) -> Bool
  ) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    var run = 0
    var first: Unicode.Scalar = " "
    func end() {
      if run > 1 || run == 1 && isReplaced(first) {
        result += replacement.utf8
      } else if run == 1 {
        result.append(first)
      }
      run = 0
    }
    for scalar in text.unicodeScalars {
      if isPart(scalar) {
        if run == 0 { first = scalar }
        run += 1
      } else {
        end()
        result.append(scalar)
      }
    }
    end()
    return String(decoding: result, as: UTF8.self)
  }

  private static func replace(
    _ searched: String, in text: String, with replacement: String
  ) -> String {
    let searched = Array(searched.utf8)
    let bytes = Array(text.utf8)
    guard let first = searched.first, bytes.contains(first) else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      if bytes[position] == first, bytes[position...].starts(with: searched) {
        result += replacement.utf8
        position += searched.count
      } else {
        result.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension String {
  /// In lower case, each character by itself: no rule looks at its neighbours.
  package var lowercasedByCharacter: String {
    var result: [UInt8] = []
    result.reserveCapacity(utf8.count)
    for scalar in unicodeScalars { result.appendLowercased(scalar) }
    return String(decoding: result, as: UTF8.self)
  }
}

/// Texts are built as bytes: what a view of a string's characters takes is not constant.
extension [UInt8] {
  /// Appends a character in UTF-8.
  mutating func append(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      append(UInt8(truncatingIfNeeded: scalar.value))
    } else {
      append(contentsOf: scalar.utf8)
    }
  }

  /// Appends the lower-case form of a character.
  mutating func appendLowercased(_ scalar: Unicode.Scalar) {
    if !ScalarTraits(scalar).contains(.lowercases) {
      append(scalar)
    } else if scalar.isASCII {
      append(UInt8(truncatingIfNeeded: scalar.value) | 0x20)
    } else {
      append(contentsOf: scalar.properties.lowercaseMapping.utf8)
    }
  }
}
