/// A tokenizer that is given texts as they are read: see `TextFolding`.
struct FoldingTokenizer: TextTokenizer {
  let base: any TextTokenizer

  var beginID: Int32 { base.beginID }
  var separatorID: Int32 { base.separatorID }
  var pairSeparators: Int { base.pairSeparators }
  var pieceCount: Int { base.pieceCount }
  var lengthMax: Int? { base.lengthMax }
  var kind: String { base.kind }
  var addedTokenCount: Int { base.addedTokenCount }

  func encode(_ text: String) -> [Int32] { base.encode(TextFolding.folded(text)) }
}
