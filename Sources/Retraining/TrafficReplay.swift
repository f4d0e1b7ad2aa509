internal import Basics
package import Guard
package import Hosting
internal import Kafka
package import Pipeline
package import Records
package import Settings
package import Wire

/// A sample of the last hours' exchanges, judged again by two models.
package struct TrafficReplay: Sendable {
  package private(set) var exchanges: [Exchange] = []

  private static let idleMax = Duration.seconds(30)
  private static let judgedTogether = 64

  package init(_ exchanges: [Exchange]) { self.exchanges = exchanges }

  /// Reads the input topics again, without a group, and keeps a sample that depends only on the
  /// records' positions.
  package init(
    clients: KafkaClients, settings: Settings, gate: GateSettings
  ) throws(RetrainFailure) {
    guard gate.trafficHours > 0 else { return }
    let start = WallClock.milliseconds() - Int64(gate.trafficHours) * 3_600_000
    var sample = TrafficSample(
      count: gate.trafficRecordsMax,
      decoder: ExchangeDecoder(
        defaultFormat: settings.wire.inputFormat, conversations: settings.wire.conversations))
    do throws(KafkaError) {
      let reader = try clients.makeTopicReader(
        of: settings.inputTopics, from: .time(milliseconds: start))
      try reader.readAll(idleMax: Self.idleMax) { records in
        for record in records { sample.offer(record) }
      }
    } catch {
      throw .unavailable("replaying the traffic: \(error)")
    }
    exchanges = sample.exchanges
  }

  /// How both models decide, each exchange by its tenant's policy.
  package func compare(
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
      return policies.policy(for: exchange.tenant).decide(judgement).action != .allow
    }
  }
}

/// The exchanges whose positions have the smallest hashes: a uniform sample, whatever the order of
/// coming.
package struct TrafficSample: ~Copyable {
  private let count: Int
  private var decoder: ExchangeDecoder
  private var kept: [(place: Double, exchange: Exchange)] = []
  /// Nothing above it can be among the smallest any more.
  private var bound = Double.infinity

  package init(count: Int, decoder: consuming ExchangeDecoder) {
    self.count = count
    self.decoder = decoder
  }

  package var exchanges: [Exchange] { smallest.map(\.exchange) }
  private var smallest: [(place: Double, exchange: Exchange)] {
    Array(kept.sorted { $0.place < $1.place }.prefix(count))
  }

  /// One more record; what cannot be read is passed over.
  package mutating func offer(_ record: InputRecord) {
    let place = ContentDigest(of: record.source.description.utf8).fraction
    guard place < bound, let value = record.value,
      let format = try? decoder.format(of: record.headers),
      let exchange = try? decoder.decode(value.span, as: format)
    else { return }
    kept.append((place, exchange))
    guard kept.count >= 2 * count else { return }
    kept = smallest
    bound = kept.last?.place ?? bound
  }
}
