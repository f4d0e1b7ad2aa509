/// What reasoning models write before their answer, in a place of its own or in the text.
enum Thoughts {
  private static let marks = [
    ("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<reasoning>", "</reasoning>"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
  ]

  /// The text behind the thoughts at its beginning; empty where nothing follows them.
  ///
  /// A template may have written the opening mark, so that the text begins with the thought itself.
  static func without(_ text: String) -> String {
    var rest = text[...]
    while true {
      let start = rest.drop(while: \.isWhitespace)
      guard let (_, end) = marks.first(where: { start.hasPrefix($0.0) }) else { break }
      guard let close = start.firstRange(of: end) else { return "" }
      rest = start[close.upperBound...].drop(while: \.isWhitespace)
    }
    if rest.count == text.count, let close = rest.firstRange(of: "</think>"),
      !rest[..<close.lowerBound].contains("<think>")
    {
      rest = rest[close.upperBound...].drop(while: \.isWhitespace)
    }
    return String(rest)
  }
}
