/// How many texts a record had, and how many of them were judged.
package struct Coverage: Hashable, Sendable {
  /// What a text is counted under that belongs to an earlier exchange of the conversation.
  package static let earlier = "earlier_turns"
  /// What a text is counted under that belongs to the response where only prompts are judged.
  package static let response = "response"

  /// All texts, the empty ones not counted.
  package var texts: Int
  /// Those that stood in a sequence that the model judged.
  package var judged: Int
  /// The others, counted by why they were left out: a `TextKind`, `earlier` or `response`.
  package var leftOut: [String: Int]

  package init(texts: Int, judged: Int, leftOut: [String: Int] = [:]) {
    self.texts = texts
    self.judged = judged
    self.leftOut = leftOut
  }

  /// Adds the counts of another record.
  package mutating func add(_ other: Coverage) {
    texts += other.texts
    judged += other.judged
    for (reason, count) in other.leftOut { leftOut[reason, default: 0] += count }
  }
}

/// How many texts of its record an exchange holds.
package struct ExchangeTexts: Hashable, Sendable {
  /// Texts that make up the prompt.
  package var prompt: Int
  /// Texts that make up the response.
  package var response: Int
  /// Texts of unknown speakers, which stand in both: they count once.
  package var both: Int
  /// Texts that are in neither, by why.
  package var leftOut: [String: Int]

  package init(prompt: Int, response: Int, both: Int = 0, leftOut: [String: Int] = [:]) {
    self.prompt = prompt
    self.response = response
    self.both = both
    self.leftOut = leftOut
  }

  /// The coverage of a verdict.
  ///
  /// - Parameter judgesResponse: whether the response was judged, if there is one.
  package func coverage(judgesResponse: Bool) -> Coverage {
    let unjudged = judgesResponse ? 0 : response
    var leftOut = leftOut
    if unjudged > 0 { leftOut[Coverage.response, default: 0] += unjudged }
    let judged = prompt + both + response - unjudged
    return Coverage(
      texts: judged + leftOut.values.reduce(0, +), judged: judged, leftOut: leftOut)
  }
}
