import FoundationEssentials
internal import StrictJSON

/// Reads `tokenizer.json`, which holds a whole tokenizer as Hugging Face's tokenizers write it:
/// BERT's WordPiece or DeBERTa's Unigram. Anything else is refused by its place and kind.
struct TokenizerDocument {
  static let fileName = "tokenizer.json"

  private let configuration: TokenizerConfiguration
  private let controls: ControlTokens

  init(_ configuration: TokenizerConfiguration) {
    self.configuration = configuration
    controls = ControlTokens(configuration)
  }

  /// The tokenizer in a folder.
  func load(folder: String) throws(TokenizerError) -> PieceTokenizer {
    let bytes = Array(try TokenizerFile.data(Self.fileName, in: folder))
    var parser = JSONParser()
    return try parser.parse(
      bytes.span, malformed: { TokenizerError(file: Self.fileName, problem: $0) }
    ) { (value) throws(TokenizerError) in
      try tokenizer(DocumentMembers(value, at: ""))
    }
  }

  private func tokenizer(_ document: DocumentMembers) throws(TokenizerError) -> PieceTokenizer {
    let model = try document.object("model")
    let normalizer = try normalizer(document)
    let listed = try addedTokens(document.list("added_tokens"))
    let ends = try SequenceEnds(document)
    var parts = PieceTokenizer.Parts(
      file: Self.fileName, pieces: [:], listed: listed, normalizer: normalizer)
    (parts.begin, parts.separator) = (ends?.begin, ends?.separator)
    switch try modelType(model) {
    case "WordPiece":
      try WordSplit.checkBERT(document)
      parts.pieces = try wordPieces(model)
      let unknown = try model.text("unk_token") ?? "[UNK]"
      guard let unknownID = parts.pieces[Array(unknown.utf8)] else {
        throw model.error("unk_token", "is no piece of the vocabulary")
      }
      let prefix = try model.text("continuing_subword_prefix") ?? "##"
      let charactersMax = try model.integer("max_input_chars_per_word") ?? 100
      return try PieceTokenizer(parts, configuration, controls) { pieces in
        .wordPiece(
          WordPieceModel(
            pieces: pieces, prefix: prefix, unknownID: unknownID, charactersMax: charactersMax))
      }
    case "Unigram":
      let words = try WordSplit.metaspace(document)
      let scored = try scoredPieces(model)
      guard let unknown = try model.integer("unk_id"), scored.indices.contains(unknown) else {
        throw model.error("unk_id", "is the id of no piece")
      }
      if try model.flag("byte_fallback") == true {
        throw model.error("byte_fallback", "= true is not supported")
      }
      // Of two equal pieces the last counts.
      parts.pieces = Dictionary(
        scored.enumerated().map { (Array($1.text.utf8), Int32($0)) },
        uniquingKeysWith: { _, last in last })
      return try PieceTokenizer(parts, configuration, controls) { pieces in
        .unigram(
          UnigramModel(
            pieces: pieces, scores: scored.map(\.score), unknownID: Int32(unknown),
            words: words))
      }
    case let type: throw model.unsupported(type, instead: "WordPiece and Unigram are")
    }
  }

  /// The kind of the model, which older files do not name.
  private func modelType(_ model: DocumentMembers) throws(TokenizerError) -> String {
    if let type = try model.text("type") { return type }
    if model.value("merges") != nil { return "BPE" }
    if model.value("vocab")?.kind == .array { return "Unigram" }
    return model.value("continuing_subword_prefix") == nil ? "WordLevel" : "WordPiece"
  }

  private func wordPieces(_ model: DocumentMembers) throws(TokenizerError) -> [[UInt8]: Int32] {
    guard let vocabulary = model.value("vocab"), vocabulary.kind == .object else {
      throw model.error("vocab", "is no object")
    }
    var pieces: [[UInt8]: Int32] = [:]
    for value in vocabulary.children {
      guard let id = Int32(value.text), id >= 0 else {
        throw model.error("vocab", "has an id that is no number")
      }
      guard pieces.updateValue(id, forKey: Array(value.name.utf8)) == nil else {
        throw model.error("vocab", "has a piece twice (id \(id))")
      }
    }
    return pieces
  }

  private func scoredPieces(
    _ model: DocumentMembers
  ) throws(TokenizerError) -> [(text: String, score: Double)] {
    var pieces: [(text: String, score: Double)] = []
    for entry in try model.list("vocab") {
      let values = Array(entry.children)
      guard values.count == 2, values[0].kind == .text, let score = Double(values[1].text) else {
        throw model.error("vocab", "has an entry that is not a text and a score")
      }
      pieces.append((values[0].text, score))
    }
    return pieces
  }

  private func addedTokens(_ values: [JSONValue]) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for (index, value) in values.enumerated() {
      let token = try DocumentMembers(value, at: "added_tokens[\(index)]")
      guard let content = try token.text("content") else {
        throw token.error("content", "is missing")
      }
      tokens.append(
        AddedToken(
          content: content, id: try token.integer("id").flatMap { Int32(exactly: $0) },
          isSingleWord: try token.flag("single_word") ?? false,
          takesLeft: try token.flag("lstrip") ?? false,
          takesRight: try token.flag("rstrip") ?? false,
          isNormalized: try token.flag("normalized") ?? true))
    }
    return tokens
  }

  /// The normalizer, with what the configuration says of BERT's.
  private func normalizer(_ document: DocumentMembers) throws(TokenizerError) -> TextNormalizer {
    var normalizer = try TextNormalizer(document)
    guard configuration.overrulesNormalizer else { return normalizer }
    normalizer.steps = normalizer.steps.map { step in
      guard case .bert(var bert) = step else { return step }
      bert.lowercases = configuration.lowercases ?? bert.lowercases
      bert.stripsAccents = configuration.stripsAccents ?? bert.stripsAccents
      bert.separatesIdeographs = configuration.separatesIdeographs ?? bert.separatesIdeographs
      return .bert(bert)
    }
    return normalizer
  }
}

/// The ids at the ends of a text, as the post-processor of `tokenizer.json` puts them.
private struct SequenceEnds {
  let begin: Int32
  let separator: Int32

  /// Nil where there is no post-processor.
  init?(_ document: DocumentMembers) throws(TokenizerError) {
    guard document.value("post_processor") != nil else { return nil }
    let processor = try document.object("post_processor")
    switch try processor.text("type") {
    case "BertProcessing":
      begin = try Self.lastNumber(processor, "cls")
      separator = try Self.lastNumber(processor, "sep")
    case "TemplateProcessing":
      let single = try Self.template(processor, "single")
      guard single.count == 3, single[1] == nil, let first = single[0], let last = single[2],
        try Self.template(processor, "pair") == [first, nil, last, nil, last]
      else {
        throw processor.error(
          "single", "and pair are not [CLS] text [SEP] and [CLS] text [SEP] text [SEP]")
      }
      let tokens = try processor.object("special_tokens")
      begin = try Self.lastNumber(tokens.object(first), "ids")
      separator = try Self.lastNumber(tokens.object(last), "ids")
    case let type: throw processor.unsupported(type, instead: "TemplateProcessing is")
    }
  }

  /// The names of a template's tokens, nil for each text.
  private static func template(
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
