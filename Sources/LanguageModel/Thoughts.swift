/// What reasoning models write before their answer, in a place of its own or in the text.
enum Thoughts {
  private static let marks = [
    ("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"), ("<seed:think>", "</seed:think>"), ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"), ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
  ]

  /// The text behind the thoughts at its beginning; empty where nothing follows them.
  ///
  /// A template may have written the opening mark, so that the text begins with the thought itself.
  static func without(_ text: String) -> String {
    if let answer = channelled(text) { return answer }
    var rest = text[...]
    var hasThoughts = false
    while let (_, end) = opening(rest) {
      guard let close = rest.firstRange(of: end) else { return "" }
      rest = rest[close.upperBound...].drop(while: \.isWhitespace)
      hasThoughts = true
    }
    if hasThoughts { return String(rest) }
    for (start, end) in marks {
      guard let close = text.firstRange(of: end), !text[..<close.lowerBound].contains(start)
      else { continue }
      return String(text[close.upperBound...].drop(while: \.isWhitespace))
    }
    return text
  }

  /// What ends the thought that a text begins, where it is no more than the opening mark.
  static func end(ofOpening text: String) -> String? {
    guard let (start, end) = opening(text[...]), text.trailingSpaceDropped.hasSuffix(start) else {
      return nil
    }
    return end
  }

  private static func opening(_ text: Substring) -> (String, String)? {
    let start = text.drop(while: \.isWhitespace)
    return marks.first { start.hasPrefix($0.0) }
  }

  /// The answer of gpt-oss, which writes thoughts and answer into channels; nil for other texts.
  /// Servers that leave its control tokens out leave the channels' names.
  private static func channelled(_ text: String) -> String? {
    let start = text.drop(while: \.isWhitespace)
    let mark: String
    if start.hasPrefix("<|channel|>") || start.hasPrefix("<|start|>") {
      mark = "<|channel|>final<|message|>"
    } else if start.hasPrefix("analysis"), start.contains("assistantfinal") {
      mark = "assistantfinal"
    } else {
      return nil
    }
    guard let final = start.firstRange(of: mark) else { return "" }
    let answer = start[final.upperBound...]
    let end = ["<|return|>", "<|end|>"].compactMap { answer.firstRange(of: $0)?.lowerBound }.min()
    return String(answer[..<(end ?? answer.endIndex)])
  }
}

extension String {
  fileprivate var trailingSpaceDropped: Substring {
    var text = self[...]
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
