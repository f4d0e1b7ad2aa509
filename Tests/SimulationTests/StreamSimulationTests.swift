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
  private let order: SimulatedPublisher.Order
  private var random: SeededGenerator
  private var members: [SimulatedMember] = []
  private var now = Instant.zero

  init(seed: UInt64, order: SimulatedPublisher.Order, hasLateRequests: Bool = true) {
    self.order = order
    random = SeededGenerator(seed: seed)
    let broker = SimulatedBroker(
      partitionCount: Int.random(in: 1...4, using: &random),
      recordsPerPartition: Int.random(in: 30...120, using: &random),
      verifiesTransactions: Bool.random(using: &random))
    cluster = SimulatedCluster(
      broker: broker, seed: ~seed,
      faultsOneIn: hasLateRequests ? Int.random(in: 5...60, using: &random) : 0)
    let memberCount = Int.random(in: 1...3, using: &random)
    members = (0..<memberCount).map(makeMember)
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
      now = now.advanced(byMilliseconds: Int.random(in: 0...2, using: &random))
      let faults = steps < 20_000
      if !faults { cluster.withState { $0.hasFaults = false } }
      if faults, random.oneIn(150) { rebalance(lossy: random.oneIn(3)) }
      if faults, random.oneIn(300) { crash(Int.random(in: members.indices, using: &random)) }
      for index in members.indices where members[index].isGone { crash(index) }
      let index = Int.random(in: members.indices, using: &random)
      if random.oneIn(100) { members[index].swapModel(Int32(steps)) }
      members[index].step(now: now, random: &random, faults: faults)
    }
  }

  private func makeMember(_ number: Int) -> SimulatedMember {
    SimulatedMember(number: number, cluster: cluster, order: order, now: now)
  }

  /// Spreads the partitions anew. A lossy rebalance has moved on before the members could drain.
  private mutating func rebalance(lossy: Bool) {
    var owners: [TopicPartition: Int] = [:]
    for partition in cluster.withState({ $0.broker.partitions }) {
      owners[partition] = Int.random(in: members.indices, using: &random)
    }
    if lossy { cluster.withState { $0.broker.assign(owners) } }
    for index in members.indices {
      let mine = owners.filter { $0.value == index }.keys.sorted()
      members[index].rebalance(
        to: mine, patience: Int.random(in: 0...60, using: &random), now: &now, random: &random)
    }
    if !lossy { cluster.withState { $0.broker.assign(owners) } }
    for index in members.indices {
      members[index].join(owners.filter { $0.value == index }.keys.sorted())
    }
  }

  /// A daemon dies with everything it held; its successor joins the group.
  private mutating func crash(_ index: Int) {
    members[index] = makeMember(index)
    rebalance(lossy: random.oneIn(2))
  }
}
