import Basics
import Hosting
import LabelService
import LabelStore
import LanguageModel
import Logging
import Records
import Synchronization
import TestSupport
import Testing

/// The service's own steps in virtual time, with its real store, under a failing teacher, failing
/// publications, commits that come late, rebalances and crashes: a chosen exchange is labelled in
/// the end, no offset passes one that is not, and no hour has more requests than allowed. A late
/// commit takes offsets back, so that labels are published again under the same keys.
@Suite struct LabelSimulationTests {
  /// One run of the service, until it crashes or has done everything.
  private final class Run: Sendable {
    /// What the service's threads hold between two steps.
    private struct Hands {
      var asked: [(request: TeacherRequest, start: Instant)] = []
      var publication: LabelRuntime<LabelWorldSource, LabelWorldSink>.DuePublication?
      /// Steps that the group still waits while partitions are given back.
      var patience = 0
    }

    let source: LabelWorldSource
    private let world: LabelWorld
    private let teacher: LabelWorldTeacher
    private let runtime: LabelRuntime<LabelWorldSource, LabelWorldSink>
    private let hands = Mutex(Hands())

    init(_ world: LabelWorld) throws {
      self.world = world
      source = LabelWorldSource(world)
      let store = try world.openStore()
      teacher = LabelWorldTeacher(
        world,
        spending: try store.spending(
          limit: LabelWorld.requestsPerHour, wallMilliseconds: world.wallMilliseconds))
      let idle = Mutex<(@Sendable () -> Void)?>(nil)
      let clock = HostClock(
        now: { world.now }, wallMilliseconds: { world.wallMilliseconds },
        passTime: { _ in idle.withLock { $0 }?() })
      runtime = try LabelRuntime(
        source: source, sink: LabelWorldSink(world: world), store: store, teacher: teacher,
        settings: world.settings, label: world.label,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock)
      idle.withLock { $0 = { [weak self] in self?.wait() } }
      #expect(runtime.publishBacklog())
    }

    var failure: LabelFailure? { runtime.host.failure }

    /// Does one thing that one of the service's threads could do now, or lets time pass.
    ///
    /// - Parameter isCalm: whether the group stays as it is.
    func step(isCalm: Bool) {
      switch world.withState({ $0.number(in: 0...11) }) {
      case 0...4: #expect(runtime.read())
      case 10: others(9)
      case 11:
        let milliseconds = world.withState { world in
          if world.generator.oneIn(4) { world.releaseOne() }
          return world.number(in: 1...(world.generator.oneIn(10) ? 1_200_000 : 5_000))
        }
        world.pass(milliseconds: milliseconds)
        if !isCalm, world.withState({ $0.generator.oneIn(3) }) { rebalance() }
      case let step: others(step)
      }
    }

    /// What the threads do that do not read.
    private func others(_ step: Int) {
      switch step {
      case 5, 6: ask()
      case 7, 8: answer()
      default: publish()
      }
    }

    /// Called where the reading thread waits: the others go on, until the group loses patience.
    private func wait() {
      let isPatient = hands.withLock { hands in
        hands.patience -= 1
        return hands.patience > 0
      }
      guard isPatient else { return world.pass(milliseconds: 10_000) }
      world.pass(milliseconds: 1)
      others(world.withState { $0.number(in: 5...9) })
    }

    private func ask() {
      guard
        case .perform(let request) = runtime.host.look({ $0.machine.nextRequest(now: $1) }),
        runtime.mustBeAsked(request)
      else { return }
      if let refusal = teacher.refusal() {
        runtime.conclude(request, .failure(refusal), since: world.now)
      } else {
        runtime.keepSpending()
        hands.withLock { $0.asked.append((request, world.now)) }
      }
    }

    private func answer() {
      let count = hands.withLock { $0.asked.count }
      guard count > 0 else { return }
      let index = world.withState { $0.number(in: 0...count - 1) }
      let (request, start) = hands.withLock { $0.asked.remove(at: index) }
      runtime.conclude(request, teacher.answer(), since: start)
    }

