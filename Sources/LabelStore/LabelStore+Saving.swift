package import Basics
internal import Datasets
internal import Foundation
internal import GRDB
package import Records

extension LabelStore {
  /// Saves labels in one transaction; each replaces the one of the same content, teacher and
  /// template. A label whose digests have not 32 bytes is refused.
  ///
  /// - Parameters:
  ///   - timeToLiveMilliseconds: counted from the label's own time; nil keeps it for ever.
  ///   - isPublished: whether the labels topic has it. One that is published stays published.
  package func save(
    _ labels: [TeacherLabel], timeToLiveMilliseconds: Int64?, isPublished: Bool
  ) throws(LabelStoreError) {
    try write(.save) { database in
      for label in labels {
        let content = try content(of: label, in: database)
        try insert(label, content, timeToLiveMilliseconds, isPublished, database)
        try note(
          Occurrence(exchange: label.id, tenant: label.tenant, source: label.source),
          content: content, in: database)
      }
    }
  }

  /// Notes that an exchange carried a content that is labelled already, so that its erasure finds
  /// the content. Contents that are not here are ignored.
  package func note(
    _ occurrence: Occurrence, of digest: ContentDigest
  ) throws(LabelStoreError) {
    try write(.save) { database in
      let number = try Int64.fetchOne(
        database, sql: "SELECT number FROM content WHERE digest = ?",
        arguments: [Data(digest.bytes)])
      if let number { try note(occurrence, content: number, in: database) }
    }
  }

  /// Notes that the labels topic has these labels.
  package func markPublished(_ keys: [LabelKey]) throws(LabelStoreError) {
    try write(.save) { database in
      for key in keys {
        try database.execute(
          sql: """
            UPDATE label SET is_published = 1 WHERE teacher = ? AND template = ?
              AND content = (SELECT number FROM content WHERE digest = ?)
            """,
          arguments: [key.teacher, Data(key.template.bytes), Data(key.digest.bytes)])
      }
    }
  }

  /// Keeps a small value under a name, such as the state of an estimate.
  package func keep(_ value: [UInt8], as name: String) throws(LabelStoreError) {
    try write(.save) { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)",
        arguments: [name, Data(value)])
    }
  }

  private func content(of label: TeacherLabel, in database: Database) throws -> Int64 {
    guard let digest = label.key?.digest else {
      throw LabelStoreError(.save, path: path, reason: "a digest has not 32 bytes")
    }
    let known = try Int64.fetchOne(
      database, sql: "SELECT number FROM content WHERE digest = ?",
      arguments: [Data(digest.bytes)])
    if let known { return known }
    let summary = MinHash(prompt: label.prompt, response: label.response)
    let group = try nearGroup(of: summary, in: database)
    try database.execute(
      sql: """
        INSERT INTO content (digest, prompt, response, summary, near_group, split)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        Data(digest.bytes), Data(label.prompt.utf8), label.response.map { Data($0.utf8) },
        summary.stored, group?.number ?? 0,
        group?.split.rawValue ?? shares.split(of: digest).rawValue,
      ])
    let number = database.lastInsertedRowID
    if group == nil {
      try database.execute(
        sql: "UPDATE content SET near_group = number WHERE number = ?", arguments: [number])
    }
    try addBands(of: summary, content: number, in: database)
    return number
  }

  private func insert(
    _ label: TeacherLabel, _ content: Int64, _ timeToLive: Int64?, _ isPublished: Bool,
    _ database: Database
  ) throws {
    let (end, overflow) = label.labelledAtMilliseconds.addingReportingOverflow(timeToLive ?? .max)
    try database.execute(
      sql: """
        INSERT INTO label (content, teacher, template, teacher_score, is_unsafe,
          inclusion_probability, stratum, guard_model, guard_score, labelled_at, expires_at,
          is_published)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (content, teacher, template) DO UPDATE SET
          teacher_score = excluded.teacher_score, is_unsafe = excluded.is_unsafe,
          inclusion_probability = excluded.inclusion_probability, stratum = excluded.stratum,
          guard_model = excluded.guard_model, guard_score = excluded.guard_score,
          labelled_at = excluded.labelled_at, expires_at = excluded.expires_at,
          is_published = max(is_published, excluded.is_published)
        """,
      arguments: [
        content, label.teacher, Data(label.templateDigest), Double(label.teacherScore.rawValue),
        label.isUnsafe, label.inclusionProbability, label.stratum,
        label.guardModel.map { Data($0.utf8) }, label.guardScore.map { Double($0.rawValue) },
        label.labelledAtMilliseconds, overflow || timeToLive == nil ? Int64.max : end,
        isPublished,
      ])
  }

  private func note(_ occurrence: Occurrence, content: Int64, in database: Database) throws {
    let count = try Int.fetchOne(
      database, sql: "SELECT count(*) FROM occurrence WHERE content = ?", arguments: [content])
    guard (count ?? 0) < Self.occurrencesMax else { return }
    try database.execute(
      sql: """
        INSERT OR IGNORE INTO occurrence (content, exchange, tenant, topic, partition, offset)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        content, Data(occurrence.exchange.utf8), occurrence.tenant.stored,
        occurrence.source?.topic, occurrence.source?.partition.rawValue,
        occurrence.source?.offset.rawValue,
      ])
  }
}

/// One exchange that carried a content.
package struct Occurrence: Hashable, Sendable {
  package let exchange: String
  package let tenant: String?
  package let source: SourcePosition?

  package init(exchange: String, tenant: String?, source: SourcePosition?) {
    self.exchange = exchange
    self.tenant = tenant
    self.source = source
  }
}

extension String? {
  /// A tenant as it is stored: a byte that tells none from an empty name, then the name.
  var stored: Data { map { Data([1]) + Data($0.utf8) } ?? Data([0]) }

  /// The tenant that was stored so.
  init(stored: Data) {
    self = stored.first == 1 ? String(decoding: stored.dropFirst(), as: UTF8.self) : nil
  }
}
