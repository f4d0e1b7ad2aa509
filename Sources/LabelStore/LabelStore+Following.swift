internal import Basics
package import Records
internal import Wire

/// What some records of the labels topic changed.
package struct LabelChanges: Hashable, Sendable {
  package var labels = 0
  package var tombstones = 0
  package var erased = 0
  package var unreadable = 0

  package init() {}

  package static func += (left: inout Self, right: Self) {
    left.labels += right.labels
    left.tombstones += right.tombstones
    left.erased += right.erased
    left.unreadable += right.unreadable
  }
}

extension LabelStore {
  /// Applies records of the labels topic in their order: labels are saved, tombstones erase. The
  /// same records may be applied again.
  package func apply(
    _ records: [InputRecord], timeToLiveMilliseconds: Int64?, nowMilliseconds: Int64
  ) throws(LabelStoreError) -> LabelChanges {
    var changes = LabelChanges()
    var decoder = TeacherLabelDecoder()
    var labels: [TeacherLabel] = []
    for record in records {
      guard let value = record.value else {
        try save(labels, timeToLiveMilliseconds: timeToLiveMilliseconds, isPublished: true)
        labels.removeAll()
        changes.tombstones += 1
        guard let digest = ContentDigest(key: record.key) else { continue }
        changes.erased += try erase(.content(digest)).count
        continue
      }
      guard let label = try? decoder.decode(value, headers: record.headers),
        let digest = label.key?.digest,
        digest == ContentDigest(prompt: label.prompt, response: label.response)
      else {
        changes.unreadable += 1
        continue
      }
      if let timeToLiveMilliseconds,
        nowMilliseconds - label.labelledAtMilliseconds >= timeToLiveMilliseconds
      {
        continue
      }
      changes.labels += 1
      labels.append(label)
    }
    try save(labels, timeToLiveMilliseconds: timeToLiveMilliseconds, isPublished: true)
    return changes
  }
}

extension ContentDigest {
  /// The digest that a record's key names; nil for any other key.
  package init?(key: [UInt8]?) {
    guard let key else { return nil }
    self.init(hexadecimal: String(decoding: key, as: UTF8.self))
  }
}
