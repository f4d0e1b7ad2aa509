/// Finds the tokenizer in a model's folder.
package enum TokenizerFolder {
  /// The tokenizer of the model in a folder.
  ///
  /// Of several files the one counts that transformers reads: `tokenizer.json`, else `spm.model`,
  /// else `vocab.txt`, else `vocab.json` with `merges.txt`.
  ///
  /// - Parameter foldsText: texts are folded first, see `TextFolding`.
  package static func load(
    _ folder: String, foldsText: Bool
  ) throws(TokenizerError) -> any TextTokenizer {
    let tokenizer = try load(folder)
    return foldsText ? FoldingTokenizer(base: tokenizer) : tokenizer
  }

  /// The tokenizer of the model in a folder, which takes texts as they are.
  package static func load(_ folder: String) throws(TokenizerError) -> any TextTokenizer {
    let configuration = try TokenizerConfiguration(folder: folder)
    func has(_ name: String) -> Bool { TokenizerFile.exists(name, in: folder) }
    if has(TokenizerDocument.fileName) {
      return try TokenizerDocument(configuration).load(folder: folder)
    }
    if has(SentencePieceTokenizer.modelFile) {
      return try SentencePieceTokenizer(folder: folder, configuration)
    }
    if has(WordPieceVocabulary.fileName) {
      return try WordPieceVocabulary.load(folder: folder, configuration)
    }
    if has(BytePairFiles.vocabularyFile) || has(BytePairFiles.mergesFile) {
      return try BytePairFiles.load(folder: folder, configuration)
    }
    throw TokenizerError(
      file: TokenizerDocument.fileName,
      problem: "is missing, as are spm.model, vocab.txt, and vocab.json with merges.txt: copy the "
        + "tokenizer's files of the model that this one was trained from")
  }

  /// The file of a folder that counts; nil where there is none that is read.
  package static func file(in folder: String) -> String? {
    [
      TokenizerDocument.fileName, SentencePieceTokenizer.modelFile, WordPieceVocabulary.fileName,
      BytePairFiles.vocabularyFile,
    ].first { TokenizerFile.exists($0, in: folder) }
  }
}
