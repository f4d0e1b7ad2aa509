extension Span<UInt8> {
  /// Where the first byte sequence starts that is not UTF-8; nil when all of it is.
  func firstInvalidUTF8() -> Int? {
    var position = 0
    while position < count {
      guard let length = lengthOfScalar(at: position) else { return position }
      position += length
    }
    return nil
  }

  /// How many bytes the scalar at `position` takes, by table 3-7 of the Unicode standard.
  private func lengthOfScalar(at position: Int) -> Int? {
    let lead = self[position]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0...0x7F: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    case 0xF1...0xF3: length = 4
    default: return nil
    }
    guard position + length <= count, second.contains(self[position + 1]) else { return nil }
    for index in position + 2..<position + length where self[index] & 0xC0 != 0x80 { return nil }
    return length
  }
}
