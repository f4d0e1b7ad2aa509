package import Basics
package import Hosting
internal import Kafka
internal import Records

/// Why dead letters could not be read or replayed.
package enum DeadLetterFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The brokers or a topic (EX_UNAVAILABLE).
  case unavailable(String)

  package var description: String {
    switch self {
    case .unavailable(let text): text
    }
  }

  init(_ step: String, _ error: KafkaError) { self = .unavailable("\(step): \(error)") }
}

/// Reads the dead-letter topic, up to the end that it has at the start.
package struct DeadLetterTopic: Sendable {
  /// How long nothing may come before reading is given up.
  private static let idleMax = Duration.seconds(30)
  /// Records that are held at once.
  private static let batchMax = 500

  private let clients: KafkaClients
  private let topic: String

  package init(clients: KafkaClients, topic: String) {
    self.clients = clients
    self.topic = topic
  }

  /// What was read.
  package struct Figures: Hashable, Sendable {
    /// Dead letters that were meant.
    package fileprivate(set) var selected = 0
    /// Dead letters that were not.
    package fileprivate(set) var passed = 0
    /// Records that are no dead letters.
    package fileprivate(set) var foreign = 0
  }

  /// Calls `body` with each letter that is meant, in order within a partition, until it returns
  /// false.
  @discardableResult
  package func read<Failure: Error>(
    _ selection: LetterSelection, _ body: (StoredLetter) throws(Failure) -> Bool,
    failure: (DeadLetterFailure) -> Failure
  ) throws(Failure) -> Figures {
    var figures = Figures()
    guard selection.limit != 0 else { return figures }
    let reader: TopicReader
    do throws(KafkaError) {
      let start = selection.sinceMilliseconds.map { TopicReader.Start.time(milliseconds: $0) }
      reader = try clients.makeTopicReader(of: [topic], from: start ?? .beginning)
    } catch {
      throw failure(DeadLetterFailure("reading dead letters", error))
    }
    while !reader.isAtEnd {
      var records: [InputRecord] = []
      do throws(KafkaError) {
        try reader.read(into: &records, max: Self.batchMax, timeout: Self.idleMax)
      } catch {
        throw failure(DeadLetterFailure("reading dead letters", error))
      }
      for record in records {
        guard let stored = StoredLetter(record) else {
          figures.foreign += 1
          continue
        }
        guard selection.contains(stored) else {
          figures.passed += 1
          continue
        }
        figures.selected += 1
        guard try body(stored), figures.selected != selection.limit else { return figures }
      }
    }
    return figures
  }
}

extension DeadLetterFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .unavailable: .unavailable
    }
  }
}
