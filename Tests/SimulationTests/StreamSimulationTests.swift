import Basics
import Records
import TestSupport
import Testing

/// The whole stream in virtual time: several daemons on one consumer group, with rebalances, lost
/// partitions, failing batches, requests that come late, swapped models and crashes, all from one
/// seed.
@Suite struct StreamSimulationTests {
  @Test(arguments: 0..<1000 as Range<UInt64>)
  func everyRecordComesOutOnceAndInOrder(seed: UInt64) {
    var simulation = Simulation(seed: seed, order: .asBuilt)
    simulation.run()
    #expect(simulation.violations == [], "seed \(seed)")
  }

  /// The simulation sees what went wrong in the field, and soon.
  @Test(arguments: [SimulatedPublisher.Order.former, .acknowledgedFirst])
  func anOrderThatTrustsLateRequestsIsCaught(order: SimulatedPublisher.Order) {
    let caught = (0..<50 as Range<UInt64>).filter { seed in
      var simulation = Simulation(seed: seed, order: order)
      simulation.run()
      return !simulation.violations.isEmpty
    }
    #expect(!caught.isEmpty)
  }

  /// What it sees there is the late requests' doing.
  @Test(arguments: SimulatedPublisher.Order.allCases)
  func anyOrderWillDoWhereNothingComesLate(order: SimulatedPublisher.Order) {
    for seed in 0..<50 as Range<UInt64> {
      var simulation = Simulation(seed: seed, order: order, hasLateRequests: false)
      simulation.run()
      #expect(simulation.violations == [], "seed \(seed)")
    }
  }

  @Test func eachKindOfRequestComesLate() {
    var late: Set<String> = []
    for seed in 0..<20 as Range<UInt64> {
      var simulation = Simulation(seed: seed, order: .asBuilt)
      simulation.run()
      late.formUnion(simulation.cluster.withState { $0.late.keys })
    }
    let all: Set = [
      "AddPartitionsToTxn", "Produce", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn",
    ]
    #expect(late == all)
  }
}

private struct Simulation {
  let cluster: SimulatedCluster
  private let world: SimulatedWorld
  private let order: SimulatedPublisher.Order
  private var members: [SimulatedMember] = []

  init(seed: UInt64, order: SimulatedPublisher.Order, hasLateRequests: Bool = true) {
    self.order = order
    world = SimulatedWorld(seed: seed)
    let broker = SimulatedBroker(
      partitionCount: world.number(in: 1...4), recordsPerPartition: world.number(in: 30...120),
      verifiesTransactions: world.oneIn(2))
    cluster = SimulatedCluster(
      broker: broker, seed: ~seed, faultsOneIn: hasLateRequests ? world.number(in: 5...60) : 0)
    members = (0..<world.number(in: 1...3)).map(makeMember)
    rebalance(lossy: false)
  }

  /// What should not have happened, in words.
  var violations: [String] {
    cluster.withState { state in
      var violations = state.broker.violations
      if !state.broker.isComplete { violations.append("the stream stopped making progress") }
      for partition in state.broker.partitions {
        let outputs = state.broker.outputs(of: partition)
        let offsets = outputs.map(\.source.offset.rawValue)
        if offsets != Array(0..<Int64(state.broker.recordsPerPartition)) {
          violations.append("lost, repeated or reordered in \(partition)")
        }
        for output in outputs where output.source.offset.rawValue % 11 == 10 {
          let isTombstone = output.source.offset.rawValue % 13 == 12
          if !output.isDeadLetter, !isTombstone {
            violations.append("a malformed record got a verdict")
          }
        }
      }
      return violations
    }
  }

  mutating func run() {
    var steps = 0
    while !cluster.withState({ $0.broker.isComplete }), steps < 200_000 {
      steps += 1
      world.advance(byMilliseconds: world.number(in: 0...2))
      let faults = steps < 20_000
      if !faults {
        world.hasFaults = false
        cluster.withState { $0.hasFaults = false }
      }
      if faults, world.oneIn(150) { rebalance(lossy: world.oneIn(3)) }
      if faults, world.oneIn(300), let index = world.index(of: members) { crash(index) }
      for index in members.indices where members[index].isGone { crash(index) }
      let member = members[world.number(in: 0...members.count - 1)]
      if world.oneIn(100) { member.swapModel(Int32(steps)) }
      member.step()
    }
  }

  private func makeMember(_ number: Int) -> SimulatedMember {
    SimulatedMember(number: number, cluster: cluster, world: world, order: order)
  }

  /// Spreads the partitions anew. A lossy rebalance has moved on before the members could drain,
  /// and tells some of them so.
  private func rebalance(lossy: Bool) {
    var owners: [TopicPartition: Int] = [:]
    for partition in cluster.withState({ $0.broker.partitions }) {
      owners[partition] = world.number(in: 0...members.count - 1)
    }
    if lossy { cluster.withState { $0.broker.assign(owners) } }
    for (index, member) in members.enumerated() {
      let gone = member.source.assigned.filter { owners[$0] != index }.sorted()
      let isLost = lossy && world.oneIn(2)
      member.hear(
        isLost ? .lost(gone) : .revoked(gone, patience: world.number(in: 0...60)))
    }
    if !lossy { cluster.withState { $0.broker.assign(owners) } }
    for (index, member) in members.enumerated() {
      member.hear(.assigned(owners.filter { $0.value == index }.keys.sorted()))
    }
  }

  /// A daemon dies with everything it held; its successor joins the group.
  private mutating func crash(_ index: Int) {
    members[index] = makeMember(index)
    rebalance(lossy: world.oneIn(2))
  }
}
