internal import Basics
internal import Foundation
package import Hosting
internal import Kafka
package import LabelStore
internal import Records
package import Settings
internal import StrictJSON

/// Brings the retrain job's own copy of the labels up to the end of their topic.
package struct LabelSync: Sendable {
  private static let positionsNote = "retrain positions"
  private static let idleMax = Duration.seconds(30)
  private static let batchMax = 500

  private let clients: KafkaClients
  private let store: LabelStore
  private let label: LabelSettings

  package init(clients: KafkaClients, store: LabelStore, label: LabelSettings) {
    self.clients = clients
    self.store = store
    self.label = label
  }

  /// A position as the store keeps it.
  private struct Position: Codable {
    let topic: String
    let partition: Int32
    let next: Int64
  }

  /// Reads on from where the last sync ended; applying a record again changes nothing, so a kill
  /// anywhere costs at most some reading.
  package func run() throws(RetrainFailure) -> LabelChanges {
    var changes = LabelChanges()
    let reader = try reader()
    while !reader.isAtEnd {
      let batch = try next(of: reader)
      changes += try storing { () throws(LabelStoreError) -> LabelChanges in
        let changes = try store.apply(
          batch, timeToLiveMilliseconds: label.timeToLiveMilliseconds,
          nowMilliseconds: WallClock.milliseconds())
        try keep(reader.positions)
        return changes
      }
    }
    _ = try storing { () throws(LabelStoreError) -> [ContentDigest] in
      try store.purge(nowMilliseconds: WallClock.milliseconds())
    }
    return changes
  }

  private func reader() throws(RetrainFailure) -> TopicReader {
    let starts = try storing { () throws(LabelStoreError) -> [TopicPartition: Offset] in
      try positions()
    }
    do throws(KafkaError) {
      return try clients.makeTopicReader(of: [label.topic], from: .offsets(starts))
    } catch {
      throw .unavailable("reading the labels: \(error)")
    }
  }

  private func next(of reader: TopicReader) throws(RetrainFailure) -> [InputRecord] {
    var batch: [InputRecord] = []
    do throws(KafkaError) {
      try reader.read(into: &batch, max: Self.batchMax, timeout: Self.idleMax)
    } catch {
      throw .unavailable("reading the labels: \(error)")
    }
    return batch
  }

  private func positions() throws(LabelStoreError) -> [TopicPartition: Offset] {
    guard let note = try store.kept(as: Self.positionsNote),
      let kept = try? JSONCoder.decode([Position].self, from: note)
    else { return [:] }
    return Dictionary(
      kept.map {
        (TopicPartition(topic: $0.topic, partition: Partition($0.partition)), Offset($0.next))
      }, uniquingKeysWith: { _, last in last })
  }

  private func keep(_ positions: [TopicPartition: Offset]) throws(LabelStoreError) {
    let kept = positions.map { partition, offset in
      Position(
        topic: partition.topic, partition: partition.partition.rawValue, next: offset.rawValue)
    }
    // Numbers and topic names always encode.
    guard let note = try? JSONCoder.encode(kept) else { return }
    try store.keep(Array(note), as: Self.positionsNote)
  }

  private func storing<Value>(
    _ body: () throws(LabelStoreError) -> Value
  ) throws(RetrainFailure) -> Value {
    do throws(LabelStoreError) {
      return try body()
    } catch {
      throw RetrainFailure(error)
    }
  }
}
