import Records

/// What the name of a field in a message says of the texts in it.
enum FieldRule: Hashable {
  /// They are what the message says.
  case own
  /// They are of this kind.
  case kind(TextKind)
  /// There are none: identifiers, times, counts.
  case none
  /// It describes something that is shown.
  case description
  /// The name is not known.
  case unknown

  /// - Parameter name: normalized.
  init(name: String) {
    switch name {
    case "content", "contents", "parts", "text", "value", "body", "message", "outputtext", "input",
      "output", "summary":
      self = .own
    case "toolcalls", "functioncall", "tooluse", "arguments": self = .kind(.toolCalls)
    case "toolresult", "toolresults", "functionresponse": self = .kind(.toolResults)
    case "reasoningcontent", "reasoning", "reasoningdetails", "reasoningtext", "thinking":
      self = .kind(.reasoning)
    case "refusal": self = .kind(.refusals)
    case "audio", "transcript": self = .kind(.transcripts)
    case "caption", "alttext", "alt", "description": self = .description
    default: self = Self.withoutText.contains(name) ? .none : .unknown
    }
  }

  /// Fields of the known formats that hold no text of the conversation.
  private static let withoutText: Set<String> = [
    "role", "type", "contenttype", "id", "name", "from", "author", "sender", "speaker", "index",
    "toolcallid", "tooluseid", "callid", "fileid", "filename", "status", "iserror", "weight",
    "createdat", "createtime", "updatetime", "timestamp", "time", "date", "model", "finishreason",
    "stopreason", "stopsequence", "usage", "logprobs", "cachecontrol", "signature", "metadata",
    "format", "detail", "mimetype", "mediatype", "language", "recipient", "channel", "phase",
    "endturn", "encryptedcontent", "data", "url", "imageurl", "expiresat", "responsemetadata",
    "responseid", "threadid", "runid", "assistantid", "object", "servername", "toolname",
  ]
}
