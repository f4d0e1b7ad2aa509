package import Basics
internal import Foundation
internal import GRDB

/// What is to be forgotten.
package enum Erasure: Hashable, Sendable {
  case content(ContentDigest)
  /// Every content that this exchange carried.
  case exchange(String)
  /// Every content that this tenant sent, also those that others sent too.
  case tenant(String)
}

extension LabelStore {
  /// Erases contents with everything that is known of them, and returns their digests: the keys of
  /// the tombstones that erase them from the labels topic.
  ///
  /// The texts are overwritten in the file and the write-ahead log is emptied; while another
  /// process reads, the log is emptied by a later erasure or purge.
  @discardableResult
  package func erase(_ erasure: Erasure) throws(LabelStoreError) -> [ContentDigest] {
    let erased = try write(.erase) { database in
      try Self.erase(database, where: erasure.condition, [erasure.argument])
    }
    if !erased.isEmpty { emptyLog() }
    return erased
  }

  /// Erases labels whose time is over, and contents without any label left; returns the digests of
  /// the contents.
  @discardableResult
  package func purge(nowMilliseconds now: Int64) throws(LabelStoreError) -> [ContentDigest] {
    let erased = try write(.purge) { database in
      try database.execute(sql: "DELETE FROM label WHERE expires_at <= ?", arguments: [now])
      guard database.changesCount > 0 else { return [ContentDigest]() }
      return try Self.erase(
        database, where: "NOT EXISTS (SELECT 1 FROM label WHERE label.content = number)", [])
    }
    if !erased.isEmpty { emptyLog() }
    return erased
  }

  private static func erase(
    _ database: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [ContentDigest] {
    try Data.fetchAll(
      database, sql: "DELETE FROM content WHERE \(condition) RETURNING digest",
      arguments: arguments
    ).compactMap { ContentDigest(bytes: Array($0)) }
  }

  /// Writes the log into the file and cuts it to nothing. Readers can prevent that for a while,
  /// which is no failure.
  private func emptyLog() {
    _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
  }
}
