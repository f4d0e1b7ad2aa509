package import Basics

/// How a teacher is asked: a raw text before its answer, and the two words it answers with.
package protocol TeacherTemplate: Sendable {
  /// What the model writes for a safe and for an unsafe exchange, with the white space before it.
  var safeLabel: String { get }
  var unsafeLabel: String { get }
  /// The end of every rendered text, with which the labels are resolved to tokens.
  var cue: String { get }
  /// The whole text that the model continues with a label, without the token that begins texts.
  func render(prompt: String, response: String?) -> String
}

extension TeacherTemplate {
  /// Of everything but the judged texts: equal for equal questions.
  package var digest: ContentDigest {
    // A character for private use stands for the texts: no template has it.
    let mark = "\u{E000}"
    let parts = [
      render(prompt: mark, response: nil), render(prompt: mark, response: mark), safeLabel,
      unsafeLabel,
    ]
    return ContentDigest(of: Array(parts.joined(separator: "\u{0}").utf8))
  }
}

/// Keeps judged text from becoming what a server takes for control tokens.
package enum ControlText {
  /// The text with a space inside whatever could begin a control token, such as `<|eot_id|>`,
  /// `</s>`, `<start_of_turn>` or `[INST]`: servers look for these in whole requests.
  package static func spelledOut(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    var before: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if let before, isBeginning(before, scalar) { result.unicodeScalars.append(" ") }
      result.unicodeScalars.append(scalar)
      before = scalar
    }
    return result
  }

  private static func isBeginning(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Bool {
    switch first {
    case "<":
      !second.properties.isWhitespace && !("0"..."9").contains(second) && second != "="
    case "[": second == "/" || ("A"..."Z").contains(second)
    default: false
    }
  }
}
