internal import GRDB
internal import Records

/// The group that a new content joins.
struct NearGroup {
  /// The number of the group's first content; nil when the new one begins a group.
  var number: Int64?
  var split: Split?
  /// The content's own hashes, by band.
  var bands: [Int64] = []
}

extension LabelStore {
  /// The group of the contents that are nearly the same as a new one.
  func nearGroup(of label: TeacherLabel, in database: Database) throws -> NearGroup {
    NearGroup()
  }

  /// Keeps a content's bands, by which later near-duplicates find it.
  func addBands(_ bands: [Int64], of content: Int64, in database: Database) throws {
    for (band, hash) in bands.enumerated() {
      try database.execute(
        sql: "INSERT OR IGNORE INTO band (band, hash, content) VALUES (?, ?, ?)",
        arguments: [band, hash, content])
    }
  }
}
