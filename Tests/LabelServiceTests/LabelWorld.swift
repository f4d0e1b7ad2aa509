import Basics
import Foundation
import Hosting
import LabelService
import LabelStore
import LanguageModel
import Records
import Settings
import Synchronization
import TestSupport
import Transport
import Wire

/// The brokers, the teacher, time and chance of a simulation, which outlive a crash of the service.
final class LabelWorld: Sendable {
  /// Commits that were sent under an assignment.
  struct Commit {
    let offsets: [TopicPartition: Offset]
    let generation: Int
  }

  struct State {
    var generator: SeededGenerator
    var now = Instant.zero
    var committed: [TopicPartition: Int64] = [:]
    /// Texts in the labels topic.
    var published: Set<String> = []
    /// Counts the assignments: a commit of an earlier one is refused.
    var generation = 0
    /// Copies of commits that were held on their way and sent again.
    var held: [Commit] = []
    var lateCommits = 0
    /// When requests were sent.
    var sent: [Int64] = []

    mutating func number(in range: ClosedRange<Int>) -> Int {
      Int.random(in: range, using: &generator)
    }

    mutating func commit(_ offsets: [TopicPartition: Offset]) {
      for (partition, offset) in offsets { committed[partition] = offset.rawValue }
    }

    /// Lets one of the held commits arrive.
    mutating func releaseOne() {
      guard !held.isEmpty else { return }
      let late = held.remove(at: number(in: 0...held.count - 1))
      guard late.generation == generation else { return }
      commit(late.offsets)
      lateCommits += 1
    }
  }

  /// Records in each of the two topics.
  static let count: Int64 = 120
  static let startMilliseconds: Int64 = 1_700_000_000_000
  static let requestsPerHour = 30

  let settings: Settings
  let label: LabelSettings
  private let directory: TemporaryDirectory
  private let state: Mutex<State>

