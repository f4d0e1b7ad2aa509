/// Turns text into ids of a model's vocabulary.
///
/// Whatever a text says, it never becomes a control token. Any number of threads may encode at
/// once, in time linear in the text.
package protocol TextTokenizer: Sendable {
  /// `[CLS]`, which begins a sequence.
  var beginID: Int32 { get }
  /// `[SEP]`, which ends each text of a sequence.
  var separatorID: Int32 { get }
  /// Separators between the texts of a pair: 1, or RoBERTa's 2.
  var pairSeparators: Int { get }
  /// Every id is below it.
  var pieceCount: Int { get }
  /// Longest sequence that the model's files name, in tokens; nil when they name none.
  var lengthMax: Int? { get }
  /// What finds the pieces, such as `WordPiece`.
  var kind: String { get }
  /// Tokens that are matched in texts beside the pieces.
  var addedTokenCount: Int { get }

  /// The ids of a text, without control tokens: `[SEP]` typed by a user is pieces like any other.
  func encode(_ text: String) -> [Int32]
}
