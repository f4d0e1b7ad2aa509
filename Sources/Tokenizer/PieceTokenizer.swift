/// The tokenizer of a `tokenizer.json` or a `vocab.txt`, with the ids of Hugging Face's tokenizers.
package struct PieceTokenizer: TextTokenizer {
  /// How a normalized text becomes pieces.
  enum Model: Sendable {
    case wordPiece(WordPieceModel)
    case unigram(UnigramModel)
    case bytePairs(BytePairModel)

    /// Its name in `tokenizer.json`.
    var name: String {
      switch self {
      case .wordPiece: "WordPiece"
      case .unigram: "Unigram"
      case .bytePairs: "BPE"
      }
    }
  }

  /// What a file says.
  struct Parts {
    /// The file's name.
    let file: String
    /// Ids of pieces, by their bytes: texts that look the same may be different pieces.
    var pieces: [[UInt8]: Int32]
    /// Added tokens that the file lists itself.
    var listed: [AddedToken] = []
    var normalizer: TextNormalizer
    /// Ids at the ends of texts; nil where their names tell.
    var begin: Int32?
    var separator: Int32?
    /// Separators between the texts of a pair.
    var pairSeparators = 1
  }

  package let beginID: Int32
  package let separatorID: Int32
  package let pairSeparators: Int
  package let pieceCount: Int
  package let lengthMax: Int?
  package let addedTokenCount: Int
  package var kind: String { model.name }
  private let added: AddedTokens
  private let model: Model

  /// - Parameter makeModel: from the pieces that text may become.
  init(
    _ parts: Parts, _ configuration: TokenizerConfiguration, _ controls: ControlTokens,
    _ makeModel: ([[UInt8]: Int32]) throws(TokenizerError) -> Model
  ) throws(TokenizerError) {
    let tokens = try AddedTokens.resolve(
      parts.listed, configuration, file: parts.file, pieces: parts.pieces)
    func id(_ name: String) -> Int32? {
      tokens.first { $0.content == name }?.id ?? parts.pieces[Array(name.utf8)]
    }
    guard let begin = parts.begin ?? id(controls.begin),
      let separator = parts.separator ?? id(controls.separator)
    else {
      throw TokenizerError(
        file: parts.file, problem: "has no pieces \(controls.begin) and \(controls.separator)")
    }
    beginID = begin
    separatorID = separator
    pairSeparators = parts.pairSeparators
    let owned = tokens.filter {
      !controls.contains($0.content) && $0.id != begin && $0.id != separator
    }
    let ids = Array(parts.pieces.values) + owned.compactMap(\.id) + [begin, separator]
    pieceCount = Int(ids.max() ?? 0) + 1
    lengthMax = configuration.lengthMax
    let normalizer = parts.normalizer
    addedTokenCount = owned.count
    added = AddedTokens(owned) { normalizer.apply($0) }
    model = try makeModel(
      parts.pieces.filter {
        !controls.contains($0.key) && $0.value != begin && $0.value != separator
      })
  }

  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    for part in added.parts(of: text) {
      switch part {
      case .token(let id): ids.append(id)
      case .text(let text):
        switch model {
        case .wordPiece(let model): model.encode(text, into: &ids)
        case .unigram(let model): model.encode(text, into: &ids)
        case .bytePairs(let model): model.encode(text, into: &ids)
        }
      }
    }
    return ids
  }
}

extension AddedTokens {
  /// All added tokens of a model with their ids, as Hugging Face's tokenizers give them: that of
  /// the piece with the same text, or the next one behind all pieces.
  ///
  /// - Parameters:
  ///   - listed: those of the tokenizer's file, which the configuration may change.
  ///   - file: the tokenizer's file.
  fileprivate static func resolve(
    _ listed: [AddedToken], _ configuration: TokenizerConfiguration, file: String,
    pieces: [[UInt8]: Int32]
  ) throws(TokenizerError) -> [AddedToken] {
    var tokens = listed
    for token in configuration.addedTokens ?? [] {
      if let index = tokens.firstIndex(where: { $0.content == token.content }) {
        tokens[index] = token
      } else {
        tokens.append(token)
      }
    }
    let named = ControlTokens.roles.compactMap { configuration.roles[$0] }
    for token in named + configuration.specialTokens
    where !tokens.contains(where: { $0.content == token.content }) {
      tokens.append(token.added(id: nil, isSpecial: true))
    }
    tokens.removeAll { $0.content.isEmpty }
    var added: [[UInt8]: Int32] = [:]
    for index in tokens.indices {
      let content = Array(tokens[index].content.utf8)
      let id = pieces[content] ?? added[content] ?? Int32(pieces.count + added.count)
      if pieces[content] == nil { added[content] = id }
      if let declared = tokens[index].id, declared != id {
        throw TokenizerError(
          file: file, problem: "added token \(declared) has the id \(id) by its place")
      }
      tokens[index].id = id
    }
    return tokens
  }
}
