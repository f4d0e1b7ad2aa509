/// Shows a model what people and the language model behind it read: text without invisible
/// characters, turned as it is displayed, with plain letters for styled ones and for those of other
/// alphabets that stand among Latin ones.
///
/// Characters that joining scripts and emoji need stay, and so does every word of one alphabet.
/// Time is linear in the text. Sources: Unicode's UAX 9 (direction), UTS 39 (confusables), UTR 36.
package enum TextFolding {
  /// The text as it is read.
  package static func folded(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    let letters = DisplayOrder.turned(text.unicodeScalars).map { scalar in
      scalar.isASCII ? scalar : LookAlikes.unstyled(scalar)
    }
    return String(String.UnicodeScalarView(withOneAlphabet(withoutInvisible(letters))))
  }

  // MARK: - Invisible characters

  /// Leaves out what is not shown, save where a script or an emoji needs it: behind ASCII and
  /// letters of alphabets that are never joined, nothing does. ASCII that hides in tags (U+E0020–
  /// E007E), which language models read, comes out in plain.
  private static func withoutInvisible(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    var isInFlag = false
    for scalar in scalars {
      let isTag = tags.contains(scalar.value)
      isInFlag = scalar.value == flag || (isInFlag && isTag)
      if isTag, !isInFlag {
        if let hidden = Unicode.Scalar(scalar.value - tagOffset),
          (0x20..<0x7F).contains(hidden.value)
        {
          result.append(hidden)
        }
        continue
      }
      let isInvisible = scalar.properties.isDefaultIgnorableCodePoint && !isTag
      if isInvisible, !(result.last.map { needs(scalar, behind: $0) } ?? false) { continue }
      result.append(scalar)
    }
    return result
  }

  private static let tags: ClosedRange<UInt32> = 0xE0000...0xE007F
  private static let tagOffset: UInt32 = 0xE0000
  /// Behind it tags name a region's flag.
  private static let flag: UInt32 = 0x1F3F4

  /// Whether an invisible character may change how the one before it looks: a joiner or a selector
  /// of variants that stands behind no plain letter, or makes a digit a keycap.
  private static func needs(_ scalar: Unicode.Scalar, behind last: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xFE0F where last.isASCII: "0123456789#*".unicodeScalars.contains(last)
    case 0x200C, 0x200D, 0xFE00...0xFE0F, 0xE0100...0xE01EF, 0x180B...0x180F:
      !last.isASCII && Alphabet(last) == nil
    default: false
    }
  }

  // MARK: - Alphabets

  private enum Alphabet {
    case latin, other

    /// nil for what belongs to no alphabet whose letters look like Latin ones.
    init?(_ scalar: Unicode.Scalar) {
      switch scalar.value {
      case 0x41...0x5A, 0x61...0x7A, 0xC0...0x24F, 0x1E00...0x1EFF: self = .latin
      // Phonetic letters; Greek; Cyrillic; Armenian; Cherokee; small capitals.
      case 0x250...0x2AF, 0x370...0x3FF, 0x1F00...0x1FFF, 0x400...0x52F, 0x531...0x587,
        0x13A0...0x13F5, 0x1D00...0x1D2B, 0xA730...0xA731:
        self = .other
      default: return nil
      }
    }
  }

  /// What a word is made of, as far as alphabets go.
  private enum Word {
    /// Latin letters, or none at all.
    case plain
    /// Latin letters beside others that all look like Latin ones.
    case mixed
    /// Nothing but others that look like Latin ones: it may be meant.
    case lookAlike
    /// Something that only another alphabet has.
    case foreign

    init(_ letters: ArraySlice<Unicode.Scalar>) {
      var (latin, others) = (0, 0)
      for letter in letters {
        if Alphabet(letter) == .latin {
          latin += 1
        } else if LookAlikes.latin[letter] != nil {
          others += 1
        } else {
          self = .foreign
          return
        }
      }
      self = others == 0 ? .plain : latin > 0 ? .mixed : .lookAlike
    }
  }

  /// Latin letters in words that mix them with others that look the same; and, in a text with such
  /// words and none of another alphabet, in words of nothing but others.
  private static func withOneAlphabet(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var words: [(range: Range<Int>, kind: Word)] = []
    var start = 0
    for place in 0...scalars.count {
      guard place == scalars.count || Alphabet(scalars[place]) == nil else { continue }
      let kind = Word(scalars[start..<place])
      if kind != .plain { words.append((start..<place, kind)) }
      start = place + 1
    }
    let hidesWords = words.contains { $0.kind == .mixed } && !words.contains { $0.kind == .foreign }
    var result = scalars
    for word in words where word.kind == .mixed || (word.kind == .lookAlike && hidesWords) {
      for place in word.range { result[place] = LookAlikes.latin[result[place]] ?? result[place] }
    }
    return result
  }
}
