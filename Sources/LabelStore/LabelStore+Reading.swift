package import Basics
internal import Foundation
internal import GRDB
package import Records

extension LabelStore {
  /// The label of that key; nil when there is none.
  package func label(_ key: LabelKey) throws(LabelStoreError) -> TeacherLabel? {
    try read { database in
      try Row.fetchOne(
        database, sql: Self.selection + " WHERE digest = ? AND teacher = ? AND template = ?",
        arguments: [Data(key.digest.bytes), key.teacher, Data(key.template.bytes)]
      ).map(Self.label)
    }
  }

  /// Labels that the topic does not have yet, oldest first.
  package func unpublished(limit: Int) throws(LabelStoreError) -> [TeacherLabel] {
    try read { database in
      try Row.fetchAll(
        database, sql: Self.selection + " WHERE is_published = 0 ORDER BY content LIMIT ?",
        arguments: [limit]
      ).map(Self.label)
    }
  }

  /// When labels were made since a moment, in milliseconds since 1970, oldest first.
  package func labellingTimes(
    since milliseconds: Int64, limit: Int
  ) throws(LabelStoreError) -> [Int64] {
    try read { database in
      try Int64.fetchAll(
        database,
        sql: "SELECT labelled_at FROM label WHERE labelled_at > ? ORDER BY labelled_at LIMIT ?",
        arguments: [milliseconds, limit])
    }
  }

  /// The value kept under a name; nil when there is none.
  package func kept(as name: String) throws(LabelStoreError) -> [UInt8]? {
    try read { database in
      try Data.fetchOne(database, sql: "SELECT value FROM note WHERE name = ?", arguments: [name])
        .map(Array.init)
    }
  }

  /// How many contents and labels there are, by split.
  package func counts() throws(LabelStoreError) -> LabelCounts {
    try read { database in
      var contents: [Split: Int] = [:]
      let rows = try Row.fetchAll(
        database, sql: "SELECT split, count(*) FROM content GROUP BY split")
      for row in rows {
        if let split = Split(rawValue: row[0]) { contents[split] = row[1] }
      }
      return LabelCounts(
        contents: contents,
        labels: try Int.fetchOne(database, sql: "SELECT count(*) FROM label") ?? 0,
        nearGroups: try Int.fetchOne(
          database, sql: "SELECT count(DISTINCT near_group) FROM content") ?? 0)
    }
  }

  /// Where a content stands: its split and its near-duplicate group; nil when it is not here.
  package func placement(
    of digest: ContentDigest
  ) throws(LabelStoreError) -> (split: Split, nearGroup: Int64)? {
    try read { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT split, near_group FROM content WHERE digest = ?",
        arguments: [Data(digest.bytes)])
      guard let row, let split = Split(rawValue: row[0]) else { return nil }
      return (split, row[1])
    }
  }

  /// Everything of a label; its exchange is the first that carried the content.
  static let selection = """
    SELECT digest, prompt, response, label.*,
      exchange, tenant, topic, partition, offset, near_group
    FROM label JOIN content ON content.number = label.content
    LEFT JOIN occurrence ON occurrence.rowid =
      (SELECT min(rowid) FROM occurrence WHERE occurrence.content = content.number)
    """

  static func label(_ row: Row) -> TeacherLabel {
    var source: SourcePosition?
    if let topic: String = row["topic"], let partition: Int32 = row["partition"],
      let offset: Int64 = row["offset"]
    {
      source = SourcePosition(topic: topic, partition: partition, offset: offset)
    }
    return TeacherLabel(
      id: text(row["exchange"]) ?? "", contentDigest: bytes(row["digest"]),
      prompt: text(row["prompt"]) ?? "", response: text(row["response"]),
      tenant: String?(stored: row["tenant"] ?? Data()),
      teacherScore: Score(Float(row["teacher_score"] as Double)), isUnsafe: row["is_unsafe"],
      teacher: row["teacher"], templateDigest: bytes(row["template"]),
      inclusionProbability: row["inclusion_probability"], stratum: row["stratum"],
      guardModel: text(row["guard_model"]),
      guardScore: (row["guard_score"] as Double?).map { Score(Float($0)) }, source: source,
      labelledAtMilliseconds: row["labelled_at"])
  }

  private static func text(_ value: Data?) -> String? {
    value.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func bytes(_ value: Data) -> [UInt8] { Array(value) }
}

/// How much a store holds.
package struct LabelCounts: Hashable, Sendable {
  package let contents: [Split: Int]
  package let labels: Int
  /// Contents of which none is a near-duplicate of another.
  package let nearGroups: Int

  package init(contents: [Split: Int] = [:], labels: Int = 0, nearGroups: Int = 0) {
    self.contents = contents
    self.labels = labels
    self.nearGroups = nearGroups
  }
}
