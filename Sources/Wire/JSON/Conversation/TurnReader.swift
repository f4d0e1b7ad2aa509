import Records
internal import StrictJSON

/// Collects the texts of one message, in any of the formats that people write.
///
/// It walks everything that the message holds, and names and types only say of what kind a text is:
/// so what is not known is still found. Left out are identifiers and the like (`FieldRule.none`).
struct TurnReader {
  private let speaker: Speaker
  private(set) var utterances: [Utterance] = []
  /// Texts in fields that no known format has.
  private var strange: [Utterance] = []

  /// What surrounds a value.
  private struct Place {
    /// What its texts are; nil where the speaker is not known.
    var kind: TextKind?
    var isFile = false
    /// Only descriptions, and what cannot be an address or bytes, are text here.
    var isMedia = false

    /// Everything within a call or a result belongs to it, whatever its names say.
    var isData: Bool { kind == .toolCalls || kind == .toolResults }

    mutating func enter(_ type: PartType) {
      switch type {
      case .kind(let own): kind = own
      case .media: isMedia = true
      case .file: isFile = true
      case .own: break
      }
    }
  }

  /// Reads a message: an object, or a text whose speaker nobody tells.
  init(_ message: JSONValue) throws(DecodingFailure) {
    guard message.kind != .text else {
      speaker = .unknown
      collect(message, at: Place())
      return
    }
    guard message.kind == .object else {
      throw .unexpected(message, at: "messages[]", expected: "an object")
    }
    speaker = try Speaker(of: message)
    try Self.checkContent(of: message)
    for member in message.children { read(field: member) }
    // Where a message has no text but in strange fields, they are what it says.
    let own = speaker.kind
    utterances +=
      utterances.isEmpty
      ? strange.map { $0.kind == .unknownFields ? $0.with(kind: own) : $0 } : strange
  }

  private init(speaker: Speaker) { self.speaker = speaker }

  /// The content decides what is judged: it must be there once, and be something that holds text.
  private static func checkContent(of message: JSONValue) throws(DecodingFailure) {
    var content: JSONValue?
    for member in message.children where member.name == "content" {
      try member.take(into: &content, at: "messages[].content")
    }
    if let content, content.kind == .number || content.kind == .boolean {
      throw .unexpected(content, at: "messages[].content", expected: "a string or an array")
    }
  }

  private mutating func read(field: JSONValue) {
    let name = field.name.normalizedName
    let isItem = if case .item = speaker { true } else { false }
    var place = Place(kind: speaker.kind)
    switch FieldRule(name: name) {
    case .own: collect(field, at: place)
    case .kind(let kind):
      // An item's fields are what it says, such as the arguments of a call.
      if !isItem { place.kind = kind }
      collect(field, at: place)
    case .none:
      if field.kind == .object, name == "data" { collect(field, at: place) }
    case .description, .unknown:
      let type = PartType(name: name)
      place.enter(type)
      if type != .own || place.isData { collect(field, at: place) } else { collectStrange(field) }
    }
  }

  private mutating func collectStrange(_ field: JSONValue) {
    var inner = TurnReader(speaker: speaker)
    inner.collect(field, at: Place(kind: .unknownFields))
    strange += inner.utterances.filter {
      $0.kind != .unknownFields || Utterance.isProse($0.text)
    }
  }

  /// Takes every text in `value`, of the place's kind unless something inside says otherwise.
  private mutating func collect(_ value: JSONValue, at place: Place) {
    switch value.kind {
    case .text:
      if !place.isMedia || Utterance.isProse(value.text) { take(value.text, at: place) }
    case .array: for element in value.children { collect(element, at: place) }
    case .object:
      var place = place
      if let type = Self.type(of: value) { place.enter(PartType(name: type)) }
      for member in value.children { read(member: member, at: place) }
    case .null, .boolean, .number: break
    }
  }

  private mutating func read(member: JSONValue, at place: Place) {
    let name = member.name.normalizedName
    var place = place
    switch FieldRule(name: name) {
    case .own, .description:
      place.isMedia = false
      collect(member, at: place)
    case .kind(let kind):
      if !place.isData { place.kind = kind }
      collect(member, at: place)
    case .none:
      // In a file it is the file; in a call or a result it can be an argument of that name.
      let isContent =
        place.isFile && (name == "data" || member.kind == .text && member.text.hasPrefix("data:"))
        || place.isData && (member.kind != .text || Utterance.isProse(member.text))
      if isContent { collect(member, at: place) }
    case .unknown:
      if place.isData {
        if Utterance.isProse(member.name) { take(member.name, at: place) }
      } else {
        place.enter(PartType(name: name))
      }
      collect(member, at: place)
    }
  }

  private mutating func take(_ text: String, at place: Place) {
    guard Utterance.isText(text) else { return }
    // What a user or a model says is judged, be it base 64: only files and results may be binary.
    let isBinary = (place.isFile || place.kind == .toolResults) && Utterance.isBinary(text)
    utterances.append(
      Utterance(
        kind: isBinary ? .attachments : place.kind, speaker: speaker, text: isBinary ? "" : text,
        isJSON: place.isData && !isBinary))
  }

  /// The normalized type of a part; nil when it has none.
  private static func type(of part: JSONValue) -> String? {
    for member in part.children where member.kind == .text {
      if member.name == "type" || member.name == "content_type" {
        return member.text.normalizedName
      }
    }
    return nil
  }
}
