/// What a text of a conversation is: whose, and where it stood.
package enum TextKind: String, Hashable, Sendable, CaseIterable {
  /// What a user said. Always judged, as part of the prompt.
  case user
  /// What a model said. Always judged, as part of the response.
  case assistant
  /// Arguments of the tools that the model calls; part of the response.
  case toolCalls = "tool_calls"
  /// What tools answered; part of the prompt.
  case toolResults = "tool_results"
  /// Why the model would not answer; part of the response.
  case refusals
  /// What was said in audio, as text; part of the speaker's side.
  case transcripts
  /// The model's thoughts before its answer; part of the response.
  case reasoning
  /// What the operator told the model; part of the prompt.
  case system
  /// Texts in fields of a message that no known format has; part of the speaker's side.
  case unknownFields = "unknown_fields"
  /// Files in base 64 and the like. Never judged, but counted.
  case attachments

  /// The kinds that the settings may choose; the others are judged always or never.
  package static let optional: [TextKind] = allCases.filter {
    $0 != .user && $0 != .assistant && $0 != .attachments
  }
}
