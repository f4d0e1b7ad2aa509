package import Basics

/// How a host fares.
package struct HostProgress: Hashable, Sendable {
  /// When the source was last polled.
  package internal(set) var lastPoll: Instant
  /// Whether the group has given this member its share, be it an empty one.
  package internal(set) var wasAssigned = false
  /// Leaving the group took too long, and its answer was not waited for.
  package internal(set) var leftLate = false
  package internal(set) var hasFailed = false
  /// Since when something has waited to be committed; nil while nothing does.
  package internal(set) var waitingSince: Instant?

  /// Whether the host stands still: something has waited that long to be committed, or the source
  /// was not even polled.
  package func isStalled(now: Instant, afterSeconds seconds: Int) -> Bool {
    let limit = Int64(seconds) * 1_000_000_000
    if now.nanoseconds(since: lastPoll) > limit { return true }
    return waitingSince.map { now.nanoseconds(since: $0) > limit } ?? false
  }

  /// Whether the host does its work: it has its share of the partitions and makes progress.
  package func isReady(now: Instant, stallSeconds: Int) -> Bool {
    wasAssigned && !hasFailed && !isStalled(now: now, afterSeconds: stallSeconds)
  }
}
