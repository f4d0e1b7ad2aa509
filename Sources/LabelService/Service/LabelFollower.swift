internal import Datasets
internal import Hosting
internal import Kafka
package import LabelStore
package import Records
internal import Wire

/// Keeps a label store as the labels topic says: labels of other instances come in, and tombstones
/// erase.
///
/// Its group is named in the store itself: a new store reads the topic from its beginning.
package final class LabelFollower: Sendable {
  private static let groupNote = "follower group"

  private let consumer: KafkaConsumer
  private let store: LabelStore
  private let timeToLiveMilliseconds: Int64?

  /// What some records of the topic changed.
  package struct Changes: Hashable, Sendable {
    package var labels = 0
    package var tombstones = 0
    package var erased = 0
    package var unreadable = 0
  }

  init(
    clients: KafkaClients, groupID: String, topic: String, store: LabelStore,
    timeToLiveMilliseconds: Int64?
  ) throws(StartFailure) {
    self.store = store
    self.timeToLiveMilliseconds = timeToLiveMilliseconds
    let suffix: [UInt8]
    do throws(LabelStoreError) {
      suffix = try Self.groupSuffix(store)
    } catch {
      throw .model(error.description)
    }
    let group = "\(groupID)-store-\(String(decoding: suffix, as: UTF8.self))"
    do throws(KafkaError) {
      consumer = try clients.makeReader(of: [topic], group: group)
    } catch {
      throw .unavailable(error.description)
    }
  }

  /// What tells the store's group from those of other stores; made once.
  private static func groupSuffix(_ store: LabelStore) throws(LabelStoreError) -> [UInt8] {
    if let kept = try store.kept(as: groupNote) { return kept }
    let fresh = Array(String(UInt64.random(in: 0 ... .max), radix: 36).utf8)
    try store.keep(fresh, as: groupNote)
    return fresh
  }

  /// Reads what has come and applies it, then commits. Blocks for a short while.
  func follow(nowMilliseconds: Int64) throws(LabelFailure) -> Changes {
    var records: [InputRecord] = []
    do throws(KafkaError) {
      try consumer.pollBatch(into: &records, max: 500, timeout: .milliseconds(200)) { _ in }
    } catch {
      throw .brokers(error.description)
    }
    guard !records.isEmpty else { return Changes() }
    let changes: Changes
    do throws(LabelStoreError) {
      changes = try Self.apply(
        records, to: store, timeToLiveMilliseconds: timeToLiveMilliseconds,
        nowMilliseconds: nowMilliseconds)
    } catch {
      throw .store(error.description)
    }
    var offsets: [TopicPartition: Offset] = [:]
    for record in records { offsets[record.source.topicPartition] = record.source.offset.next }
    // When this fails the same records come again, which changes nothing.
    try? consumer.commit(offsets, timeout: .seconds(10))
    return changes
  }

  func close() { _ = try? consumer.close(timeout: .seconds(5)) { _ in } }

  /// Applies records of the labels topic to a store, in their order.
  package static func apply(
    _ records: [InputRecord], to store: LabelStore, timeToLiveMilliseconds: Int64?,
    nowMilliseconds: Int64
  ) throws(LabelStoreError) -> Changes {
    var changes = Changes()
    var decoder = TeacherLabelDecoder()
    var labels: [TeacherLabel] = []
    for record in records {
      guard let value = record.value else {
        try store.save(
          labels, timeToLiveMilliseconds: timeToLiveMilliseconds, isPublished: true)
        labels.removeAll()
        changes.tombstones += 1
        guard let digest = ContentDigest(key: record.key) else { continue }
        changes.erased += try store.erase(.content(digest)).count
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
    try store.save(labels, timeToLiveMilliseconds: timeToLiveMilliseconds, isPublished: true)
    return changes
  }
}

extension LabelDaemon {
  /// Follows the labels topic until the service is over.
  func follow() {
    while state.withLock({ !$0.isOver && $0.failure == nil }) {
      do throws(LabelFailure) {
        let changes = try follower.follow(nowMilliseconds: wallClockMilliseconds())
        guard changes != LabelFollower.Changes() else { continue }
        state.update { state in
          state.followedLabels += changes.labels
          state.followedTombstones += changes.tombstones
        }
        if changes.unreadable > 0 {
          logger.warning(
            "labels that cannot be read", metadata: ["count": "\(changes.unreadable)"])
        }
      } catch {
        state.update { $0.fail(error) }
      }
    }
    follower.close()
  }
}
