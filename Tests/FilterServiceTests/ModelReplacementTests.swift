import FilterService
import Foundation
import Guard
import Pipeline
import Records
import Synchronization
import TestSupport
import Testing

/// Which model is live, decided without a stream: the folder's path and the loader are the test's.
@Suite struct ModelReplacementTests {
  /// A model of which only the name matters, watched for the end of its life.
  private final class NamedModel: StreamModel {
    let model: String
    let cut: UInt64

    init(_ model: String, cut: UInt64 = 1) {
      self.model = model
      self.cut = cut
    }

    func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences {
      ExchangeSequences(prompt: [[1]], response: [])
    }

    func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
      exchanges.map { _ in
        Judgement(promptScore: Score(0), responseScore: nil, tokens: 1, windows: 1)
      }
    }
  }

  /// The world around a replacement.
  private final class World: Sendable {
    let target = Mutex<String?>("/models/a")
    let broken = Mutex<Set<String>>([])
    let events = Mutex<[ModelReplacement.Event]>([])
    let loads = Mutex<[String]>([])
    /// How often it was looked where the link leads.
    let looks = Mutex(0)

    func replacement(of live: LiveModel, pollInterval: Duration?) -> ModelReplacement {
      ModelReplacement(
        of: live, from: "/models/a",
        target: {
          self.looks.withLock { $0 += 1 }
          return self.target.withLock { $0 }
        },
        load: { (folder) throws(GuardModelFailure) in
          self.loads.withLock { $0.append(folder) }
          if self.broken.withLock({ $0.contains(folder) }) { throw .unusable("\(folder): broken") }
          return NamedModel("\(folder)@1")
        },
        pollInterval: pollInterval, report: { event in self.events.withLock { $0.append(event) } })
    }

    /// Waits until an event is there that satisfies `isWanted`.
    func waitFor(_ isWanted: (ModelReplacement.Event) -> Bool) -> Bool {
      comesAbout { events.withLock { $0.contains(where: isWanted) } }
    }
  }

  private func isReplacement(_ event: ModelReplacement.Event) -> Bool {
    if case .replaced = event { true } else { false }
  }

  private func isRefusal(_ event: ModelReplacement.Event) -> Bool {
    if case .refused = event { true } else { false }
  }

  @Test func aLinkThatLeadsElsewhereBringsAnotherModel() {
    let world = World()
    let live = LiveModel(NamedModel("/models/a@1"))
    let replacement = world.replacement(of: live, pollInterval: .milliseconds(5))
    let thread = Thread { replacement.run() }
    thread.start()
    world.target.withLock { $0 = "/models/b" }
    #expect(world.waitFor(isReplacement))
    #expect(live.current.model == "/models/b@1")
    #expect(live.figures.swaps == 1)
    replacement.stop()
  }

  @Test func aModelThatIsRefusedIsNotTriedAgainUntilAsked() {
    let world = World()
    world.broken.withLock { $0 = ["/models/b"] }
    let live = LiveModel(NamedModel("/models/a@1"))
    let replacement = world.replacement(of: live, pollInterval: .milliseconds(1))
    let thread = Thread { replacement.run() }
    thread.start()
    world.target.withLock { $0 = "/models/b" }
    #expect(world.waitFor(isRefusal))
    let looks = world.looks.withLock { $0 }
    #expect(comesAbout { world.looks.withLock { $0 } > looks + 20 })
    #expect(world.loads.withLock { $0 } == ["/models/b"])
    #expect(live.current.model == "/models/a@1")
    #expect(live.figures.refusals == 1)
    world.broken.withLock { $0 = [] }
    replacement.reload()
    #expect(world.waitFor(isReplacement))
    #expect(live.current.model == "/models/b@1")
    replacement.stop()
  }

  @Test func aReloadOfTheSameModelChangesNothing() {
    let world = World()
    let live = LiveModel(NamedModel("/models/a@1"))
    let replacement = world.replacement(of: live, pollInterval: nil)
    let thread = Thread { replacement.run() }
    thread.start()
    replacement.reload()
    #expect(world.waitFor { $0 == .unchanged(model: "/models/a@1") })
    #expect(live.figures.swaps == 0)
    #expect(world.events.withLock { $0.first } == .loading(isReload: true))
    replacement.stop()
  }

  /// Whoever asked hears what became of it, and not of an earlier reload.
  @Test func aReloadTellsWhatItCameTo() async { await onThreadOfItsOwn { checkOutcomes() } }

  private func checkOutcomes() {
    let world = World()
    let live = LiveModel(NamedModel("/models/a@1"))
    let replacement = world.replacement(of: live, pollInterval: nil)
    let thread = Thread { replacement.run() }
    thread.start()
    let first = replacement.reload()
    #expect(replacement.outcome(ofReload: first) == .unchanged(model: "/models/a@1"))
    world.broken.withLock { $0 = ["/models/b"] }
    world.target.withLock { $0 = "/models/b" }
    guard
      case .refused(let reason, "/models/a@1") = replacement.outcome(
        ofReload: replacement.reload())
    else {
      Issue.record("a broken model is refused")
      return
    }
    #expect(reason == "/models/b: broken")
    world.broken.withLock { $0 = [] }
    let event = replacement.outcome(ofReload: replacement.reload())
    #expect(event.map(isReplacement) == true)
    replacement.stop()
    #expect(replacement.outcome(ofReload: 99) == nil, "nobody waits for a daemon that ends")
  }

  /// The same files under another window cut texts otherwise.
  @Test func aModelThatCutsOtherwiseIsAnother() async {
    await onThreadOfItsOwn {
      let live = LiveModel(NamedModel("/models/a@1", cut: 7))
      let replacement = World().replacement(of: live, pollInterval: nil)
      let thread = Thread { replacement.run() }
      thread.start()
      let event = replacement.outcome(ofReload: replacement.reload())
      #expect(event.map(isReplacement) == true && live.current.cut == 1)
      replacement.stop()
    }
  }

  @Test func aPathThatLeadsNowhereIsRefusedWhenAsked() {
    let world = World()
    world.target.withLock { $0 = nil }
    let live = LiveModel(NamedModel("/models/a@1"))
    let replacement = world.replacement(of: live, pollInterval: .milliseconds(1))
    let thread = Thread { replacement.run() }
    thread.start()
    replacement.reload()
    #expect(world.waitFor(isRefusal))
    #expect(live.current.model == "/models/a@1")
    replacement.stop()
  }

  @Test func aReplacedModelLivesUntilItsLastRecordIsJudged() throws {
    var limits = StreamLimits()
    limits.batch.lingerMilliseconds = 0
    var machine = StreamMachine(limits: limits, now: .zero)
    let source = SourcePosition(topic: "in", partition: 0, offset: 0)
    machine.assign([source.topicPartition])
    machine.receive(
      [InputRecord(source: source, key: nil, value: Array(#"{"prompt": "x"}"#.utf8))], now: .zero)
    let chunk = machine.nextChunk().work
    weak var watched: NamedModel?
    let live: LiveModel
    do {
      let old = NamedModel("old@1")
      watched = old
      live = LiveModel(old)
      var preparer = RecordPreparer(defaultFormat: .json, tombstones: .skip)
      let taken = try #require(chunk)
      machine.prepared(
        taken.id, taken.items.map { preparer.prepare($0, for: old) }, now: .zero)
    }
    live.replace(with: NamedModel("new@1"), loadSeconds: 0)
    #expect(watched != nil, "a record still waits for it")
    do {
      guard case .perform(let batch) = machine.nextBatch(now: .zero) else {
        Issue.record("a batch is due")
        return
      }
      #expect(batch.classifier.model == "old@1")
      let judgements = try batch.classifier.judge(batch.exchanges)
      machine.judged(batch.id, judgements, atMilliseconds: 0)
    }
    #expect(watched == nil)
    guard case .perform(let transaction) = machine.nextTransaction(now: .zero) else {
      Issue.record("a transaction is due")
      return
    }
    #expect(transaction.items.map(\.model) == ["old@1"])
  }
}
