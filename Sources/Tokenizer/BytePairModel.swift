/// Byte-level BPE, as in GPT-2 and RoBERTa: a word is its bytes, and of the pairs of neighbouring
/// pieces that were learnt to be one piece the earliest learnt is joined first.
struct BytePairModel: Sendable {
  /// Two pieces that become one, as the vocabulary spells them.
  struct Merge: Sendable {
    let left: [UInt8]
    let right: [UInt8]
  }

  /// What a pair becomes.
  private struct Product {
    /// Earlier learnt pairs have smaller ones.
    let rank: Int32
    let id: Int32
  }

  /// The id of each byte.
  private let byteIDs: [Int32]
  /// By the ids of both pieces.
  private let products: [UInt64: Product]
  private let words: ByteLevelSplit

  /// - Parameters:
  ///   - pieces: ids of the pieces that text may become, by their spelling.
  ///   - vocabulary: ids of all pieces.
  ///   - merges: in the order in which they were learnt.
  ///   - file: the file that says all this.
  /// - Throws: when a byte or a merge is of no piece.
  init(
    pieces: [[UInt8]: Int32], vocabulary: [[UInt8]: Int32], merges: [Merge], words: ByteLevelSplit,
    file: String
  ) throws(TokenizerError) {
    var byteIDs: [Int32] = []
    for byte in UInt8.min...UInt8.max {
      guard let id = pieces[Self.spelling(of: byte)] else {
        throw TokenizerError(
          file: file, problem: "has no piece for the byte \(byte) that text may become")
      }
      byteIDs.append(id)
    }
    var products: [UInt64: Product] = [:]
    products.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() {
      let joined = merge.left + merge.right
      guard vocabulary[merge.left] != nil, vocabulary[merge.right] != nil,
        vocabulary[joined] != nil
      else {
        throw TokenizerError(
          file: file, problem: "has no piece for a part or the whole of merge \(rank)")
      }
      // What makes up a control token is not joined.
      guard let left = pieces[merge.left], let right = pieces[merge.right], let id = pieces[joined]
      else { continue }
      products[Self.pair(left, right)] = Product(rank: Int32(rank), id: id)
    }
    self.byteIDs = byteIDs
    self.products = products
    self.words = words
  }

  /// Appends the ids of a normalized text, in time proportional to n·log n of its longest word.
  func encode(_ text: String, into ids: inout [Int32]) {
    let characters = words.characters(of: text)
    var word = Word()
    var start = 0
    while start < characters.count {
      let end = words.wordEnd(in: characters, from: start)
      word.ids.removeAll(keepingCapacity: true)
      for scalar in characters[start..<end] {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
          word.ids.append(byteIDs[Int(byte)])
        }
      }
      if word.ids.count > 1 { join(&word) }
      for id in word.ids where id != Word.joined { ids.append(id) }
      start = end
    }
  }

  /// A byte as the vocabulary spells it, by a visible character.
  static func spelling(of byte: UInt8) -> [UInt8] { spellings[Int(byte)] }

  /// Visible characters of Latin-1 stand for themselves, the others are numbered from U+0100 on.
  private static let spellings: [[UInt8]] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      var spelling: [UInt8] = []
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: spelling.append(Unicode.Scalar(byte))
      default:
        spelling.append(Unicode.Scalar(next) ?? " ")
        next += 1
      }
      return spelling
    }
  }()

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}

extension BytePairModel {
  /// A word on its way from bytes to pieces.
  private struct Word {
    /// What stands in the place of a piece that was joined to the one before it.
    static let joined: Int32 = -1

    /// By place.
    var ids: [Int32] = []
    /// The places of the pieces before and behind; negative, or the number of places, at the ends.
    var previous: [Int32] = []
    var next: [Int32] = []
    var queue = JoinQueue()
  }

  private func join(_ word: inout Word) {
    let count = Int32(word.ids.count)
    word.previous.removeAll(keepingCapacity: true)
    word.next.removeAll(keepingCapacity: true)
    for place in 0..<count {
      word.previous.append(place - 1)
      word.next.append(place + 1)
    }
    for place in 0..<count { offer(place, in: &word) }
    while let join = word.queue.popFirst() {
      let place = Int(join.place)
      let right = word.next[place]
      // What stood there when it was queued may have changed since.
      guard word.ids[place] != Word.joined, right < count,
        products[Self.pair(word.ids[place], word.ids[Int(right)])]?.id == join.id
      else { continue }
      word.ids[place] = join.id
      word.ids[Int(right)] = Word.joined
      let behind = word.next[Int(right)]
      word.next[place] = behind
      if behind < count { word.previous[Int(behind)] = join.place }
      if word.previous[place] >= 0 { offer(word.previous[place], in: &word) }
      offer(join.place, in: &word)
    }
  }

  /// Queues the pair that begins at a place, if it becomes a piece.
  private func offer(_ place: Int32, in word: inout Word) {
    let right = Int(word.next[Int(place)])
    guard right < word.ids.count,
      let product = products[Self.pair(word.ids[Int(place)], word.ids[right])]
    else { return }
    word.queue.insert(JoinQueue.Join(rank: product.rank, place: place, id: product.id))
  }
}

/// Pairs that may be joined, the earliest learnt first, and of equal ones the leftmost: a heap.
private struct JoinQueue {
  struct Join {
    let rank: Int32
    let place: Int32
    /// What becomes of the pair.
    let id: Int32

    func isBefore(_ other: Join) -> Bool { (rank, place) < (other.rank, other.place) }
  }

  private var joins: [Join] = []

  mutating func insert(_ join: Join) {
    var index = joins.count
    joins.append(join)
    while index > 0 {
      let parent = (index - 1) / 2
      guard join.isBefore(joins[parent]) else { break }
      joins[index] = joins[parent]
      index = parent
    }
    joins[index] = join
  }

  mutating func popFirst() -> Join? {
    guard let first = joins.first, let last = joins.popLast() else { return nil }
    if joins.isEmpty { return first }
    var index = 0
    while true {
      var child = 2 * index + 1
      guard child < joins.count else { break }
      if child + 1 < joins.count, joins[child + 1].isBefore(joins[child]) { child += 1 }
      guard joins[child].isBefore(last) else { break }
      joins[index] = joins[child]
      index = child
    }
    joins[index] = last
    return first
  }
}
