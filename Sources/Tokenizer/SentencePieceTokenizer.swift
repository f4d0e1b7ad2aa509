import CSentencePiece
import FoundationEssentials
import Glibc

/// The tokenizer of a DeBERTa-v2 or v3 model: `spm.model`, read by libsentencepiece itself, so that
/// pieces are those of the reference for any Unicode text.
///
/// Any number of threads may encode at once.
@safe package final class SentencePieceTokenizer: @unchecked Sendable {
  // @unchecked Sendable: the library's processor is only read after loading, which it allows from
  // several threads; it is freed once, by deinit.
  private let pieces: OpaquePointer
  private let controlIDs: [Int32]
  /// How a text of nothing but characters that the vocabulary does not have is encoded.
  let unknownRun: [Int32]
  /// `[CLS]`, which begins a sequence.
  package let beginID: Int32
  /// `[SEP]`, which ends each text of a sequence.
  package let separatorID: Int32
  /// Longest sequence that the model's files name, in tokens; nil when they name none.
  package let lengthMax: Int?

  private static let modelFile = "spm.model"

  /// The tokenizer of the model in a folder.
  package init(folder: String) throws(TokenizerError) {
    lengthMax = try TokenizerConfiguration(folder: folder).lengthMax
    let url = URL(filePath: folder).appending(path: Self.modelFile)
    guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
      throw TokenizerError(file: Self.modelFile, problem: "cannot be read")
    }
    let loaded = unsafe data.withUnsafeBytes { bytes in
      unsafe sluice_pieces_load(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }
    guard let loaded = unsafe loaded else {
      throw TokenizerError(file: Self.modelFile, problem: "is no SentencePiece model")
    }
    unsafe pieces = unsafe loaded
    let ids = ["[CLS]", "[SEP]", "[PAD]", "[MASK]"].map { (piece: String) in
      unsafe sluice_pieces_id(loaded, piece)
    }
    beginID = ids[0]
    separatorID = ids[1]
    controlIDs = ids.filter { $0 >= 0 }
    unknownRun = unsafe [sluice_pieces_id(loaded, "\u{2581}"), sluice_pieces_unknown(loaded)]
    guard beginID >= 0, separatorID >= 0 else {
      throw TokenizerError(file: Self.modelFile, problem: "has no pieces [CLS] and [SEP]")
    }
  }

  deinit { unsafe sluice_pieces_free(pieces) }

  /// How many pieces the vocabulary has; every id is below it.
  package var pieceCount: Int { unsafe Int(sluice_pieces_count(pieces)) }

  /// The ids of a text's pieces, without control tokens: whatever the text looks like, `[SEP]`
  /// typed by a user included.
  package func encode(_ text: String) -> [Int32] {
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
