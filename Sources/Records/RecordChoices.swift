/// What happens to a record without a payload.
package enum TombstonePolicy: String, Hashable, Sendable, CaseIterable {
  /// Only its offset is committed.
  case skip
  /// It goes on as a tombstone to the verdicts and to the clean topic.
  case forward
  case deadLetter = "dead_letter"
}

/// Which views of an exchange are judged.
package struct JudgedViews: OptionSet, Hashable, Sendable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// The prompt alone.
  package static let prompt = JudgedViews(rawValue: 1)
  /// The response, given the prompt.
  package static let response = JudgedViews(rawValue: 2)
  /// Both of them.
  package static let all: JudgedViews = [.prompt, .response]

  /// Their names in settings.
  package var names: [String] {
    [(JudgedViews.prompt, "prompt"), (.response, "response")].filter { contains($0.0) }.map(\.1)
  }
}
