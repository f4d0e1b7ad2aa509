package import Basics
internal import Guard
internal import Hosting
internal import Kafka
internal import Pipeline
internal import Records
internal import Settings
internal import Wire

/// A sample of the last hours' exchanges, judged again by two models.
struct TrafficReplay {
  private(set) var exchanges: [Exchange] = []

  private static let idleMax = Duration.seconds(30)
  private static let judgedTogether = 64

  /// Reads the input topics again, without a group, and keeps a sample that depends only on the
  /// records' positions.
  init(clients: KafkaClients, settings: Settings, gate: GateSettings) throws(RetrainFailure) {
    guard gate.trafficHours > 0 else { return }
    let start = WallClock.milliseconds() - Int64(gate.trafficHours) * 3_600_000
    let topics = settings.inputTopics.filter { !$0.hasPrefix("^") }
    var sample = SmallestHashes<Exchange>(count: gate.trafficRecordsMax)
    var decoder = ExchangeDecoder(
      defaultFormat: settings.wire.inputFormat, conversations: settings.wire.conversations)
    do throws(KafkaError) {
      let reader = try clients.makeTopicReader(of: topics, from: .time(milliseconds: start))
      try reader.readAll(idleMax: Self.idleMax) { records in
        for record in records {
          guard let value = record.value,
            let format = try? decoder.format(of: record.headers),
            let exchange = try? decoder.decode(value.span, as: format)
          else { continue }
          sample.offer(exchange, hash: ContentDigest(of: record.source.description.utf8))
        }
      }
    } catch {
      throw .unavailable("replaying the traffic: \(error)")
    }
    exchanges = sample.elements
  }

  /// How both models decide, each exchange by its tenant's policy.
  func compare(
    champion: GuardModel, candidate: GuardModel, policies: PolicyBook
  ) throws(ClassifierFailure) -> DecisionDifference {
    var result = DecisionDifference()
    var rest = exchanges[...]
    while !rest.isEmpty {
      let some = rest.prefix(Self.judgedTogether)
      rest = rest.dropFirst(some.count)
      let before = try decisions(on: some, of: champion, policies)
      let after = try decisions(on: some, of: candidate, policies)
      for (before, after) in zip(before, after) {
        // What one of them cannot take becomes a dead letter with either.
        guard let before, let after else { continue }
        result.exchanges += 1
        result.changed += before == after ? 0 : 1
        result.flaggedBefore += before ? 1 : 0
        result.flaggedAfter += after ? 1 : 0
      }
    }
    return result
  }

  /// Whether each exchange is flagged; nil where its texts are too long.
  private func decisions(
    on exchanges: some Collection<Exchange>, of model: GuardModel, _ policies: PolicyBook
  ) throws(ClassifierFailure) -> [Bool?] {
    let sequences = exchanges.map { try? model.sequences(for: $0) }
    var judgements = try model.judge(sequences.compactMap { $0 })[...]
    return zip(exchanges, sequences).map { exchange, sequences in
      guard sequences != nil, let judgement = judgements.popFirst() else { return nil }
      return judgement.score.reaches(policies.policy(for: exchange.tenant).threshold)
    }
  }
}

/// The elements with the smallest hashes: a uniform sample, whatever the order of coming.
package struct SmallestHashes<Element> {
  private let count: Int
  private var kept: [(place: Double, element: Element)] = []
  /// Nothing above it can be among the smallest any more.
  private var bound = Double.infinity

  package init(count: Int) { self.count = count }

  package var elements: [Element] {
    kept.sorted { $0.place < $1.place }.prefix(count).map(\.element)
  }

  package mutating func offer(_ element: Element, hash: ContentDigest) {
    let place = hash.fraction
    guard place < bound else { return }
    kept.append((place, element))
    guard kept.count >= 2 * count else { return }
    kept = Array(kept.sorted { $0.place < $1.place }.prefix(count))
    bound = kept.last?.place ?? bound
  }
}
