package import Basics
package import Records

/// What a host runs: a machine, with whatever else its threads share behind one lock.
///
/// None of it blocks, reads a clock or does input or output.
package protocol HostedMachine: Sendable {
  associatedtype Failure: Error & Sendable

  /// Why the machine cannot go on; nil while it can.
  var failure: Failure? { get }

  /// Ends the machine; the first failure counts.
  mutating func fail(_ failure: Failure)

  // MARK: Partitions

  /// The source has begun to read these partitions.
  mutating func assign(_ partitions: [TopicPartition])
  /// These partitions are to be given back: finish what can be finished soon.
  mutating func drain(_ partitions: [TopicPartition])
  /// Whether nothing of these partitions is worth waiting for any more.
  func isDrained(_ partitions: [TopicPartition]) -> Bool
  /// These partitions go now: after a drain, be it an unfinished one, or since they are lost.
  mutating func giveUp(_ partitions: [TopicPartition])

  // MARK: Reading

  /// What to do about reading, asked before every poll.
  mutating func intake(now: Instant) -> Intake
  /// Time has passed, told after every poll; whether that may have brought work.
  mutating func tick(now: Instant) -> Bool
  /// Nothing more will be read: the host is about to leave.
  mutating func beginLeaving()
  /// Whether the host may leave, or should still wait; it does so within the time of a drain.
  var mayLeave: Bool { get }

  // MARK: Progress

  /// Since when something has waited to be committed; nil while nothing does.
  var waitingSince: Instant? { get }
}

extension HostedMachine {
  package mutating func tick(now: Instant) -> Bool { false }
  package mutating func beginLeaving() {}
  package var mayLeave: Bool { true }
}

/// What a host does before it polls.
package enum Intake: Sendable {
  /// Go on as before.
  case unchanged
  /// There is no room for the moment: look again soon, without a poll. For a second or so; members
  /// that do not poll are expelled.
  case wait
  /// From now on read only the partitions of which this is false.
  case hold(@Sendable (TopicPartition) -> Bool)
}
