internal import StrictJSON

/// What stands at the ends of texts, as the post-processor of `tokenizer.json` puts it.
struct SequenceEnds {
  let begin: Int32
  let separator: Int32
  /// Separators between the texts of a pair.
  let pairSeparators: Int

  /// Nil where the file does not say.
  init?(_ document: DocumentMembers) throws(TokenizerError) {
    guard document.value("post_processor") != nil else { return nil }
    try self.init(processor: document.object("post_processor"), isNested: false)
  }

  private init?(processor: DocumentMembers, isNested: Bool) throws(TokenizerError) {
    switch try processor.text("type") {
    case "BertProcessing": try self.init(processor, pairSeparators: 1)
    case "RobertaProcessing": try self.init(processor, pairSeparators: 2)
    case "TemplateProcessing": try self.init(template: processor)
    case "ByteLevel": return nil  // It only moves offsets.
    case "Sequence" where !isNested:
      var ends: [SequenceEnds] = []
      for (index, value) in try processor.list("processors").enumerated() {
        let place = "\(processor.place).processors[\(index)]"
        let member = try DocumentMembers(value, at: place)
        if let found = try SequenceEnds(processor: member, isNested: true) { ends.append(found) }
      }
      guard ends.count <= 1 else {
        throw processor.error("processors", "put more than one kind of ends")
      }
      guard let only = ends.first else { return nil }
      self = only
    case let type:
      throw processor.unsupported(
        type,
        instead: "TemplateProcessing, BertProcessing, RobertaProcessing and ByteLevel are")
    }
  }

  private init(
    _ processor: DocumentMembers, pairSeparators: Int
  ) throws(TokenizerError) {
    begin = try Self.lastNumber(processor, "cls")
    separator = try Self.lastNumber(processor, "sep")
    self.pairSeparators = pairSeparators
  }

  private init(template processor: DocumentMembers) throws(TokenizerError) {
    let single = try Self.names(processor, "single")
    let pair = try Self.names(processor, "pair")
    guard single.count == 3, single[1] == nil, let first = single[0], let last = single[2],
      pair == [first, nil, last, nil, last] || pair == [first, nil, last, last, nil, last]
    else {
      throw processor.error(
        "single", "and pair are not [CLS] text [SEP] and [CLS] text [SEP] text [SEP]")
    }
    let tokens = try processor.object("special_tokens")
    begin = try Self.lastNumber(tokens.object(first), "ids")
    separator = try Self.lastNumber(tokens.object(last), "ids")
    pairSeparators = pair.count - 4
  }

  /// The names of a template's tokens, nil for each text.
  private static func names(
    _ processor: DocumentMembers, _ name: String
  ) throws(TokenizerError) -> [String?] {
    var names: [String?] = []
    for piece in try processor.list(name) {
      let piece = try DocumentMembers(piece, at: "\(processor.place).\(name)")
      if piece.value("Sequence") == nil {
        names.append(try piece.object("SpecialToken").text("id") ?? "")
      } else {
        names.append(nil)
      }
    }
    return names
  }

  private static func lastNumber(
    _ members: DocumentMembers, _ name: String
  ) throws(TokenizerError) -> Int32 {
    guard let id = try members.list(name).last.flatMap({ Int32($0.text) }), id >= 0 else {
      throw members.error(name, "has no id")
    }
    return id
  }
}
