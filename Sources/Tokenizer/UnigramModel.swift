/// SentencePiece's Unigram as Hugging Face's tokenizers compute it: the pieces with the highest sum
/// of scores, in double precision, within each word.
struct UnigramModel: Sendable {
  private let trie: ByteTrie
  /// Of each id.
  private let scores: [Double]
  private let unknownID: Int32
  private let unknownScore: Double
  private let words: Metaspace

  /// How a text is cut into words that begin with the sign for a space.
  struct Metaspace: Sendable, Equatable {
    /// What stands for a space, in place of U+2581.
    var sign = "\u{2581}"
    /// A text that does not begin with one gets one.
    var isPrepended = true
    /// Each begins a word; otherwise a text is one word.
    var splits = true
    /// Punctuation is a text of its own.
    var isolatesPunctuation = false
    /// White space of any kind ends a text and is none itself.
    var dropsSpace = false
  }

  /// - Parameters:
  ///   - pieces: ids of the pieces that text may become, by their bytes.
  ///   - scores: of each id, also of those that text never becomes.
  init(pieces: [[UInt8]: Int32], scores: [Double], unknownID: Int32, words: Metaspace) {
    trie = ByteTrie(pieces.filter { $0.value != unknownID }.map { ($0.key, $0.value) })
    self.scores = scores
    self.unknownID = unknownID
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    self.words = words
  }

  private static let unknownPenalty = 10.0

  /// Appends the ids of a normalized text.
  func encode(_ text: String, into ids: inout [Int32]) {
    var path = Path()
    var word: [UInt8] = []
    let sign = Array(words.sign.utf8)
    let signScalar = words.sign.unicodeScalars.first
    func end() {
      append(word.span, along: &path, to: &ids)
      word.removeAll(keepingCapacity: true)
    }
    var isAtStart = true
    for scalar in text.unicodeScalars {
      if words.dropsSpace && ScalarTraits(scalar).contains(.space) {
        (isAtStart, _) = (true, end())
        continue
      }
      let isAlone =
        words.isolatesPunctuation && ScalarTraits(scalar).contains(.punctuation)
      if isAlone { (isAtStart, _) = (true, end()) }
      if scalar == " " || scalar == signScalar {
        if words.splits { end() }
        word += sign
      } else {
        if isAtStart && words.isPrepended { word += sign }
        word.append(scalar)
      }
      isAtStart = false
      if isAlone { (isAtStart, _) = (true, end()) }
    }
    end()
  }

  /// The best ways to each place of a word.
  private struct Path {
    var scores: [Double] = []
    /// Where the last piece begins; negative where no way leads.
    var starts: [Int] = []
    var ids: [Int32] = []

    /// Makes room for a word, and forgets the last one.
    mutating func prepare(_ places: Int) {
      if scores.count < places {
        scores += repeatElement(0, count: places - scores.count)
        starts += repeatElement(0, count: places - starts.count)
        ids += repeatElement(0, count: places - ids.count)
      }
      for place in 0..<places { starts[place] = -1 }
      scores[0] = 0
    }

    mutating func offer(_ id: Int32, _ range: Range<Int>, score: Double) {
      let end = range.upperBound
      guard starts[end] < 0 || score > scores[end] else { return }
      scores[end] = score
      starts[end] = range.lowerBound
      ids[end] = id
    }
  }

  private func append(_ word: Span<UInt8>, along path: inout Path, to ids: inout [Int32]) {
    if word.isEmpty { return }
    path.prepare(word.count + 1)
    var start = 0
    while start < word.count {
      let score = path.scores[start]
      let characterEnd = start + word[start].characterLength
      var isKnown = false
      var node = ByteTrie.root
      var end = start
      while end < word.count, let child = trie.child(of: node, word[end]) {
        node = child
        end += 1
        guard let id = trie.value(at: node) else { continue }
        path.offer(id, start..<end, score: scores[Int(id)] + score)
        if end == characterEnd { isKnown = true }
      }
      if !isKnown { path.offer(unknownID, start..<characterEnd, score: unknownScore + score) }
      start = characterEnd
    }
    let first = ids.count
    var end = word.count
    while end > 0 {
      // Neighbouring unknown characters are one piece.
      let id = path.ids[end]
      if id != unknownID || ids.count == first || ids.last != id { ids.append(id) }
      end = path.starts[end]
    }
    var (low, high) = (first, ids.count - 1)
    while low < high {
      ids.swapAt(low, high)
      (low, high) = (low + 1, high - 1)
    }
  }
}
