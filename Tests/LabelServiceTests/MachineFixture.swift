import Basics
import LabelService
import LanguageModel
import Records
import Settings

/// A machine with partitions, and records to feed it.
struct MachineFixture {
  var machine: LabelMachine
  var now = Instant.zero
  static let teacher = TeacherIdentity(
    model: "teacher", templateDigest: ContentDigest(of: Array("template".utf8)))
  static let partitions = ["in", "verdicts"].map {
    TopicPartition(topic: $0, partition: Partition(0))
  }

  init(_ limits: LabelLimits = LabelLimits(), plan: SamplingPlan = SamplingPlan(randomRate: 1)) {
    machine = LabelMachine(
      limits: limits, plan: plan, teacher: Self.teacher,
      estimator: LiveEstimator(windowMilliseconds: 3_600_000), now: .zero)
    machine.assign(Self.partitions)
  }

  static func exchange(
    _ offset: Int64, prompt: String? = nil, tenant: String? = nil
  ) -> LabelInput {
    .exchange(
      SourcePosition(topicPartition: partitions[0], offset: Offset(offset)),
      Exchange(id: "x\(offset)", prompt: prompt ?? "prompt \(offset)", tenant: tenant),
      bytes: 100)
  }

  static func verdict(_ offset: Int64, on source: Int64? = nil, score: Float = 0.9) -> LabelInput {
    .verdict(
      SourcePosition(topicPartition: partitions[1], offset: Offset(offset)),
      verdict(on: source ?? offset, score: score))
  }

  static func verdict(on source: Int64, score: Float) -> Verdict {
    Verdict(
      id: "x", flagged: score >= 0.5, action: score >= 0.5 ? .flag : .allow,
      judgement: Judgement(
        promptScore: Score(score), responseScore: nil, tokens: 1, windows: 1),
      threshold: 0.5, model: "guard@0", policy: "default",
      source: SourcePosition(topicPartition: partitions[0], offset: Offset(source)),
      judgedAtMilliseconds: 0)
  }

  mutating func receive(_ inputs: [LabelInput]) {
    machine.receive(inputs, now: now, wallMilliseconds: now.nanoseconds / 1_000_000)
  }

  /// Exchanges with their verdicts.
  mutating func receivePairs(_ offsets: Range<Int64>, tenant: String? = nil) {
    receive(offsets.map { Self.exchange($0, tenant: tenant) })
    receive(offsets.map { Self.verdict($0) })
  }

  mutating func pass(milliseconds: Int) { now = now.advanced(byMilliseconds: milliseconds) }

  mutating func nextRequest() -> TeacherRequest? {
    if case .perform(let request) = machine.nextRequest(now: now) { request } else { nil }
  }

  mutating func nextPublication() -> Publication? {
    if case .perform(let publication) = machine.nextPublication(now: now) {
      publication
    } else {
      nil
    }
  }

  mutating func answer(_ request: TeacherRequest, _ probability: Double = 0.9) {
    machine.answered(
      request.number, .probability(probability), now: now,
      wallMilliseconds: now.nanoseconds / 1_000_000)
  }

  mutating func publish() -> Publication? {
    guard let publication = nextPublication() else { return nil }
    machine.published(refused: [], now: now)
    return publication
  }

  /// Nothing was due where something must be.
  struct NothingDue: Error {}

  mutating func takeRequest() throws -> TeacherRequest {
    guard let request = nextRequest() else { throw NothingDue() }
    return request
  }

  mutating func takePublication() throws -> Publication {
    guard let publication = nextPublication() else { throw NothingDue() }
    return publication
  }

  mutating func publishDue() throws -> Publication {
    guard let publication = publish() else { throw NothingDue() }
    return publication
  }
}
