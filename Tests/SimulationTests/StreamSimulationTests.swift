import Pipeline
import Records
import TestSupport
import Testing

/// The whole stream in virtual time: several daemons on one consumer group, with rebalances, lost
/// partitions, failing batches, aborted transactions, swapped models and crashes, all from one seed.
@Suite struct StreamSimulationTests {
  @Test(arguments: 0..<200 as Range<UInt64>)
  func everyRecordComesOutOnceAndInOrder(seed: UInt64) {
    var simulation = Simulation(seed: seed)
    simulation.run()
    simulation.checkOutputs()
  }
}

private struct Simulation {
  var random: SeededGenerator
  var broker: SimulatedBroker
  var members: [SimulatedMember]
  var now = StreamInstant.zero
  let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    let partitionCount = Int.random(in: 1...4, using: &random)
    broker = SimulatedBroker(
      partitionCount: partitionCount,
      recordsPerPartition: Int.random(in: 30...120, using: &random))
    let memberCount = Int.random(in: 1...3, using: &random)
    members = (0..<memberCount).map { SimulatedMember(number: $0, now: .zero) }
    rebalance(lossy: false)
  }

  mutating func run() {
    var steps = 0
    while !broker.isComplete, steps < 200_000 {
      steps += 1
      now = now.advanced(byMilliseconds: Int.random(in: 0...2, using: &random))
      let faults = steps < 20_000
      if faults, random.oneIn(150) { rebalance(lossy: random.oneIn(3)) }
      if faults, random.oneIn(300) { crash() }
      let index = Int.random(in: members.indices, using: &random)
      if random.oneIn(100) { members[index].swapModel(Int32(steps)) }
      members[index].step(broker: &broker, now: now, random: &random, faults: faults)
    }
    #expect(broker.isComplete, "seed \(seed): the stream stopped making progress")
  }

  func checkOutputs() {
    for partition in broker.partitions {
      let outputs = broker.outputs[partition] ?? []
      let offsets = outputs.map(\.source.offset.rawValue)
      #expect(
        offsets == Array(0..<Int64(broker.recordsPerPartition)),
        "seed \(seed): lost, repeated or reordered in \(partition)")
      for output in outputs where output.source.offset.rawValue % 11 == 10 {
        let isTombstone = output.source.offset.rawValue % 13 == 12
        #expect(
          output.isDeadLetter || isTombstone, "seed \(seed): a malformed record got a verdict")
      }
    }
  }

  /// Spreads the partitions anew. A lossy rebalance has moved on before the members could drain.
  private mutating func rebalance(lossy: Bool) {
    var owners: [TopicPartition: Int] = [:]
    for partition in broker.partitions {
      owners[partition] = Int.random(in: members.indices, using: &random)
    }
    if lossy { broker.assign(owners) }
    for index in members.indices {
      let mine = owners.filter { $0.value == index }.keys.sorted()
      members[index].rebalance(
        to: mine, broker: &broker, patience: Int.random(in: 0...60, using: &random), now: &now,
        random: &random)
    }
    if !lossy { broker.assign(owners) }
    for index in members.indices {
      members[index].join(owners.filter { $0.value == index }.keys.sorted(), broker: broker)
    }
  }

  /// A daemon dies with everything it held; its successor joins the group.
  private mutating func crash() {
    let index = Int.random(in: members.indices, using: &random)
    members[index] = SimulatedMember(number: index, now: now)
    rebalance(lossy: random.oneIn(2))
  }
}
