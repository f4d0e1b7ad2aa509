/// A token that a model owns besides its vocabulary's pieces, matched in the text as it is spelled.
struct AddedToken: Sendable, Equatable {
  var content: String
  /// The id that a file gives it; nil where none does.
  var id: Int32?
  /// Matches only where no letter, digit or the like stands beside it.
  var isSingleWord = false
  /// Takes the white space on its left along.
  var takesLeft = false
  /// Takes the white space on its right along.
  var takesRight = false
  /// Matches in the normalized text, in its own normalized form.
  var isNormalized = true
}

/// Takes added tokens out of texts, as Hugging Face's tokenizers do.
struct AddedTokens: Sendable {
  /// What a text consists of.
  enum Part: Equatable {
    /// Normalized, and without added tokens.
    case text(String)
    case token(Int32)
  }

  private let verbatim: AddedTokenMatcher
  private let normalized: AddedTokenMatcher
  private let normalize: @Sendable (String) -> String

  /// The tokens, of which each has its id, and how texts are normalized.
  init(_ tokens: [AddedToken], normalize: @escaping @Sendable (String) -> String) {
    self.normalize = normalize
    verbatim = AddedTokenMatcher(tokens.filter { !$0.isNormalized })
    normalized = AddedTokenMatcher(
      tokens.filter(\.isNormalized).map { token in
        var token = token
        token.content = normalize(token.content)
        return token
      })
  }

  /// The parts of a text, in order; none is an empty text.
  func parts(of text: String) -> [Part] {
    let parts = verbatim.parts(of: text).flatMap { part in
      switch part {
      case .token: [part]
      case .text(let text): normalized.parts(of: normalize(text))
      }
    }
    return parts.filter { $0 != .text("") }
  }
}

/// Finds tokens in a text: from the left, at each place the longest.
struct AddedTokenMatcher: Sendable {
  private let tokens: [AddedToken]
  private let trie: ByteTrie

  /// Tokens with ids; of two with one spelling the first counts.
  init(_ tokens: [AddedToken]) {
    self.tokens = tokens
    let places = Dictionary(
      tokens.enumerated().map { (Array($1.content.utf8), Int32($0)) },
      uniquingKeysWith: { first, _ in first })
    trie = ByteTrie(places.map { ($0.key, $0.value) })
  }

  /// The parts of a text.
  func parts(of text: String) -> [AddedTokens.Part] {
    if trie.isEmpty { return [.text(text)] }
    let bytes = text.utf8.span
    var parts: [AddedTokens.Part] = []
    var partStart = 0
    var position = 0
    while position < bytes.count {
      guard let match = trie.longestMatch(in: bytes, at: position) else {
        position += 1
        continue
      }
      var (start, end) = (position, match.end)
      position = end
      let token = tokens[Int(match.value)]
      guard let id = token.id, !token.isSingleWord || isAlone(start..<end, in: text) else {
        continue
      }
      if token.takesLeft {
        let before = text.scalars(partStart..<max(start, partStart)).reversed()
        start -= Self.spaceBytes(before)
      }
      if token.takesRight { end += Self.spaceBytes(text.scalars(end..<bytes.count)) }
      if partStart < start { parts.append(.text(String(text.scalars(partStart..<start)))) }
      parts.append(.token(id))
      partStart = end
    }
    if partStart < bytes.count {
      parts.append(.text(String(text.scalars(partStart..<bytes.count))))
    }
    return parts
  }

  /// Bytes of the white space that some characters begin with.
  private static func spaceBytes(_ scalars: some Sequence<Unicode.Scalar>) -> Int {
    var bytes = 0
    for scalar in scalars {
      guard ScalarTraits(scalar).contains(.space) else { break }
      bytes += UTF8.width(scalar)
    }
    return bytes
  }

  private func isAlone(_ range: Range<Int>, in text: String) -> Bool {
    let before = text.scalars(0..<range.lowerBound).last
    let after = text.scalars(range.upperBound..<text.utf8.count).first
    return [before, after].allSatisfy { $0.map { !$0.isWordPart } ?? true }
  }
}

extension String {
  /// The characters between two places in bytes, each at a character's start or the end.
  fileprivate func scalars(_ range: Range<Int>) -> Substring.UnicodeScalarView {
    let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
    return unicodeScalars[start..<utf8.index(start, offsetBy: range.count)]
  }
}

extension Unicode.Scalar {
  /// Whether regular expressions take it for part of a word (`\w`).
  fileprivate var isWordPart: Bool {
    let age = properties.age ?? (major: .max, minor: 0)
    guard age.major <= CharacterKind.version else { return false }
    if properties.isAlphabetic || properties.isJoinControl { return true }
    return switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: false
    }
  }
}
