/// What a tokenizer asks of a character.
///
/// Hugging Face's tokenizers library has tables of its own, each of another version of Unicode:
/// models were trained with them, so later characters count as they do there.
package struct ScalarTraits: OptionSet, Sendable {
  package let rawValue: UInt8

  /// White space (`White_Space`).
  package static let space = ScalarTraits(rawValue: 1)
  /// A control, format or private character, which BERT's normalizer drops.
  package static let control = ScalarTraits(rawValue: 2)
  /// Punctuation, ASCII's symbols included: a word of its own.
  package static let punctuation = ScalarTraits(rawValue: 4)
  /// A mark that takes no room of its own (`Mn`), such as an accent.
  package static let accent = ScalarTraits(rawValue: 8)
  /// An ideograph: BERT's normalizer sets it apart.
  package static let ideograph = ScalarTraits(rawValue: 16)
  /// Has a canonical decomposition, or is an upper half of one.
  package static let decomposes = ScalarTraits(rawValue: 32)
  /// Has a canonical combining class above 0.
  package static let combines = ScalarTraits(rawValue: 64)
  /// Has another lower-case form.
  package static let lowercases = ScalarTraits(rawValue: 128)

  /// The traits of a character.
  package init(_ scalar: Unicode.Scalar) {
    let value = Int(scalar.value)
    self = value < Self.table.count ? Self.table[value] : Self(looking: scalar)
  }

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The first two planes, where nearly all text is.
  private static let table: [ScalarTraits] = (0..<0x20000).map { (value: UInt32) in
    Unicode.Scalar(value).map { ScalarTraits(looking: $0) } ?? []
  }

  private init(looking scalar: Unicode.Scalar) {
    let properties = scalar.properties
    let age = properties.age ?? (major: .max, minor: 0)
    self = []
    if properties.isWhitespace { insert(.space) }
    if Self.controls.contains(where: { $0.contains(scalar.value) }) { insert(.control) }
    if Self.ideographs.contains(where: { $0.contains(scalar.value) }) { insert(.ideograph) }
    if scalar.isASCII {
      if Self.isSymbol(scalar) { insert(.punctuation) }
    } else if age.major <= Self.classifiedVersion {
      if properties.generalCategory.isPunctuation { insert(.punctuation) }
      if properties.generalCategory == .nonspacingMark { insert(.accent) }
    }
    if Self.formerPunctuation.contains(scalar.value) { insert(.punctuation) }
    if Self.formerAccents.contains(scalar.value) { insert(.accent) }
    if Self.laterAccents.contains(scalar.value) { remove(.accent) }
    if age.major <= CanonicalForm.version {
      if properties.canonicalCombiningClass != .notReordered { insert(.combines) }
      if CanonicalForm.decomposition(of: scalar) != nil { insert(.decomposes) }
    }
    if properties.lowercaseMapping != String(scalar) { insert(.lowercases) }
  }

  /// The version of Unicode whose categories count, in what it had of characters.
  private static let classifiedVersion = 8
  /// Characters of that version whose category is another today.
  private static let formerPunctuation: Set<UInt32> = [0x166D, 0x111C9]
  private static let formerAccents: Set<UInt32> = [0x1734, 0x1171E]
  private static let laterAccents: Set<UInt32> = [0x1885, 0x1886, 0xA9BD, 0x111C9]

  /// Characters of the categories Cc (but for tab and line breaks), Cf and Co of that version, and
  /// the replacement character.
  private static let controls: [ClosedRange<UInt32>] = [
    0x0...0x8, 0xB...0xC, 0xE...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x600...0x605, 0x61C...0x61C,
    0x6DD...0x6DD, 0x70F...0x70F, 0x180E...0x180E, 0x200B...0x200F, 0x202A...0x202E,
    0x2060...0x2064, 0x2066...0x206F, 0xE000...0xF8FF, 0xFEFF...0xFEFF, 0xFFF9...0xFFFB,
    0xFFFD...0xFFFD, 0x110BD...0x110BD, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A,
    0xE0001...0xE0001, 0xE0020...0xE007F, 0xF0000...0xFFFFD, 0x100000...0x10FFFD,
  ]

  /// The blocks that BERT takes for Chinese.
  private static let ideographs: [ClosedRange<UInt32>] = [
    0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
    0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F,
  ]

  private static func isSymbol(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
    default: false
    }
  }
}

extension Unicode.GeneralCategory {
  /// Whether it is one of the categories P*.
  var isPunctuation: Bool {
    switch self {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      true
    default: false
    }
  }
}
