package import Basics
internal import GRDB
package import Records

/// Teacher labels in one SQLite file (WAL): one process writes while others read.
///
/// Calls block and may come from any thread but Swift's cooperative pool. A label is identified by
/// content, teacher and template; saving it again replaces it. Erased texts are overwritten in the
/// file, and the write-ahead log is emptied.
package final class LabelStore: Sendable {
  /// How the file is used.
  package enum Access: Hashable, Sendable {
    case readWrite
    /// The file must exist.
    case readOnly
  }

  /// Exchanges remembered for one content: popular texts come again and again.
  package static let occurrencesMax = 1000

  package let path: String
  let shares: SplitShares
  let pool: DatabasePool

  /// Opens the file, or makes it, brings its tables up to date, and checks it.
  ///
  /// - Throws: when it cannot be opened, is damaged, is of a newer version, or is something else.
  package init(
    path: String, access: Access = .readWrite, shares: SplitShares = SplitShares()
  ) throws(LabelStoreError) {
    self.path = path
    self.shares = shares
    var configuration = Configuration()
    configuration.label = "labels"
    configuration.readonly = access == .readOnly
    configuration.busyMode = .timeout(10)
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { database in
      // A commit that is answered survives a power failure: offsets are committed after it.
      try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
    }
    do {
      pool = try DatabasePool(path: path, configuration: configuration)
    } catch {
      throw LabelStoreError(.open, path: path, error)
    }
    try check()
    if access == .readWrite { try migrate() } else { try requireCurrentSchema() }
    try checkSchema()
  }

  private func check() throws(LabelStoreError) {
    let identifier: Int32?
    let tables: Int?
    let verdict: String?
    do {
      (identifier, tables, verdict) = try pool.read { database in
        (
          try Int32.fetchOne(database, sql: "PRAGMA application_id"),
          try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema"),
          try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
        )
      }
    } catch {
      throw LabelStoreError(.check, path: path, error)
    }
    guard verdict == "ok" else { throw LabelStoreError(damaged: path) }
    if identifier != Schema.applicationIdentifier, tables != 0 {
      throw LabelStoreError(.check, path: path, reason: "the file is not a label store")
    }
  }

  /// Whoever reads rows relies on what the tables say of them, which a changed byte may have made
  /// another thing that SQLite finds sound.
  private func checkSchema() throws(LabelStoreError) {
    let expected: [String]
    do {
      expected = try Schema.expected()
    } catch {
      throw LabelStoreError(.check, path: path, error)
    }
    guard try read({ try Schema.statements(of: $0) }) == expected else {
      throw LabelStoreError(damaged: path)
    }
  }

  private func migrate() throws(LabelStoreError) {
    try refuseNewer()
    do {
      try pool.writeWithoutTransaction { database in
        try database.execute(sql: "PRAGMA application_id = \(Schema.applicationIdentifier)")
      }
      try Schema.migrator.migrate(pool)
    } catch {
      throw LabelStoreError(.migrate, path: path, error)
    }
  }

  private func refuseNewer() throws(LabelStoreError) {
    let isNewer = try read { try Schema.migrator.hasBeenSuperseded($0) }
    if isNewer {
      throw LabelStoreError(
        .migrate, path: path, reason: "the file was written by a newer version of this program")
    }
  }

  private func requireCurrentSchema() throws(LabelStoreError) {
    try refuseNewer()
    let isCurrent = try read { try Schema.migrator.hasCompletedMigrations($0) }
    if !isCurrent {
      throw LabelStoreError(
        .migrate, path: path, reason: "the file has to be opened for writing once")
    }
  }

  // MARK: Access for the extensions

  func read<Value>(_ body: (Database) throws -> Value) throws(LabelStoreError) -> Value {
    do {
      return try pool.read(body)
    } catch {
      throw LabelStoreError(.read, path: path, error)
    }
  }

  func write<Value>(
    _ operation: LabelStoreError.Operation, _ body: (Database) throws -> Value
  ) throws(LabelStoreError) -> Value {
    do {
      return try pool.write(body)
    } catch {
      throw LabelStoreError(operation, path: path, error)
    }
  }
}

/// What identifies a label.
package struct LabelKey: Hashable, Sendable {
  package let digest: ContentDigest
  package let teacher: String
  package let template: ContentDigest

  package init(digest: ContentDigest, teacher: String, template: ContentDigest) {
    self.digest = digest
    self.teacher = teacher
    self.template = template
  }
}

extension TeacherLabel {
  /// What identifies the label; nil when a digest has not 32 bytes.
  package var key: LabelKey? {
    guard let digest = ContentDigest(bytes: contentDigest),
      let template = ContentDigest(bytes: templateDigest)
    else { return nil }
    return LabelKey(digest: digest, teacher: teacher, template: template)
  }
}
