package import Basics
package import Hosting
package import LabelStore
package import LanguageModel
package import Records
package import Telemetry

/// Why the labelling service cannot go on.
package enum LabelFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The brokers (EX_UNAVAILABLE).
  case brokers(String)
  /// The label store (EX_SOFTWARE).
  case store(String)

  package var description: String {
    switch self {
    case .brokers(let text), .store(let text): text
    }
  }
}

/// What the threads of the service share: the machine, and what is counted around it.
package struct LabelCore: HostedMachine {
  package var machine: LabelMachine
  var teacherLatency = LatencyHistogram()
  var tasks: [Int: Task<Void, Never>] = [:]
  var contents = LabelCounts()
  /// Tombstones and labels that came from the topic.
  var followedTombstones = 0
  var followedLabels = 0
  var purged = 0
  /// Requests of the teacher's account when its spending was last kept in the store.
  var requestsKept = 0
  package private(set) var failure: LabelFailure?
  private let verdictsTopic: String
  /// What reading was last told to hold; nil when an assignment may have undone it.
  private var held: Held?

  private struct Held: Equatable {
    var exchanges = false
    var verdicts = false
  }

  init(machine: LabelMachine, verdictsTopic: String) {
    self.machine = machine
    self.verdictsTopic = verdictsTopic
  }

  package mutating func fail(_ failure: LabelFailure) {
    if self.failure == nil { self.failure = failure }
  }

  package mutating func assign(_ partitions: [TopicPartition]) {
    machine.assign(partitions)
    held = nil
  }

  /// What is answered is published and committed; what is still asked is asked again by the next
  /// owner, unless the label comes in time to be found in its store.
  package mutating func drain(_ partitions: [TopicPartition]) { machine.isHurried = true }

  package func isDrained(_ partitions: [TopicPartition]) -> Bool { machine.isPublished }

  package mutating func giveUp(_ partitions: [TopicPartition]) {
    machine.remove(partitions)
    machine.isHurried = false
  }

  package mutating func intake(now: Instant) -> Intake {
    let pauses = machine.pauses()
    let wanted = Held(exchanges: pauses.exchanges, verdicts: pauses.verdicts)
    if wanted == held { return .unchanged }
    held = wanted
    let verdictsTopic = verdictsTopic
    return .hold { $0.topic == verdictsTopic ? wanted.verdicts : wanted.exchanges }
  }

  package mutating func tick(now: Instant) -> Bool {
    machine.expire(now: now)
    return true
  }

  package mutating func beginLeaving() { machine.isDraining = true }

  package var mayLeave: Bool { machine.isDrained }

  package var waitingSince: Instant? { machine.isPublishing ? machine.lastPublication : nil }

  func snapshot(
    _ teacher: RequestAccount.Statement, wallMilliseconds: Int64
  ) -> LabelSnapshot {
    LabelSnapshot(
      counters: machine.counters, queued: machine.queue.count,
      inFlight: machine.inFlight.count, waitingExchanges: machine.join.waitingExchanges,
      waitingVerdicts: machine.join.waitingVerdicts, teacher: teacher,
      assigned: machine.ledger.assigned.count, teacherLatency: teacherLatency,
      estimates: machine.estimator.estimates(nowMilliseconds: wallMilliseconds),
      contents: contents, followedTombstones: followedTombstones,
      followedLabels: followedLabels, purged: purged, failure: failure)
  }
}

/// Where the service stood at one moment.
package struct LabelSnapshot: Sendable {
  package let counters: LabelCounters
  package let queued: Int
  package let inFlight: Int
  package let waitingExchanges: Int
  package let waitingVerdicts: Int
  package let teacher: RequestAccount.Statement
  package let assigned: Int
  package let teacherLatency: LatencyHistogram
  package let estimates: LiveEstimates
  package let contents: LabelCounts
  package let followedTombstones: Int
  package let followedLabels: Int
  package let purged: Int
  package let failure: LabelFailure?
}

extension LabelFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .brokers: .unavailable
    case .store: .software
    }
  }
}
