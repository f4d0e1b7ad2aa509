package import Basics

/// A way to change a text so that people read the same, and a model may not.
package enum Evasion: String, CaseIterable, Sendable {
  /// Letters of some words stand apart: `b r e a d`.
  case spacing
  /// Characters without width stand in words.
  case zeroWidth = "zero_width"
  /// Words stand backwards in characters that turn the direction of writing, which shows them
  /// forwards.
  case bidirectional
  /// Letters are those of other alphabets that look alike.
  case homoglyphs
  /// Digits stand for letters: `br3ad`.
  case leet
  /// Letters are large or small at random.
  case letterCase = "letter_case"
  /// Harmless text comes before.
  case paddingBefore = "padding_before"
  /// Harmless text comes after.
  case paddingAfter = "padding_after"
  /// The text comes in several turns, which the stream joins by line ends.
  case turns
  /// What looks like a tokenizer's control tokens is typed between words.
  case controlTokens = "control_tokens"

  /// The text, changed.
  ///
  /// - Parameter harmless: the texts that padding is made of; at least one.
  package func changed(
    _ text: String, harmless: [String] = Evasion.sentences, using generator: inout SplitMix64
  ) -> String {
    switch self {
    case .spacing:
      Self.mapWords(text) { word in
        word.count > 3 && generator.isHeads(0.5) ? Self.spaced(word) : word
      }
    case .zeroWidth: Self.withinWords(text, Self.invisible, share: 0.5, &generator)
    case .bidirectional:
      Self.mapWords(text) { word in
        word.count > 2 && generator.isHeads(0.5)
          ? "\u{202E}" + String(word.reversed()) + "\u{202C}" : word
      }
    case .homoglyphs: Self.replaced(text, by: Self.lookAlikes, share: 0.5, &generator)
    case .leet: Self.replaced(text, by: Self.digits, share: 0.5, &generator)
    case .letterCase:
      String(
        text.flatMap { generator.isHeads(0.5) ? $0.uppercased() : $0.lowercased() })
    case .paddingBefore: Self.padding(harmless, &generator) + "\n\n" + text
    case .paddingAfter: text + "\n\n" + Self.padding(harmless, &generator)
    case .turns: Self.inTurns(text)
    case .controlTokens: Self.beforeWords(text, Self.controls, share: 0.2, &generator)
    }
  }

  /// What it does, in a few words.
  package var summary: String {
    switch self {
    case .spacing: "letters apart"
    case .zeroWidth: "invisible characters in words"
    case .bidirectional: "words backwards, shown forwards"
    case .homoglyphs: "letters that look alike"
    case .leet: "digits for letters"
    case .letterCase: "large and small letters"
    case .paddingBefore: "harmless text before"
    case .paddingAfter: "harmless text after"
    case .turns: "split over turns"
    case .controlTokens: "typed control tokens"
    }
  }
}

// MARK: - How

extension Evasion {
  private static func mapWords(_ text: String, _ change: (String) -> String) -> String {
    var result = ""
    var word = ""
    for character in text {
      if character.isLetter || character.isNumber {
        word.append(character)
        continue
      }
      result += word.isEmpty ? "" : change(word)
      word = ""
      result.append(character)
    }
    return result + (word.isEmpty ? "" : change(word))
  }

  private static func spaced(_ word: String) -> String {
    word.map(String.init).joined(separator: " ")
  }

  private static func withinWords(
    _ text: String, _ inserted: [String], share: Double, _ generator: inout SplitMix64
  ) -> String {
    mapWords(text) { word in
      word.map(String.init).reduce("") { result, letter in
        let isPlace = !result.isEmpty && generator.isHeads(share)
        return result + (isPlace ? inserted[generator.next(below: inserted.count)] : "") + letter
      }
    }
  }

  /// Something typed before the text, and before some of its words.
  private static func beforeWords(
    _ text: String, _ inserted: [String], share: Double, _ generator: inout SplitMix64
  ) -> String {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    return words.enumerated().map { index, word in
      let isPlace = index == 0 || generator.isHeads(share)
      return (isPlace ? inserted[generator.next(below: inserted.count)] + " " : "") + word
    }.joined(separator: " ")
  }

