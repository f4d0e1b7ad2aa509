import Records

/// One run of the whole stream in virtual time.
struct Simulation {
  let cluster: SimulatedCluster
  private let setup: SimulationSetup
  private let world: SimulatedWorld
  private var members: [SimulatedMember] = []
  /// Steps since nothing goes wrong any more.
  private(set) var stepsInPeace = 0

  /// Then all records must be through after so many; the slowest of 10,000 seeds needs 7,506.
  static let peacefulSteps = 20_000

  init(_ setup: SimulationSetup) {
    self.setup = setup
    world = SimulatedWorld(seed: setup.seed)
    world.hasFaults = setup.hasFailingModels
    let broker = SimulatedBroker(
      partitionCount: setup.partitions, recordsPerPartition: setup.records,
      verifiesTransactions: setup.verifiesTransactions)
    cluster = SimulatedCluster(
      broker: broker, seed: ~setup.seed, faultsOneIn: setup.lateRequestsOneIn)
    members = (0..<setup.members).map(makeMember)
    rebalance(lossy: false)
  }

  /// What a setup leads to that should not happen.
  static func violations(of setup: SimulationSetup) -> [String] {
    var simulation = Simulation(setup)
    simulation.run()
    return simulation.violations
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
    while !cluster.withState({ $0.broker.isComplete }), stepsInPeace < Self.peacefulSteps {
      steps += 1
      world.advance(byMilliseconds: world.number(in: 0...2))
      let faults = steps < setup.troubledSteps
      if !faults {
        stepsInPeace += 1
        world.hasFaults = false
        cluster.withState { $0.hasFaults = false }
      }
      if faults, setup.rebalances, world.oneIn(150) { rebalance(lossy: world.oneIn(3)) }
      if faults, setup.crashes, world.oneIn(300), let index = world.index(of: members) {
        crash(index)
      }
      for index in members.indices where members[index].isGone { crash(index) }
      let member = members[world.number(in: 0...members.count - 1)]
      if setup.swapsModels, world.oneIn(100) { member.swapModel(Int32(steps)) }
      member.step()
    }
  }

  private func makeMember(_ number: Int) -> SimulatedMember {
    SimulatedMember(number: number, cluster: cluster, world: world, setup: setup)
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
