/// How byte-level BPE cuts a text into words, as GPT-2 did first: Hugging Face's `ByteLevel`.
struct ByteLevelSplit: Sendable, Equatable {
  /// A text that does not begin with a space gets one.
  var addsSpace = false
  /// Words end where the regular expression says; otherwise a text is one word.
  var splits = true

  /// The characters of a text, with the space that begins it.
  func characters(of text: String) -> [Unicode.Scalar] {
    let scalars = text.unicodeScalars
    let isOpen = addsSpace && !scalars.isEmpty && scalars.first != " "
    return (isOpen ? [" "] : []) + scalars
  }

  /// Where the word ends that begins at a place, which is not the end of the text:
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
  func wordEnd(in text: [Unicode.Scalar], from start: Int) -> Int {
    if !splits { return text.count }
    if let end = Self.contractionEnd(in: text, from: start) { return end }
    // A space belongs to the word behind it.
    let place = text[start] == " " && start + 1 < text.count ? start + 1 : start
    let kind = CharacterKind(text[place])
    if kind != .space { return Self.runEnd(of: kind, in: text, from: place) }
    // White space leaves its last character to the word behind it.
    let end = Self.runEnd(of: .space, in: text, from: start)
    return end == text.count || end == start + 1 ? end : end - 1
  }

  private static func runEnd(
    of kind: CharacterKind, in text: [Unicode.Scalar], from start: Int
  ) -> Int {
    text[start...].firstIndex { CharacterKind($0) != kind } ?? text.count
  }

  private static func contractionEnd(in text: [Unicode.Scalar], from start: Int) -> Int? {
    guard text[start] == "'", start + 1 < text.count else { return nil }
    let next: Unicode.Scalar? = start + 2 < text.count ? text[start + 2] : nil
    switch (text[start + 1], next) {
    case ("s", _), ("t", _), ("m", _), ("d", _): return start + 2
    case ("r", "e"), ("v", "e"), ("l", "l"): return start + 3
    default: return nil
    }
  }
}

/// What GPT-2's regular expression asks of a character.
package enum CharacterKind: UInt8, Sendable {
  /// `\p{L}`
  case letter
  /// `\p{N}`
  case number
  /// `\s`
  case space
  case other

  /// The kind of a character.
  package init(_ scalar: Unicode.Scalar) {
    let value = Int(scalar.value)
    self = value < Self.table.count ? Self.table[value] : Self(looking: scalar)
  }

  /// The first two planes, where nearly all text is.
  private static let table: [CharacterKind] = (0..<0x20000).map { (value: UInt32) in
    Unicode.Scalar(value).map { CharacterKind(looking: $0) } ?? .other
  }

  private init(looking scalar: Unicode.Scalar) {
    let properties = scalar.properties
    let age = properties.age ?? (major: .max, minor: 0)
    switch properties.generalCategory {
    case _ where properties.isWhitespace: self = .space
    case _ where age.major > Self.version: self = .other
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default: self = .other
    }
  }

  /// The version of Unicode that the libraries of regular expressions have: later characters are
  /// none yet.
  static let version = 16
}
