/// BERT's `vocab.txt`: a piece a line, whose number is its id.
enum WordPieceVocabulary {
  static let fileName = "vocab.txt"

  /// The tokenizer in a folder, with the switches of `tokenizer_config.json`.
  static func load(
    folder: String, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) -> PieceTokenizer {
    let data = try TokenizerFile.data(fileName, in: folder)
    guard let text = String(validating: data, as: UTF8.self) else {
      throw TokenizerError(file: fileName, problem: "is no UTF-8")
    }
    let controls = ControlTokens(configuration)
    // Of two equal lines the last counts.
    let pieces = Dictionary(
      lines(of: text).enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { _, last in last })
    guard let unknown = pieces[Array(controls.unknown.utf8)] else {
      throw TokenizerError(file: fileName, problem: "has no piece \(controls.unknown)")
    }
    let bert = BertNormalizer(
      separatesIdeographs: configuration.separatesIdeographs ?? true,
      stripsAccents: configuration.stripsAccents, lowercases: configuration.lowercases ?? true)
    let parts = PieceTokenizer.Parts(
      file: fileName, pieces: pieces, normalizer: TextNormalizer(steps: [.bert(bert)]))
    return try PieceTokenizer(parts, configuration, controls) { pieces in
      .wordPiece(
        WordPieceModel(
          pieces: pieces, prefix: "##", unknownID: unknown, charactersMax: charactersMax))
    }
  }

  /// Longer words are unknown.
  private static let charactersMax = 100

  /// The lines of a text, with any of the usual ends.
  private static func lines(of text: String) -> [[UInt8]] {
    var lines = text.split(omittingEmptySubsequences: false) {
      $0 == "\n" || $0 == "\r" || $0 == "\r\n"
    }
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { Array($0.utf8) }
  }
}
