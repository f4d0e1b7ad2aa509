import CSentencePiece
import FoundationEssentials
import Glibc

/// The tokenizer of a DeBERTa-v2 or v3 model: `spm.model`, read by libsentencepiece itself, so that
/// pieces are those of the reference for any Unicode text.
///
/// Any number of threads may encode at once.
@safe package final class SentencePieceTokenizer: TextTokenizer, @unchecked Sendable {
  // @unchecked Sendable: the library's processor is only read after loading, which it allows from
  // several threads; it is freed once, by deinit.
  private let pieces: OpaquePointer
  private let controlIDs: [Int32]
  /// How a text of nothing but characters that the vocabulary does not have is encoded.
  let unknownRun: [Int32]
  package let beginID: Int32
  package let separatorID: Int32
  package let pairSeparators = 1
  package let pieceCount: Int
  package let lengthMax: Int?
  package let addedTokenCount: Int
  package var kind: String { "SentencePiece" }
  /// What is done before the library sees a text; nil where nothing is.
  private let preparation: Preparation?

  /// What the model's tokenizer does besides finding pieces.
  private struct Preparation {
    let added: AddedTokens
    let splitsPunctuation: Bool
  }

  static let modelFile = "spm.model"

  /// The tokenizer of the model in a folder.
  package convenience init(folder: String) throws(TokenizerError) {
    try self.init(folder: folder, TokenizerConfiguration(folder: folder))
  }

  /// The tokenizer of the model in a folder with its configuration.
  init(folder: String, _ configuration: TokenizerConfiguration) throws(TokenizerError) {
    lengthMax = configuration.lengthMax
    let data = try TokenizerFile.data(Self.modelFile, in: folder)
    let loaded = unsafe data.withUnsafeBytes { bytes in
      unsafe sluice_pieces_load(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }
    guard let loaded = unsafe loaded else {
      throw TokenizerError(file: Self.modelFile, problem: "is no SentencePiece model")
    }
    unsafe pieces = unsafe loaded
    let controls = ControlTokens(configuration)
    let tokens = configuration.addedTokens ?? []
    func id(_ name: String) -> Int32 {
      if let id = tokens.first(where: { $0.content == name })?.id { return id }
      return unsafe sluice_pieces_id(loaded, name)
    }
    beginID = id(controls.begin)
    separatorID = id(controls.separator)
    let unknown = unsafe sluice_pieces_unknown(loaded)
    controlIDs = controls.all.map(id).filter { $0 >= 0 && $0 != unknown }
    unknownRun = unsafe [sluice_pieces_id(loaded, "\u{2581}"), unknown]
    let owned = tokens.filter { !controls.contains($0.content) && !$0.content.isEmpty }
    addedTokenCount = owned.count
    let ids = owned.compactMap(\.id) + [beginID, separatorID]
    pieceCount = unsafe max(Int(sluice_pieces_count(loaded)), Int(ids.max() ?? 0) + 1)
    let lowercases = configuration.lowercases ?? false
    if owned.isEmpty && !lowercases && !configuration.splitsPunctuation {
      preparation = nil
    } else {
      preparation = Preparation(
        added: AddedTokens(owned) { lowercases ? $0.lowercasedByCharacter : $0 },
        splitsPunctuation: configuration.splitsPunctuation)
    }
    guard beginID >= 0, separatorID >= 0 else {
      throw TokenizerError(
        file: Self.modelFile,
        problem: "has no pieces \(controls.begin) and \(controls.separator), which are this "
          + "model's cls_token and sep_token: take the tokenizer's files all from one model")
    }
  }

  deinit { unsafe sluice_pieces_free(pieces) }

  package func encode(_ text: String) -> [Int32] {
    guard let preparation else { return encodeText(text) }
    return preparation.added.parts(of: text).flatMap { part in
      switch part {
      case .token(let id): [id]
      case .text(let text) where preparation.splitsPunctuation:
        text.splitAtPunctuation.flatMap(encodeText)
      case .text(let text): encodeText(text)
      }
    }
  }

  private func encodeText(_ text: String) -> [Int32] {
    let bytes = text.utf8.span
    return bytes.count > UnknownRuns.partBytes ? encodeInParts(bytes) : encodeWhole(bytes)
  }

  /// The ids of UTF-8 text as the library gives them.
  func encodeWhole(_ text: Span<UInt8>) -> [Int32] {
    unsafe text.withUnsafeBufferPointer { bytes in
      var count = 0
      let ids = unsafe sluice_pieces_encode(
        pieces, bytes.baseAddress, bytes.count, controlIDs, controlIDs.count, &count)
      // The library fails only when memory is exhausted, where nothing else would go on either.
      guard let ids = unsafe ids else { preconditionFailure("sentencepiece ran out of memory") }
      defer { unsafe free(ids) }
      return unsafe Array(UnsafeBufferPointer(start: ids, count: count))
    }
  }
}

extension String {
  /// The text between punctuation, and each punctuation character by itself.
  fileprivate var splitAtPunctuation: [String] {
    var parts: [String] = []
    var rest = unicodeScalars[...]
    while let place = rest.firstIndex(where: \.isPunctuation) {
      if place > rest.startIndex { parts.append(String(rest[..<place])) }
      parts.append(String(rest[place]))
      rest = rest[rest.index(after: place)...]
    }
    if !rest.isEmpty { parts.append(String(rest)) }
    return parts
  }
}

extension Unicode.Scalar {
  /// Whether transformers' own code takes it for punctuation, which goes by today's Unicode.
  fileprivate var isPunctuation: Bool {
    isASCII
      ? ScalarTraits(self).contains(.punctuation) : properties.generalCategory.isPunctuation
  }
}
