package import Hosting
internal import Kafka
internal import Records
internal import Transport

/// Sends dead letters back to the topics that they came from, or to another one.
///
/// The letters of a batch are one transaction: all of them are sent, or none. Nothing remembers
/// what was replayed, so replaying the same letters again sends them again; a header counts how
/// often.
package struct DeadLetterReplay {
  /// Letters, and their bytes, of one transaction at most.
  package var batchRecordsMax = 500
  package var batchBytesMax = 16 << 20
  /// How often a transaction is tried.
  package var attemptsMax = 3

  private let clients: KafkaClients
  private let letters: DeadLetterTopic
  /// Where to; nil for each letter's own source topic.
  private let target: String?
  private let isDryRun: Bool
  private let shouldStop: () -> Bool

  /// - Parameters:
  ///   - topic: the dead-letter topic.
  ///   - target: where to send the letters; nil for where each came from.
  ///   - isDryRun: reads and counts, and sends nothing.
  ///   - shouldStop: asked between batches.
  package init(
    clients: KafkaClients, topic: String, target: String?, isDryRun: Bool,
    shouldStop: @escaping () -> Bool = { false }
  ) {
    self.clients = clients
    letters = DeadLetterTopic(clients: clients, topic: topic)
    self.target = target
    self.isDryRun = isDryRun
    self.shouldStop = shouldStop
  }

  /// What became of the letters.
  package struct Result: Hashable, Sendable {
    package fileprivate(set) var figures = DeadLetterTopic.Figures()
    /// Letters sent, or in a dry run to be sent, by topic.
    package fileprivate(set) var replayed: [String: Int] = [:]
    package fileprivate(set) var transactions = 0
    /// Letters whose payload was too large for the dead-letter topic, and is lost.
    package fileprivate(set) var withoutPayload = 0
    /// Letters that the broker refuses for their size or content.
    package fileprivate(set) var refused = 0
    /// The letter with most replays, this one included.
    package fileprivate(set) var replaysMax = 0
    package fileprivate(set) var wasStopped = false
    /// Why it ended early; what was sent before stays sent.
    package fileprivate(set) var failure: DeadLetterFailure?
  }

  /// Replays the letters that are meant.
  package func run(_ selection: LetterSelection) -> Result {
    var run = Run(replay: self)
    do throws(DeadLetterFailure) {
      let figures = try letters.read(
        selection, { (stored) throws(DeadLetterFailure) in try run.take(stored) },
        failure: { $0 })
      run.result.figures = figures
      if !run.result.wasStopped { try run.send() }
    } catch {
      run.result.failure = error
    }
    return run.result
  }

  /// A replay at work.
  private struct Run {
    let replay: DeadLetterReplay
    var result = Result()
    private var batch: [OutputRecord] = []
    private var bytes = 0
    private var partitionCounts: [String: Int] = [:]
    private var publisher: TransactionalPublisher<KafkaProducer>?

    init(replay: DeadLetterReplay) { self.replay = replay }

    /// Adds a letter, and sends the batch when it is full; false to stop.
    mutating func take(_ stored: StoredLetter) throws(DeadLetterFailure) -> Bool {
      if stored.lacksPayload {
        result.withoutPayload += 1
        return true
      }
      let size = stored.record.byteCount
      if batch.count >= replay.batchRecordsMax || bytes + size > replay.batchBytesMax {
        try send()
      }
      if replay.shouldStop() {
        result.wasStopped = true
        return false
      }
      let source = stored.letter.source
      let topic = replay.target ?? source.topic
      let count = try partitionCount(of: topic)
      let partition = Partition(source.partition.rawValue % Int32(max(1, count)))
      batch.append(stored.replay(to: topic, partition: partition))
      bytes += size
      result.replaysMax = max(result.replaysMax, stored.replays + 1)
      return true
    }

    /// Sends what is collected, as one transaction.
    mutating func send() throws(DeadLetterFailure) {
      defer {
        batch.removeAll(keepingCapacity: true)
        bytes = 0
      }
      if batch.isEmpty { return }
      if !replay.isDryRun { try publish() }
      for record in batch { result.replayed[record.topic, default: 0] += 1 }
    }

    /// Publishes the batch; records that the broker refuses are taken out of it.
    private mutating func publish() throws(DeadLetterFailure) {
      var attempts = 0
      while !batch.isEmpty {
        do throws(PublishFailure<KafkaError>) {
          try transact(batch)
          result.transactions += 1
          return
        } catch {
          switch error {
          case .rejected(let index, _):
            batch.remove(at: index)
            result.refused += 1
          case .aborted(let cause):
            attempts += 1
            if attempts >= replay.attemptsMax { throw DeadLetterFailure("replaying", cause) }
          case .fatal(let cause): throw DeadLetterFailure("replaying", cause)
          }
        }
      }
    }

    private mutating func transact(_ records: [OutputRecord]) throws(PublishFailure<KafkaError>) {
      let publisher: TransactionalPublisher<KafkaProducer>
      let nobody: ConsumerGroupMetadata
      do throws(KafkaError) {
        if let known = self.publisher {
          publisher = known
        } else {
          publisher = try replay.clients.makeReplayPublisher()
        }
        nobody = try ConsumerGroupMetadata(group: "none")
      } catch {
        throw .fatal(error)
      }
      self.publisher = publisher
      try publisher.publish(records, offsets: [:], as: nobody)
    }

    /// A topic that does not exist must not come into being by a misspelt name.
    private mutating func partitionCount(of topic: String) throws(DeadLetterFailure) -> Int {
      if let known = partitionCounts[topic] { return known }
      do throws(StartFailure) {
        let count = try replay.clients.partitionCounts(of: [topic])[topic] ?? 0
        partitionCounts[topic] = count
        return count
      } catch {
        throw .unavailable(error.description)
      }
    }
  }
}