    /// Forms a publication, or sends the one that was formed.
    private func publish() {
      if let due = hands.withLock({ $0.publication.take() }) {
        runtime.publish(due)
      } else if let due = runtime.nextPublication() {
        hands.withLock { $0.publication = due }
      }
    }

    /// Everything goes and comes back, to be read again from what is committed.
    private func rebalance() {
      let (isOrderly, patience) = world.withState { ($0.generator.oneIn(2), $0.number(in: 0...40)) }
      hands.withLock { $0.patience = patience }
      source.tell(isOrderly ? .revoked : .lost, .assigned)
      while source.hasNews { #expect(runtime.read()) }
    }

    /// Leaves as after a signal, or as a process that is killed.
    func end(isOrderly: Bool) {
      if isOrderly {
        let patience = world.withState { $0.number(in: 0...200) }
        hands.withLock { $0.patience = patience }
        runtime.host.leave()
      }
      world.withState { $0.generation += 1 }
    }
  }

  @Test(arguments: 0..<100)
  func everyChosenExchangeIsLabelledInTheEnd(seed: Int) throws {
    let world = try simulate(seed: seed)
    let (committed, published, sent) = world.withState { ($0.committed, $0.published, $0.sent) }
    for partition in MachineFixture.partitions {
      #expect(committed[partition] == LabelWorld.count, "seed \(seed): \(partition)")
    }
    #expect(published == world.chosen, "seed \(seed)")
    for (index, start) in sent.enumerated() {
      let inHour = sent[index...].prefix { $0 < start + 3_600_000 }.count
      #expect(inHour <= LabelWorld.requestsPerHour, "seed \(seed)")
    }
  }

  @Test func theHourIsUsedUp() throws {
    let full = try (0..<10).count { seed in
      let sent = try simulate(seed: seed).withState { $0.sent }
      return sent.indices.contains { index in
        let last = index + LabelWorld.requestsPerHour - 1
        return last < sent.count && sent[last] < sent[index] + 3_600_000
      }
    }
    #expect(full > 5, "\(full)")
  }

  @Test func commitsComeLate() throws {
    let late = try (0..<20).reduce(0) { sum, seed in
      sum + (try simulate(seed: seed).withState { $0.lateCommits })
    }
    #expect(late > 10)
  }

  private func simulate(seed: Int) throws -> LabelWorld {
    let world = try LabelWorld(seed: UInt64(seed))
    let chosen = world.chosen
    var run = try Run(world)
    for step in 0..<40_000 {
      let isCalm = step >= 3_000
      run.step(isCalm: isCalm)
      #expect(run.failure == nil, "seed \(seed), step \(step)")
      guard check(world, chosen, "seed \(seed), step \(step)") else { break }
      let committed = world.withState { $0.committed }
      if MachineFixture.partitions.allSatisfy({ committed[$0] == LabelWorld.count }) { break }
      // A crash: all but the world and the store is gone. Later ones are for offsets that a late
      // commit took back when everything was done.
      if world.withState({ $0.generator.oneIn(isCalm ? 5_000 : 300) }) {
        run.end(isOrderly: world.withState { $0.generator.oneIn(3) })
        run = try Run(world)
      }
    }
    return world
  }

  /// No offset of the exchanges is committed past a chosen one whose label is not published.
  private func check(_ world: LabelWorld, _ chosen: Set<String>, _ place: String) -> Bool {
    let (committed, published) = world.withState { ($0.committed, $0.published) }
    let missing = (0..<(committed[MachineFixture.partitions[0]] ?? 0)).first {
      chosen.contains("prompt \($0)") && !published.contains("prompt \($0)")
    }
    if let missing { Issue.record("\(place): \(missing) is committed without its label") }
    return missing == nil
  }
}
