import FoundationEssentials
internal import StrictJSON

/// Reads `tokenizer.json`, which holds a whole tokenizer as Hugging Face's tokenizers write it:
/// BERT's WordPiece, DeBERTa's Unigram or RoBERTa's BPE. Anything else is refused by its place and
/// kind.
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
    parts.pairSeparators = ends?.pairSeparators ?? 1
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
    case "BPE":
      parts.pieces = try wordPieces(model)
      return try bytePairs(parts, model, document)
    case let type: throw model.unsupported(type, instead: "WordPiece, Unigram and BPE are")
    }
  }

  private func bytePairs(
    _ parts: PieceTokenizer.Parts, _ model: DocumentMembers, _ document: DocumentMembers
  ) throws(TokenizerError) -> PieceTokenizer {
    let words = try WordSplit.byteLevel(document, configuration)
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
      guard try model.text(name) ?? "" == "" else {
        throw model.error(name, "is not supported")
      }
    }
    if let dropout = model.value("dropout"), Double(dropout.text) != 0 {
      throw model.error("dropout", "is not supported: pieces would be drawn")
    }
    if try model.flag("ignore_merges") == true {
      throw model.error("ignore_merges", "= true is not supported")
    }
    let merges = try merges(model)
    let file = parts.file
    let vocabulary = parts.pieces
    return try PieceTokenizer(parts, configuration, controls) { (pieces) throws(TokenizerError) in
      .bytePairs(
        try BytePairModel(
          pieces: pieces, vocabulary: vocabulary, merges: merges, words: words, file: file))
    }
  }

  /// Pairs of pieces, each written as one text or as two.
  private func merges(
    _ model: DocumentMembers
  ) throws(TokenizerError) -> [BytePairModel.Merge] {
    var merges: [BytePairModel.Merge] = []
    for (index, value) in try model.list("merges").enumerated() {
      let parts = value.children.map { Array($0.text.utf8) }
      let merge =
        value.kind == .text
        ? BytePairModel.Merge(Array(value.text.utf8))
        : parts.count == 2 ? BytePairModel.Merge(left: parts[0], right: parts[1]) : nil
      guard let merge else { throw model.error("merges[\(index)]", "is not two pieces") }
      merges.append(merge)
    }
    return merges
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
    return try Self.pieces(vocabulary) { model.error("vocab", $0) }
  }

  /// The ids of an object's names.
  static func pieces(
    _ vocabulary: JSONValue, _ failure: (String) -> TokenizerError
  ) throws(TokenizerError) -> [[UInt8]: Int32] {
    var pieces: [[UInt8]: Int32] = [:]
    for value in vocabulary.children {
      guard let id = Int32(value.text), id >= 0 else {
        throw failure("has an id that is no number")
      }
      guard pieces.updateValue(id, forKey: Array(value.name.utf8)) == nil else {
        throw failure("has a piece twice (id \(id))")
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
