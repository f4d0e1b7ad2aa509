/// BERT's way from words to pieces: at each place the longest piece, and one piece for unknown
/// words in place of a word that is too long or that pieces do not make up.
struct WordPieceModel: Sendable {
  /// What a word begins with.
  private let beginnings: ByteTrie
  /// What a word goes on with, without the prefix that marks such pieces.
  private let continuations: ByteTrie
  private let unknownID: Int32
  private let charactersMax: Int

  /// - Parameters:
  ///   - pieces: ids of the pieces that text may become, by their bytes.
  ///   - prefix: what marks those that go on with a word.
  ///   - charactersMax: the longest word that is looked up.
  init(pieces: [[UInt8]: Int32], prefix: String, unknownID: Int32, charactersMax: Int) {
    let known = pieces.filter { $0.value != unknownID }
    beginnings = ByteTrie(known.map { ($0.key, $0.value) })
    let prefix = Array(prefix.utf8)
    continuations = ByteTrie(
      known.compactMap { piece, id in
        piece.starts(with: prefix) ? (Array(piece.dropFirst(prefix.count)), id) : nil
      })
    self.unknownID = unknownID
    self.charactersMax = charactersMax
  }

  /// Appends the ids of a normalized text, whose words end at white space and at punctuation.
  func encode(_ text: String, into ids: inout [Int32]) {
    var word: [UInt8] = []
    var characters = 0
    func end() {
      if !word.isEmpty { append(word.span, characters: characters, to: &ids) }
      word.removeAll(keepingCapacity: true)
      characters = 0
    }
    for scalar in text.unicodeScalars {
      let traits = ScalarTraits(scalar)
      if traits.contains(.space) {
        end()
        continue
      }
      let isAlone = traits.contains(.punctuation)
      if isAlone { end() }
      word.append(scalar)
      characters += 1
      if isAlone { end() }
    }
    end()
  }

  private func append(_ word: Span<UInt8>, characters: Int, to ids: inout [Int32]) {
    let first = ids.count
    var start = 0
    while start < word.count, characters <= charactersMax {
      let trie = start == 0 ? beginnings : continuations
      guard let match = trie.longestMatch(in: word, at: start) else { break }
      ids.append(match.value)
      start = match.end
    }
    if start < word.count {
      ids.removeLast(ids.count - first)
      ids.append(unknownID)
    }
  }
}
