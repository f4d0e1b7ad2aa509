internal import StrictJSON

/// RoBERTa's tokenizer in two files: `vocab.json`, ids by piece, and `merges.txt`, a pair a line.
enum BytePairFiles {
  static let vocabularyFile = "vocab.json"
  static let mergesFile = "merges.txt"

  /// The tokenizer in a folder, as `RobertaTokenizer` reads it.
  static func load(
    folder: String, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) -> PieceTokenizer {
    guard configuration.isRoberta else {
      throw TokenizerError(
        file: vocabularyFile,
        problem: "is read for the tokenizer_class RobertaTokenizer only; others need a "
          + TokenizerDocument.fileName)
    }
    var parts = PieceTokenizer.Parts(
      file: vocabularyFile, pieces: try pieces(folder), normalizer: TextNormalizer(steps: []))
    parts.pairSeparators = 2
    let vocabulary = parts.pieces
    let merges = try merges(folder)
    let controls = ControlTokens(configuration, begin: "<s>", separator: "</s>")
    return try PieceTokenizer(parts, configuration, controls) { (pieces) throws(TokenizerError) in
      .bytePairs(
        try BytePairModel(
          pieces: pieces, vocabulary: vocabulary, merges: merges,
          words: ByteLevelSplit(addsSpace: configuration.addsPrefixSpace), file: mergesFile))
    }
  }

  private static func pieces(_ folder: String) throws(TokenizerError) -> [[UInt8]: Int32] {
    let bytes = Array(try TokenizerFile.data(vocabularyFile, in: folder))
    func failure(_ problem: String) -> TokenizerError {
      TokenizerError(file: vocabularyFile, problem: problem)
    }
    var parser = JSONParser()
    return try parser.parse(bytes.span, malformed: failure) { (value) throws(TokenizerError) in
      try TokenizerDocument.pieces(value, failure)
    }
  }

  /// As transformers reads the file: the first line is a comment, and what no line end ends is no
  /// line.
  private static func merges(_ folder: String) throws(TokenizerError) -> [BytePairModel.Merge] {
    let data = try TokenizerFile.data(mergesFile, in: folder)
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var merges: [BytePairModel.Merge] = []
    for (number, line) in lines.dropLast().enumerated().dropFirst() {
      guard let merge = BytePairModel.Merge(Array(line)) else {
        throw TokenizerError(file: mergesFile, problem: "line \(number + 1) is not two pieces")
      }
      merges.append(merge)
    }
    return merges
  }
}

extension BytePairModel.Merge {
  /// Two pieces with a space between them; nil for anything else.
  init?(_ text: [UInt8]) {
    let parts = text.split(
      separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    self.init(left: Array(parts[0]), right: Array(parts[1]))
  }
}
