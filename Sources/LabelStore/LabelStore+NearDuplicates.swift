internal import Datasets
internal import Foundation
internal import GRDB

/// The group that a new content joins.
struct NearGroup {
  /// The number of the group's first content.
  let number: Int64
  let split: Split
}

extension LabelStore {
  /// The least estimated similarity of two near-duplicates.
  package static let nearDuplicateSimilarity = 0.7
  /// Contents that a new one is compared with at most: whoever floods the stream with variations
  /// must not make each of them cost more.
  package static let comparisonsMax = 200

  /// The group of the content that a new one is most like; nil when there is none like it.
  func nearGroup(of summary: MinHash, in database: Database) throws -> NearGroup? {
    let bands = summary.bands.map { Int64(bitPattern: $0) }
    let marks = bands.map { _ in "?" }.joined(separator: ", ")
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT summary, near_group, split FROM content WHERE number IN
          (SELECT DISTINCT content FROM band WHERE hash IN (\(marks)) LIMIT \(Self.comparisonsMax))
        ORDER BY number
        """,
      arguments: StatementArguments(bands))
    var best: (similarity: Double, group: NearGroup)?
    for row in rows {
      let similarity = summary.similarity(toStored: row["summary"])
      guard similarity >= Self.nearDuplicateSimilarity, similarity > best?.similarity ?? 0,
        let split = Split(rawValue: row["split"])
      else { continue }
      best = (similarity, NearGroup(number: row["near_group"], split: split))
    }
    return best?.group
  }

  /// Keeps a content's bands, by which later near-duplicates find it.
  func addBands(of summary: MinHash, content: Int64, in database: Database) throws {
    for band in summary.bands {
      try database.execute(
        sql: "INSERT OR IGNORE INTO band (hash, content) VALUES (?, ?)",
        arguments: [Int64(bitPattern: band), content])
    }
  }
}

extension MinHash {
  /// The values as they are stored, four little-endian bytes each.
  var stored: Data {
    Data(values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } })
  }

  /// The similarity to a summary that was stored; 0 for anything else.
  func similarity(toStored data: Data) -> Double {
    let bytes = Array(data)
    guard bytes.count == Self.width * 4 else { return 0 }
    let equal = values.indices.count { index in
      let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * index + $1]) << (8 * $1) }
      return value == values[index]
    }
    return Double(equal) / Double(Self.width)
  }
}
