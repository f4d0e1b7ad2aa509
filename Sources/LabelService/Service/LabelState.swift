package import Basics
package import LabelStore
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

/// What the threads of the service share, behind one lock.
struct LabelState {
  var machine: LabelMachine
  var isStopping = false
  var isOver = false
  var wasAssigned = false
  var failure: LabelFailure?
  var lastPoll: Instant
  var teacherLatency = LatencyHistogram()
  var tasks: [Int: Task<Void, Never>] = [:]
  var contents = LabelCounts()
  /// Tombstones and labels that came from the topic.
  var followedTombstones = 0
  var followedLabels = 0
  var purged = 0

  mutating func fail(_ failure: LabelFailure) {
    if self.failure == nil { self.failure = failure }
  }
}

/// Where the service stood at one moment.
package struct LabelSnapshot: Sendable {
  package let counters: LabelCounters
  package let queued: Int
  package let inFlight: Int
  package let waitingExchanges: Int
  package let waitingVerdicts: Int
  package let budgetLeft: Int
  package let isCircuitOpen: Bool
  package let assigned: Int
  package let wasAssigned: Bool
  package let isPublishing: Bool
  package let lastPublication: Instant
  package let lastPoll: Instant
  package let teacherLatency: LatencyHistogram
  package let estimates: LiveEstimates
  package let contents: LabelCounts
  package let followedTombstones: Int
  package let followedLabels: Int
  package let purged: Int
  package let failure: LabelFailure?

  /// Whether the service stands still: it has not polled for that long, or has labels that it
  /// could not publish. A teacher that is down is no standstill.
  package func isStalled(now: Instant, afterSeconds seconds: Int) -> Bool {
    let limit = Int64(seconds) * 1_000_000_000
    if now.nanoseconds(since: lastPoll) > limit { return true }
    return isPublishing && now.nanoseconds(since: lastPublication) > limit
  }
}
