internal import Basics
internal import Hosting
internal import Kafka
internal import LabelStore
internal import Records
internal import Transport

/// Keeps a label store as the labels topic says: labels of other instances come in, and tombstones
/// erase.
///
/// Its group is named in the store itself: a new store reads the topic from its beginning.
final class LabelFollower: Sendable {
  private static let groupNote = "follower group"

  private let consumer: KafkaConsumer
  private let store: LabelStore
  private let timeToLiveMilliseconds: Int64?

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
  private func readOn(nowMilliseconds: Int64) throws(LabelFailure) -> LabelChanges {
    var records: [InputRecord] = []
    do throws(KafkaError) {
      try consumer.poll(into: &records, max: 500, timeout: .milliseconds(200)) { _ in }
    } catch {
      throw .brokers(error.description)
    }
    guard !records.isEmpty else { return LabelChanges() }
    let changes: LabelChanges
    do throws(LabelStoreError) {
      changes = try store.apply(
        records, timeToLiveMilliseconds: timeToLiveMilliseconds, nowMilliseconds: nowMilliseconds)
    } catch {
      throw .store(error.description)
    }
    var offsets: [TopicPartition: Offset] = [:]
    for record in records { offsets[record.source.topicPartition] = record.source.offset.next }
    // When this fails the same records come again, which changes nothing.
    try? consumer.commit(offsets, timeout: .seconds(10))
    return changes
  }

  /// Follows the labels topic until the service is over.
  func follow(for service: LabelRuntime<some Source, some Sink>) {
    let host = service.host
    while !host.isOver {
      do throws(LabelFailure) {
        let changes = try readOn(nowMilliseconds: host.clock.wallMilliseconds())
        guard changes != LabelChanges() else { continue }
        host.update { core, _ in
          core.followedLabels += changes.labels
          core.followedTombstones += changes.tombstones
        }
        if changes.unreadable > 0 {
          service.logger.warning(
            "labels that cannot be read", metadata: ["count": "\(changes.unreadable)"])
        }
      } catch {
        host.update { core, _ in core.fail(error) }
      }
    }
    _ = try? consumer.close(timeout: .seconds(5)) { _ in }
  }
}
