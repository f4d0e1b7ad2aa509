internal import Basics
internal import Pipeline

/// The last dead letters: when, why and from where, never what.
package struct RecentLetters: Sendable {
  package struct Letter: Encodable, Hashable, Sendable {
    /// RFC 3339, UTC.
    let time: String
    let reason: String
    let topic: String
    let partition: Int32
    let offset: Int64
  }

  private static let lettersMax = 20

  /// The last one first.
  private(set) var letters: [Letter] = []

  /// Keeps a record that was committed, if it is one.
  mutating func note(_ item: JudgedItem) {
    guard case .deadLetter(let letter) = item.outcome else { return }
    let source = letter.source
    letters.insert(
      Letter(
        time: Timestamp.text(milliseconds: item.judgedAtMilliseconds),
        reason: letter.reason.rawValue, topic: source.topic,
        partition: source.partition.rawValue, offset: source.offset.rawValue), at: 0)
    if letters.count > Self.lettersMax { letters.removeLast() }
  }
}