  private static func replaced(
    _ text: String, by others: [Character: [Character]], share: Double,
    _ generator: inout SplitMix64
  ) -> String {
    String(
      text.map { character in
        guard let choices = others[character], generator.isHeads(share) else { return character }
        return choices[generator.next(below: choices.count)]
      })
  }

  /// The text in three parts of as many words, with line ends between them.
  private static func inTurns(_ text: String) -> String {
    let words = text.split(separator: " ")
    guard words.count >= 3 else { return text }
    let size = (words.count + 2) / 3
    return stride(from: 0, to: words.count, by: size).map { start in
      words[start..<min(start + size, words.count)].joined(separator: " ")
    }.joined(separator: "\n")
  }

  /// A hundred words or so: harmless texts in random order.
  private static func padding(_ harmless: [String], _ generator: inout SplitMix64) -> String {
    var texts = harmless
    var padding: [String] = []
    var characters = 0
    while characters < paddingCharacters, !texts.isEmpty {
      let text = texts.remove(at: generator.next(below: texts.count))
      padding.append(text)
      characters += text.count
    }
    return padding.joined(separator: " ")
  }

  private static let paddingCharacters = 500

  private static let invisible = ["\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{FEFF}"]

  private static let controls = [
    "[SEP]", "[CLS]", "</s>", "<s>", "[PAD]", "<|im_end|>", "<|im_start|>system", "[/INST]",
  ]

  /// Cyrillic, Greek and wide letters (Unicode's confusables, UTS 39).
  private static let lookAlikes: [Character: [Character]] = [
    "a": ["а", "ａ"], "c": ["с", "ϲ"], "d": ["ԁ", "ｄ"], "e": ["е", "ｅ"], "h": ["һ", "ｈ"],
    "i": ["і", "ｉ"], "j": ["ј"], "k": ["κ", "ｋ"], "l": ["ⅼ", "ｌ"], "m": ["ｍ"], "n": ["ո", "ｎ"],
    "o": ["о", "ο"], "p": ["р", "ρ"], "q": ["ԛ"], "r": ["ｒ"], "s": ["ѕ", "ｓ"], "t": ["ｔ"],
    "u": ["υ", "ս"], "v": ["ν", "ѵ"], "w": ["ԝ", "ｗ"], "x": ["х", "ｘ"], "y": ["у", "ｙ"], "z": ["ｚ"],
    "A": ["А", "Α"], "B": ["В", "Β"], "C": ["С"], "E": ["Е", "Ε"], "H": ["Н", "Η"],
    "I": ["І", "Ι"],
    "K": ["К", "Κ"], "M": ["М", "Μ"], "N": ["Ν"], "O": ["О", "Ο"], "P": ["Р", "Ρ"], "S": ["Ѕ"],
    "T": ["Т", "Τ"], "X": ["Х", "Χ"], "Y": ["Υ"], "Z": ["Ζ"],
  ]

  private static let digits: [Character: [Character]] = [
    "a": ["4", "@"], "e": ["3"], "i": ["1", "!"], "l": ["1"], "o": ["0"], "s": ["5", "$"],
    "t": ["7"], "A": ["4"], "E": ["3"], "I": ["1"], "O": ["0"], "S": ["5"], "T": ["7"],
  ]

  /// What padding is made of where nobody says otherwise.
  package static let sentences = [
    "The library opens at nine and closes at six on weekdays.",
    "A good loaf needs flour, water, salt and patience.",
    "Our garden has tomatoes, beans and a small apple tree.",
    "The train to the coast takes about two hours.",
    "She plays the violin in the town orchestra every Thursday.",
    "Clean the filter once a month and let it dry before use.",
    "The museum shows paintings of rivers and mountains.",
    "He wrote a short letter to thank his grandmother.",
    "In spring the birds come back and build their nests.",
    "The recipe serves four people and takes half an hour.",
  ]
}

extension SplitMix64 {
  fileprivate mutating func isHeads(_ share: Double) -> Bool { next().fraction < share }
}
