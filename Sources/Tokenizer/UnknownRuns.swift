/// Sizes of the parts that a long text is encoded in.
enum UnknownRuns {
  /// Texts up to this many bytes are encoded whole.
  static let partBytes = 8192
  /// How much text on each side shows that a place is inside a run of unknown characters.
  static let contextBytes = 64
}

extension SentencePieceTokenizer {
  /// The ids of a long text, in time linear in its length.
  ///
  /// The library makes one piece of neighbouring characters that its vocabulary does not have, and
  /// copies that piece anew for each of them: a megabyte of rare emoji takes it six seconds, which
  /// a sender could use to stop the filter. So a long text is cut wherever the `partBytes` are
  /// over inside such a run, where the cut changes nothing: no piece reaches over an unknown
  /// character, and the two halves of the run are one piece again. Where there is no run, there
  /// is no cut.
  func encodeInParts(_ text: Span<UInt8>) -> [Int32] {
    var ids: [Int32] = []
    var start = 0
    var end = UnknownRuns.partBytes
    while end < text.count {
      end = text.startOfCharacter(at: end)
      if isInUnknownRun(text, at: end) {
        guard append(text.extracting(start..<end), isFirst: start == 0, to: &ids) else {
          return encodeWhole(text)
        }
        start = end
      }
      end += UnknownRuns.partBytes
    }
    let isComplete = append(text.extracting(start...), isFirst: start == 0, to: &ids)
    return isComplete ? ids : encodeWhole(text)
  }

  /// Appends the ids of a part. One that is not the first begins with the second half of a run,
  /// whose id is there already; false when it does not.
  private func append(_ part: Span<UInt8>, isFirst: Bool, to ids: inout [Int32]) -> Bool {
    let partIDs = encodeWhole(part)
    if isFirst {
      ids = partIDs
      return true
    }
    guard partIDs.starts(with: unknownRun), ids.last == unknownRun.last else { return false }
    ids.append(contentsOf: partIDs.dropFirst(unknownRun.count))
    return true
  }

  /// Whether the text around a place is unknown, as one and on each side of the place: then no
  /// normalization reaches over it either.
  private func isInUnknownRun(_ text: Span<UInt8>, at position: Int) -> Bool {
    let start = text.startOfCharacter(at: position - UnknownRuns.contextBytes)
    let end = text.startOfCharacter(at: min(position + UnknownRuns.contextBytes, text.count))
    return encodeWhole(text.extracting(start..<end)) == unknownRun
      && encodeWhole(text.extracting(start..<position)) == unknownRun
      && encodeWhole(text.extracting(position..<end)) == unknownRun
  }
}

extension Span<UInt8> {
  /// The start of the UTF-8 character that the byte belongs to; the end of the text for its end.
  fileprivate func startOfCharacter(at position: Int) -> Int {
    var start = position
    while start > 0, start < count, self[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }
}
