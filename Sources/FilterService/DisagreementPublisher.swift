package import Hosting
internal import Kafka
package import Records
internal import Wire

/// Publishes copies of exchanges on which a challenger disagrees, for the labelling service.
///
/// As well as it can: what the brokers do not take in time is counted and left out. It holds up
/// nothing but the thread that calls it.
package final class DisagreementPublisher: Sendable {
  /// An exchange as it was read, and what the two models say of it.
  package struct Item: Hashable, Sendable {
    package let record: InputRecord
    package let disagreement: Disagreement

    package init(record: InputRecord, disagreement: Disagreement) {
      self.record = record
      self.disagreement = disagreement
    }
  }

  /// How long a copy may take to be written.
  private static let timeout = Duration.seconds(5)

  private let producer: KafkaProducer
  private let topic: String

  package init(clients: KafkaClients, topic: String) throws(StartFailure) {
    self.topic = topic
    do throws(KafkaError) {
      producer = try clients.makeProducer(messageTimeout: Self.timeout)
    } catch {
      throw .unavailable(error.description)
    }
  }

  /// Publishes the copies and returns how many could not be written. Blocks.
  package func publish(_ items: [Item]) -> Int {
    var rest = items.map { record(for: $0) }[...]
    var lost = 0
    while !rest.isEmpty {
      var refused: Int?
      do throws(SendFailure) {
        try producer.send(Array(rest), timeout: Self.timeout)
      } catch {
        refused = error.index
      }
      // What is not written by then fails by its own time limit, a moment later.
      try? producer.flush(timeout: Self.timeout * 2)
      lost += producer.deliveryFailures.count
      guard let refused else { return lost }
      lost += 1
      rest = rest.dropFirst(refused + 1)
    }
    return lost
  }

  private func record(for item: Item) -> OutputRecord {
    OutputRecord(
      topic: topic, partition: nil, key: item.record.key, value: item.record.value,
      headers: item.record.headers.withoutOurs + item.disagreement.headers
        + [item.record.timestampHeader].compactMap { $0 })
  }
}
