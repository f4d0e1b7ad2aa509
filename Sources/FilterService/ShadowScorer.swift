internal import Basics
package import Guard
internal import Hosting
package import Pipeline
package import Records
package import Settings
internal import Threading
package import Wire

/// Lets a challenger score a share of what was judged, and keeps count of where the two differ.
///
/// It sees records after their commit, in a queue of its own with a limit, on a thread of its own:
/// nothing that it does or fails to do touches a verdict.
package final class ShadowScorer: Sendable {
  private struct Waiting: Sendable {
    let record: InputRecord
    let format: PayloadFormat
    /// As the model that judged had them cut.
    let exchange: PreparedExchange
    let score: Score
    let isFlagged: Bool
    let policy: Policy
    let model: String

    /// With four bytes a token.
    var byteCount: Int { record.byteCount + 4 * exchange.sequences.tokens }
  }

  private struct State: Sendable {
    var queue: [Waiting] = []
    var bytes = 0
    var isOver = false
    var figures = ShadowFigures()
  }

  private let settings: ShadowSettings
  private let conversations: ConversationRules
  private let target: @Sendable () -> String?
  private let load: @Sendable (String) throws(GuardModelFailure) -> any StreamModel
  private let pollInterval: Duration?
  private let report: @Sendable (ModelReplacement.Event) -> Void
  private let publish: @Sendable ([DisagreementPublisher.Item]) -> Int
  private let state = Monitor(State())

  /// Records that the challenger is given at once.
  private static let batchRecordsMax = 32

  /// - Parameters:
  ///   - target: the folder to which the challenger's path leads now.
  ///   - load: makes the challenger of a folder ready.
  ///   - pollInterval: how often to ask for the target; nil only at the start.
  ///   - publish: takes exchanges on which the two disagree, and returns how many were lost.
  package init(
    settings: ShadowSettings, conversations: ConversationRules = ConversationRules(),
    target: @escaping @Sendable () -> String?,
    load: @escaping @Sendable (String) throws(GuardModelFailure) -> any StreamModel,
    pollInterval: Duration?, report: @escaping @Sendable (ModelReplacement.Event) -> Void,
    publish: @escaping @Sendable ([DisagreementPublisher.Item]) -> Int = { _ in 0 }
  ) {
    self.settings = settings
    self.conversations = conversations
    self.target = target
    self.load = load
    self.pollInterval = pollInterval
    self.report = report
    self.publish = publish
  }

  package var figures: ShadowFigures { state.withLock { $0.figures } }

  /// Takes the challenger's share of a committed transaction; never blocks.
  package func observe(_ transaction: Transaction) {
    var chosen: [Waiting] = []
    for item in transaction.items {
      guard case .judged(let judged) = item.outcome,
        item.item.record.source.fraction < settings.share
      else { continue }
      chosen.append(
        Waiting(
          record: item.item.record, format: item.format, exchange: judged.exchange,
          score: judged.judgement.score, isFlagged: judged.decision.action != .allow,
          policy: item.policy, model: item.model))
    }
    guard !chosen.isEmpty else { return }
    state.update { state in
      for waiting in chosen {
        let size = waiting.byteCount
        if state.figures.challenger == nil || state.queue.count >= settings.queueRecordsMax
          || state.bytes + size > settings.queueBytesMax
        {
          state.figures.dropped += 1
          continue
        }
        state.queue.append(waiting)
        state.bytes += size
      }
    }
  }

  /// Scores until `stop`. Blocks; call it on a thread of its own.
  package func run() {
    var decoder = ExchangeDecoder(defaultFormat: .json, conversations: conversations)
    var folder: String? = ""  // Unlike every target, so that the first one is looked at.
    var model: (any StreamModel)?
    while !state.withLock({ $0.isOver }) {
      let wanted = target()
      if wanted != folder {
        folder = wanted
        model = challenger(in: wanted)
        returnFreedMemory()
      }
      score(nextBatch(), with: model, &decoder)
    }
  }

  /// Lets `run` return after its present batch.
  package func stop() { state.update { $0.isOver = true } }

  private func challenger(in folder: String?) -> (any StreamModel)? {
    state.update { state in
      state.figures = ShadowFigures(dropped: state.figures.dropped)
      state.queue.removeAll()
      state.bytes = 0
    }
    guard let folder else {
      report(.refused(reason: "the shadow's path leads nowhere", staying: "none"))
      return nil
    }
    do throws(GuardModelFailure) {
      let start = Instant.now
      let model = try load(folder)
      state.update { $0.figures.challenger = model.model }
      let seconds = Instant.now.seconds(since: start)
      report(.replaced(old: "none", new: model.model, seconds: seconds))
      return model
    } catch {
      report(.refused(reason: error.description, staying: "none"))
      return nil
    }
  }

  /// What waits, at most one batch; empty when it is time to look where the path leads.
  private func nextBatch() -> [Waiting] {
    let pollInterval = pollInterval
    let deadline = pollInterval.map { ContinuousClock.now + $0 }
    return state.wait { state -> Monitor<State>.WaitStep<[Waiting]> in
      if state.isOver { return .done([]) }
      if !state.queue.isEmpty {
        let batch = Array(state.queue.prefix(Self.batchRecordsMax))
        state.queue.removeFirst(batch.count)
        state.bytes -= batch.reduce(0) { $0 + $1.byteCount }
        return .done(batch)
      }
      guard let deadline else { return .sleep(atMost: nil) }
      let now = ContinuousClock.now
      return now >= deadline ? .done([]) : .sleep(atMost: deadline - now)
    }
  }

  private func score(
    _ batch: [Waiting], with model: (any StreamModel)?, _ decoder: inout ExchangeDecoder
  ) {
    guard let model, !batch.isEmpty else { return }
    var exchanges: [ExchangeSequences] = []
    var scored: [Waiting] = []
    for waiting in batch {
      guard let sequences = sequences(of: waiting, for: model, &decoder) else { continue }
      scored.append(waiting)
      exchanges.append(sequences)
    }
    let judgements = (try? model.judge(exchanges)) ?? []
    let compared = zip(scored, judgements).map { waiting, judgement in
      let isFlagged = waiting.policy.decide(judgement).action != .allow
      return (waiting: waiting, score: judgement.score, isFlagged: isFlagged)
    }
    state.withLock { state in
      state.figures.failed += batch.count - judgements.count
      for one in compared {
        state.figures.count(
          champion: one.waiting.score, isFlagged: one.waiting.isFlagged, challenger: one.score,
          isFlagged: one.isFlagged)
      }
    }
    let disputed = compared.filter { $0.waiting.isFlagged != $0.isFlagged }.map {
      disagreement($0.waiting, $0.score, of: model.model)
    }
    guard !disputed.isEmpty else { return }
    let lost = publish(disputed)
    if lost > 0 { state.withLock { $0.figures.unpublished += lost } }
  }

  /// What the challenger judges of a record: as it was cut already, if it would cut it in the same
  /// way. nil when its text is too long for it.
  private func sequences(
    of waiting: Waiting, for model: any StreamModel, _ decoder: inout ExchangeDecoder
  ) -> ExchangeSequences? {
    if waiting.exchange.cut == model.cut { return waiting.exchange.sequences }
    guard let payload = waiting.record.value,
      let exchange = try? decoder.decode(payload.span, as: waiting.format)
    else { return nil }
    return try? model.sequences(for: exchange)
  }

  /// What is published of a record on which the two decide differently.
  private func disagreement(
    _ waiting: Waiting, _ score: Score, of challenger: String
  ) -> DisagreementPublisher.Item {
    DisagreementPublisher.Item(
      record: waiting.record,
      disagreement: Disagreement(
        source: waiting.record.source, score: waiting.score, threshold: waiting.policy.threshold,
        model: waiting.model, challengerScore: score, challenger: challenger,
        share: settings.share))
  }
}

extension SourcePosition {
  /// A number from 0 to 1 that is as good as random and always the same for this position.
  package var fraction: Double {
    var hash = FNV1a()
    for byte in topic.utf8 { hash.add(UInt64(byte)) }
    let place = hash.value ^ (UInt64(bitPattern: offset.rawValue) &* SplitMix64.increment)
    return mix64(place &+ UInt64(UInt32(bitPattern: partition.rawValue)) << 32).fraction
  }
}