  init(seed: UInt64) throws {
    state = Mutex(State(generator: SeededGenerator(seed: seed)))
    directory = try TemporaryDirectory()
    settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: "none:1"}
        topics: {input: in, verdicts: verdicts}
        model: {path: /nowhere}
        drain_timeout_milliseconds: 10000
        label:
          topic: labels
          store: \(directory.path)/labels.sqlite
          teacher: {url: "http://127.0.0.1:1"}
        """, file: "simulation")
    guard var label = settings.label else { preconditionFailure("the section is there") }
    label.limits.concurrentMax = 3
    label.limits.queueMax = 5
    label.limits.joinRecordsMax = 10
    // Time passes in great steps here. A half whose other one was committed waits in vain.
    label.limits.joinTimeoutMilliseconds = 10_800_000
    label.plan = SamplingPlan(randomRate: 0.2, uncertaintyRate: 0.4, seed: seed)
    self.label = label
  }

  func withState<Result>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

  var now: Instant { withState { $0.now } }

  /// The time as an account counts it.
  var time: Duration { .nanoseconds(now.nanoseconds) }

  var wallMilliseconds: Int64 { Self.startMilliseconds + now.nanoseconds / 1_000_000 }

  func pass(milliseconds: Int) {
    withState { $0.now = $0.now.advanced(byMilliseconds: milliseconds) }
  }

  func openStore() throws(LabelStoreError) -> LabelStore {
    try LabelStore(
      path: label.store,
      shares: SplitShares(validation: label.validationShare, test: label.testShare))
  }

  static func score(_ offset: Int64) -> Float { Float(offset * 37 % 100) / 100 }

  /// The texts that sampling chooses.
  var chosen: Set<String> {
    let sampler = Sampler(plan: label.plan)
    return Set(
      (0..<Self.count).filter { offset in
        let features = JudgedFeatures(score: Score(Self.score(offset)), threshold: 0.5)
        let position = SourcePosition(
          topicPartition: MachineFixture.partitions[0], offset: Offset(offset))
        return sampler.select(position, features) != nil
      }.map { "prompt \($0)" })
  }
}

/// The group's member in the simulation: both topics, each with one partition.
final class LabelWorldSource: Source {
  /// What the group tells the member at its next poll.
  enum News { case assigned, revoked, lost }

  private struct State {
    var news: [News] = [.assigned]
    /// nil while nothing is assigned.
    var positions: [Int64]?
    var held: Set<TopicPartition> = []
  }

  private let world: LabelWorld
  private let state = Mutex(State())

  init(_ world: LabelWorld) { self.world = world }

  func tell(_ news: News...) { state.withLock { $0.news += news } }

  var hasNews: Bool { state.withLock { !$0.news.isEmpty } }

  func poll(
    into records: inout [InputRecord], max: Int, timeout: Duration,
    onChange: (AssignmentChange) -> Void
  ) throws(ListCause) {
    let partitions = MachineFixture.partitions
    switch state.withLock({ $0.news.isEmpty ? nil : $0.news.removeFirst() }) {
    case nil: read(into: &records)
    case .assigned:
      let positions = world.withState { world in
        world.generation += 1
        return partitions.map { world.committed[$0] ?? 0 }
      }
      state.withLock { state in
        state.positions = positions
        state.held = []
      }
      onChange(.assigned(partitions))
    case .revoked:
      onChange(.revoked(partitions))
      state.withLock { $0.positions = nil }
    case .lost:
      state.withLock { $0.positions = nil }
      world.withState { $0.generation += 1 }
      onChange(.lost(partitions))
    }
  }

  private func read(into records: inout [InputRecord]) {
    let (topic, many) = world.withState { ($0.number(in: 0...1), Int64($0.number(in: 1...6))) }
    state.withLock { state in
      let partition = MachineFixture.partitions[topic]
      guard let start = state.positions?[topic], !state.held.contains(partition) else { return }
      // A verdict is only there once its exchange was.
      let end = min(LabelWorld.count, start + many)
      for offset in start..<Swift.max(start, end) {
        records.append(topic == 0 ? Self.exchange(offset) : Self.verdict(offset))
      }
      state.positions?[topic] = Swift.max(start, end)
    }
  }

  func hold(where isHeld: (TopicPartition) -> Bool) throws(ListCause) {
    state.withLock { $0.held = Set(MachineFixture.partitions.filter(isHeld)) }
  }

  func close(timeout: Duration, onChange: (AssignmentChange) -> Void) throws(ListCause) -> Bool {
    guard state.withLock({ $0.positions != nil }) else { return true }
    onChange(.revoked(MachineFixture.partitions))
    state.withLock { $0.positions = nil }
    return true
  }

  private static func exchange(_ offset: Int64) -> InputRecord {
    record(0, offset, Array(#"{"id": "x\#(offset)", "prompt": "prompt \#(offset)"}"#.utf8))
  }

  private static func verdict(_ offset: Int64) -> InputRecord {
    let verdict = MachineFixture.verdict(on: offset, score: LabelWorld.score(offset))
    return record(1, offset, VerdictEncoder().encode(verdict, as: .json))
  }

  private static func record(_ topic: Int, _ offset: Int64, _ value: [UInt8]) -> InputRecord {
    InputRecord(
      source: SourcePosition(
        topicPartition: MachineFixture.partitions[topic], offset: Offset(offset)),
      key: nil, value: value)
  }
}

/// The labels topic and the group's offsets: publications fail, and commits come late.
struct LabelWorldSink: Sink {
  let world: LabelWorld

  func membership() throws(ListCause) -> Int { world.withState { $0.generation } }

  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as generation: Int
  ) throws(PublishFailure<ListCause>) {
    var decoder = TeacherLabelDecoder()
    let prompts = records.compactMap {
      try? decoder.decode($0.value ?? [], headers: $0.headers).prompt
    }
    let isDone = world.withState { world in
      if world.generator.oneIn(4) { return false }
      world.published.formUnion(prompts)
      guard generation == world.generation else { return false }
      if world.generator.oneIn(4) {
        world.held.append(LabelWorld.Commit(offsets: offsets, generation: generation))
      }
      world.commit(offsets)
      return true
    }
    if !isDone { throw .aborted(ListCause("the broker is away")) }
  }
}

/// Only its account: what it says the simulation makes up.
final class LabelWorldTeacher: Teacher {
  let identity = MachineFixture.teacher
  private let world: LabelWorld
  private let account: Mutex<RequestAccount>

  /// A teacher that knows what an earlier run spent.
  init(_ world: LabelWorld, spending: [HourlyBudget.Spending]) {
    self.world = world
    var budget = HourlyBudget(limit: LabelWorld.requestsPerHour)
    budget.remember(spending, at: world.time, wallMilliseconds: world.wallMilliseconds)
    account = Mutex(
      RequestAccount(
        breaker: CircuitBreaker(
          failuresMax: 4, openDuration: .seconds(1), openDurationMax: .seconds(20)),
        budget: budget))
  }

  var statement: RequestAccount.Statement {
    account.withLock {
      $0.statement(at: world.time, wallMilliseconds: world.wallMilliseconds)
    }
  }

  /// Why a request is not sent; nil once it is.
  func refusal() -> TeacherError? {
    switch account.withLock({ $0.admit(at: world.time, patience: .seconds(60)) }) {
    case .circuitOpen(let delay): return .server(error(.circuitOpen, delay))
    case .budgetSpent(let delay): return .server(error(.budgetSpent, delay))
    case nil:
      let time = world.wallMilliseconds
      world.withState { $0.sent.append(time) }
      return nil
    }
  }

  /// How a request ends.
  func answer() -> Result<TeacherOpinion, TeacherError> {
    let failure = world.withState { $0.generator.oneIn(4) } ? error(.timedOut, nil) : nil
    account.withLock { $0.end(failure, at: world.time) }
    return failure.map { .failure(.server($0)) } ?? .success(.probability(0.25))
  }

  private func error(_ kind: LanguageModelError.Kind, _ delay: Duration?) -> LanguageModelError {
    LanguageModelError(kind, url: "http://teacher", retryAfter: delay)
  }

  /// Nobody asks without the simulation.
  func score(prompt: String, response: String?) async throws(TeacherError) -> TeacherOpinion {
    .unknown(.noLabelPlace)
  }
}
