import Basics
import Hosting
import Kafka
import Records
import TestSupport
import Testing

/// Partitions without an owner: what a member makes of what the coordinator says.
@Suite struct OwnershipTests {
  private let wanted = (0..<6).map { TopicPartition(topic: "in", partition: Partition($0)) }

  private func group(_ shares: [String: Range<Int>], isStable: Bool = true) -> ConsumerGroup {
    ConsumerGroup(
      isStable: isStable,
      members: shares.map { ConsumerGroup.Member(identifier: $0, partitions: Set(wanted[$1])) })
  }

  private func at(_ seconds: Int) -> Instant {
    Instant.zero.advanced(byMilliseconds: seconds * 1000)
  }

  @Test func aPartitionWithoutAnOwnerIsMendedOnce() {
    var machine = OwnershipMachine()
    let orphaned = group(["a": 0..<1, "b": 1..<2])
    var acts: [Int] = []
    for second in stride(from: 0, through: 100, by: 10) {
      if machine.survey(orphaned, wanted: wanted, as: "a", now: at(second)) { acts.append(second) }
      #expect(machine.orphans.isEmpty == (second < 20))
    }
    #expect(acts == [20, 80])
    #expect(machine.orphans == Array(wanted[2...]))
    #expect(machine.reassignments == 2)
    let actsAgain = machine.survey(group(["a": 0..<6]), wanted: wanted, as: "a", now: at(200))
    #expect(!actsAgain)
    #expect(machine.orphans.isEmpty)
  }

  /// Brokers that say who is there, and of nobody what it has, as Tansu does.
  @Test func whatABrokerDoesNotTellIsNoOrphan() {
    var machine = OwnershipMachine()
    let untold = ConsumerGroup(
      isStable: true,
      members: ["a", "b"].map { ConsumerGroup.Member(identifier: $0, partitions: nil) })
    #expect(!untold.tellsShares)
    for second in stride(from: 0, through: 600, by: 10) {
      let acts = machine.survey(untold, wanted: wanted, as: "a", now: at(second))
      #expect(!acts && machine.orphans.isEmpty)
    }
    // One who has nothing, among others that are told of, leaves the rest without an owner.
    let told = ConsumerGroup(
      isStable: true,
      members: [
        ConsumerGroup.Member(identifier: "a", partitions: nil),
        ConsumerGroup.Member(identifier: "b", partitions: Set(wanted[..<2])),
      ])
    for second in [700, 730] { _ = machine.survey(told, wanted: wanted, as: "a", now: at(second)) }
    #expect(machine.orphans == Array(wanted[2...]))
  }

  @Test func theSecondMemberActsOnlyWhenTheFirstDidNot() {
    var machine = OwnershipMachine()
    let orphaned = group(["a": 0..<1, "b": 1..<2])
    let acts = stride(from: 0, through: 100, by: 10).filter {
      machine.survey(orphaned, wanted: wanted, as: "b", now: at($0))
    }
    #expect(acts == [80])
  }

  @Test func whatARebalanceTakesIsNoOrphan() {
    var machine = OwnershipMachine()
    for second in stride(from: 0, through: 600, by: 10) {
      // Each time something else is missing, or the group is still at it.
      let missing = second / 10 % 6
      let some =
        second % 40 == 0
        ? group([:], isStable: false) : group(["a": 0..<missing, "b": missing + 1..<6])
      let acts = machine.survey(some, wanted: wanted, as: "a", now: at(second))
      #expect(!acts)
    }
    #expect(machine.reassignments == 0)
  }

  @Test func whoIsNoMemberDoesNothing() {
    var machine = OwnershipMachine()
    for second in stride(from: 0, through: 300, by: 10) {
      let acts = machine.survey(group(["a": 0..<1]), wanted: wanted, as: "z", now: at(second))
      #expect(!acts)
    }
  }

  @Test func partitionsThatNobodyReadsYetAreFound() {
    var machine = OwnershipMachine()
    let more = wanted + [TopicPartition(topic: "in", partition: Partition(6))]
    _ = machine.survey(group(["a": 0..<6]), wanted: wanted, as: "a", now: at(0))
    _ = machine.survey(group(["a": 0..<6]), wanted: more, as: "a", now: at(10))
    // Members hear of new partitions by themselves, if somewhat late.
    let actsSoon = machine.survey(group(["a": 0..<6]), wanted: more, as: "a", now: at(300))
    #expect(!actsSoon)
    let acts = machine.survey(group(["a": 0..<6]), wanted: more, as: "a", now: at(370))
    #expect(acts)
  }

  // MARK: Simulation

  /// A coordinator with cooperative, static members that now and then leaves partitions to nobody.
  private struct World {
    var shares: [String: Set<TopicPartition>] = [:]
    var settlesAt = 0
    var assignments = 0

    /// Membership changed: everybody gets a new share, some seconds later.
    mutating func change(
      _ wanted: [TopicPartition], at second: Int, _ random: inout SeededGenerator
    ) {
      let names = shares.keys.sorted()
      for name in names { shares[name] = [] }
      for (index, partition) in wanted.enumerated() where !names.isEmpty {
        shares[names[index % names.count]]?.insert(partition)
      }
      settlesAt = second + Int.random(in: 1...8, using: &random)
      assignments += 1
    }

    func describe(at second: Int) -> ConsumerGroup {
      ConsumerGroup(
        isStable: second >= settlesAt,
        members: shares.map { ConsumerGroup.Member(identifier: $0, partitions: $1) })
    }
  }

  @Test(arguments: 0..<200)
  func noPartitionStaysWithoutAnOwner(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var world = World()
    var machines: [String: OwnershipMachine] = [:]
    for name in ["a", "b", "c", "d"].prefix(Int.random(in: 1...4, using: &random)) {
      world.shares[name] = []
      machines[name] = OwnershipMachine()
    }
    world.change(wanted, at: 0, &random)
    let phase = machines.mapValues { _ in Int.random(in: 0..<10, using: &random) }
    var orphanedSince: Int?
    for second in 0..<7_200 {
      if Int.random(in: 0..<300, using: &random) == 0 {
        world.change(wanted, at: second, &random)  // somebody came or went
      } else if Int.random(in: 0..<600, using: &random) == 0, second > world.settlesAt {
        // The one owner was killed and came back with its reduced share.
        for name in world.shares.keys where Bool.random(using: &random) {
          world.shares[name] = []
        }
      }
      let owned = world.shares.values.reduce(into: Set()) { $0.formUnion($1) }
      let isOrphaned = second >= world.settlesAt && owned.count < wanted.count
      if !isOrphaned { orphanedSince = nil }
      let since = isOrphaned ? (orphanedSince ?? second) : second
      if isOrphaned { orphanedSince = since }
      #expect(second - since <= 95, "seed \(seed), second \(second)")
      for name in machines.keys.sorted() where second % 10 == phase[name] {
        let acts = machines[name]?.survey(
          world.describe(at: second), wanted: wanted, as: name, now: at(second))
        guard acts == true else { continue }
        #expect(isOrphaned && second - since >= 15, "seed \(seed): a needless rebalance")
        world.change(wanted, at: second, &random)
      }
    }
  }
}
