internal import Files
internal import Foundation
internal import StrictJSON

/// One line of a registry's `history.jsonl`: who changed what, when and why.
package struct HistoryEntry: Codable, Hashable, Sendable {
  /// What was done.
  package enum Action: String, Codable, Hashable, Sendable {
    case register
    case promote
    case rollback
    case prune
    /// A crash came between a change and its line here; the next writer noted it.
    case recover
  }

  /// UTC, such as `2026-11-24T02:13:05Z`.
  package let time: String
  package let action: Action
  package let version: ModelVersion
  /// The champion before.
  package let previous: ModelVersion?
  package let by: String
  package let reason: String

  init(
    _ action: Action, _ version: ModelVersion, previous: ModelVersion? = nil, by: String,
    reason: String
  ) {
    time = timestamp(Date())
    self.action = action
    self.version = version
    self.previous = previous
    self.by = by
    self.reason = reason
  }

  /// Whether the champion changed.
  var changesChampion: Bool { action == .promote || action == .rollback || action == .recover }

  var line: Data {
    // Strings always encode.
    (try? JSONCoder.line(self)) ?? Data()
  }

  /// The entries of a file, without lines that a crash left unfinished; none without a file.
  static func read(_ path: String) throws(RegistryError) -> [HistoryEntry] {
    let data = try withFileErrors(as: RegistryError.init, try FileContents.read(path)) ?? Data()
    return data.split(separator: 0x0A).compactMap {
      try? JSONCoder.decode(HistoryEntry.self, from: $0)
    }
  }
}
