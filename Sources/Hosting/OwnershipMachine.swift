package import Basics
package import Kafka
package import Records

/// Finds partitions that belong to no member of the group, and says when this member is to make the
/// group assign anew.
///
/// Cooperative assignment with static members can leave partitions without an owner for good: the
/// one owner of all is killed after it was asked to give some up and before it did; started again,
/// it is given its reduced share without a rebalance, and the group counts as stable (Apache Kafka
/// 3.9; KIP-345, KIP-429). Only another change of membership mends that.
package struct OwnershipMachine: Sendable {
  /// How long a partition may be new before members must have heard of it: librdkafka asks for
  /// topics every five minutes.
  package static let newcomerPatience = Duration.seconds(360)
  /// How long a member waits for each member in front of it to act first, and before it acts again.
  package static let pause = Duration.seconds(60)

  private let patience: Duration
  /// Partitions that were there when this member first looked.
  private var known: Set<TopicPartition>?
  private var ownerlessSince: [TopicPartition: Instant] = [:]
  private var isOverdueSince: Instant?
  private var hasActedAt: Instant?
  /// How often this member made the group assign anew.
  package private(set) var reassignments = 0
  /// Partitions without an owner for longer than a rebalance takes.
  package private(set) var orphans: [TopicPartition] = []

  /// - Parameter patience: how long a partition of a stable group must have been without an owner.
  package init(patience: Duration = .seconds(20)) { self.patience = patience }

  /// Takes in how the group stands, and returns whether to make it assign anew now.
  ///
  /// - Parameters:
  ///   - wanted: the partitions that the group is to read.
  ///   - own: this member's identifier.
  package mutating func survey(
    _ group: ConsumerGroup, wanted: [TopicPartition], as own: String, now: Instant
  ) -> Bool {
    if known == nil { known = Set(wanted) }
    // While the group is at it, nobody can tell, and some brokers never do.
    let owned = group.members.reduce(into: Set<TopicPartition>()) {
      $0.formUnion($1.partitions ?? [])
    }
    guard group.isStable, group.tellsShares, let rank = Self.rank(of: own, in: group) else {
      ownerlessSince = [:]
      return conclude(rank: nil, now: now)
    }
    let ownerless = wanted.filter { !owned.contains($0) }
    ownerlessSince = Dictionary(
      uniqueKeysWithValues: ownerless.map { ($0, ownerlessSince[$0] ?? now) })
    return conclude(rank: rank, now: now)
  }

  private mutating func conclude(rank: Int?, now: Instant) -> Bool {
    orphans = ownerlessSince.filter { partition, start in
      let isKnown = known?.contains(partition) ?? false
      return now >= start.advanced(by: isKnown ? patience : Self.newcomerPatience)
    }.keys.sorted()
    guard !orphans.isEmpty, let rank else {
      isOverdueSince = nil
      return false
    }
    let overdue = isOverdueSince ?? now
    isOverdueSince = overdue
    // One acts, and the next only if that did not help.
    guard now >= overdue.advanced(by: Self.pause * rank) else { return false }
    if let last = hasActedAt, now < last.advanced(by: Self.pause) { return false }
    hasActedAt = now
    reassignments += 1
    return true
  }

  /// How many members stand in front of this one; nil when it is none.
  private static func rank(of own: String, in group: ConsumerGroup) -> Int? {
    let names = group.members.map(\.identifier)
    return names.contains(own) ? names.count { $0 < own } : nil
  }
}
