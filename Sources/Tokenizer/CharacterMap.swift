/// SentencePiece's table of character replacements (`precompiled_charsmap`), applied as Hugging
/// Face's tokenizers apply it: a user-perceived character of less than six bytes is looked up
/// whole, any other one scalar by scalar, and of the entries that a text begins with the shortest
/// counts. What follows it in the same character is then lost: "ﬁ" with an accent is "fi".
struct CharacterMap: Sendable {
  /// The units of a double-array trie (darts-clone): labels, offsets to children, and values,
  /// which are places in `replacements`.
  private let units: [UInt32]
  /// Texts, each ended by a NUL.
  private let replacements: [UInt8]

  /// Reads the table: the size of the trie in bytes, the trie, the replacements. Nil for what is
  /// no such table.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 4 else { return nil }
    let size = Int(Self.unit(bytes[0..<4]))
    guard size > 0, size % 4 == 0, size <= bytes.count - 4 else { return nil }
    units = stride(from: 4, to: 4 + size, by: 4).map { Self.unit(bytes[$0..<$0 + 4]) }
    replacements = Array(bytes[(4 + size)...])
    guard String(validating: replacements, as: UTF8.self) != nil else { return nil }
  }

  /// The text with every replacement made.
  func apply(_ text: String) -> String {
    let bytes = text.utf8.span
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    var index = text.startIndex
    while index < text.endIndex {
      let next = text.index(after: index)
      let end = position + text.utf8.distance(from: index, to: next)
      if end - position < Self.longUnit, let range = replacement(of: bytes, position..<end) {
        result += replacements[range]
        position = end
      }
      while position < end {
        let scalarEnd = min(position + bytes[position].characterLength, end)
        if let range = replacement(of: bytes, position..<scalarEnd) {
          result += replacements[range]
        } else {
          for place in position..<scalarEnd { result.append(bytes[place]) }
        }
        position = scalarEnd
      }
      index = next
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// User-perceived characters from this many bytes are not looked up whole.
  private static let longUnit = 6

  /// Where the replacement of the shortest entry stands that a part of the text begins with.
  private func replacement(of text: Span<UInt8>, _ part: Range<Int>) -> Range<Int>? {
    var node = Self.offset(units[0])
    for position in part {
      let byte = text[position]
      node ^= Int(byte)
      guard byte != 0, node < units.count, Self.label(units[node]) == UInt32(byte) else {
        return nil
      }
      let unit = units[node]
      node ^= Self.offset(unit)
      if unit >> 8 & 1 == 1, node < units.count {
        let start = Int(units[node] & 0x7FFF_FFFF)
        guard start <= replacements.count else { return nil }
        let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
        return start..<end
      }
    }
    return nil
  }

  private static func label(_ unit: UInt32) -> UInt32 { unit & 0x8000_00FF }

  private static func offset(_ unit: UInt32) -> Int {
    Int(unit >> 10) << Int((unit & 0x200) >> 6)
  }

  private static func unit(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension UInt8 {
  /// Bytes of the UTF-8 character that begins with this one.
  var characterLength: Int { self < 0x80 ? 1 : self < 0xE0 ? 2 : self < 0xF0 ? 3 : 4 }
}
