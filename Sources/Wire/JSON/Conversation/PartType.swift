import Records

/// What the `type` of a part of a message, or of an item between messages, says of the texts in it.
enum PartType: Hashable {
  /// They are of this kind.
  case kind(TextKind)
  /// It shows something: only what describes it is text, or reads like one.
  case media
  /// A file: what is no binary is text of whoever speaks.
  case file
  /// They are of whoever speaks: a text, or a type that is not known.
  case own

  var kind: TextKind? { if case .kind(let kind) = self { kind } else { nil } }

  /// - Parameter name: normalized.
  init(name: String) {
    switch name {
    case "thinking", "reasoning", "reasoningtext", "reasoningcontent", "redactedthinking",
      "thought":
      self = .kind(.reasoning)
    case "refusal": self = .kind(.refusals)
    case "inputaudio", "outputaudio", "audio": self = .kind(.transcripts)
    case "tooluse", "servertooluse", "mcptooluse", "functioncall", "toolcall", "customtoolcall":
      self = .kind(.toolCalls)
    case "functionresponse", "toolresult": self = .kind(.toolResults)
    case "image", "imageurl", "inputimage", "outputimage", "imagefile", "video", "videourl",
      "inputvideo", "audiourl", "imageassetpointer":
      self = .media
    case "file", "inputfile", "document", "attachment": self = .file
    default:
      if name.hasSuffix("calloutput") || name.hasSuffix("toolresult") {
        self = .kind(.toolResults)
      } else if name.hasSuffix("call") {
        self = .kind(.toolCalls)
      } else {
        self = .own
      }
    }
  }
}
