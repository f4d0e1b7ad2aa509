import Foundation
import Records
import TestSupport
import Testing

/// The whole stream in virtual time: several daemons on one consumer group, with rebalances, lost
/// partitions, failing batches, requests that come late, swapped models and crashes, all from one
/// seed.
@Suite struct StreamSimulationTests {
  /// `SLUICE_SIMULATION_SEEDS=FIRST,COUNT` takes others: `make simulate`.
  private static let seeds: Range<UInt64> = {
    let given = ProcessInfo.processInfo.environment["SLUICE_SIMULATION_SEEDS"] ?? "0,10000"
    let numbers = given.split(separator: ",").compactMap { UInt64($0) }
    precondition(numbers.count == 2, "SLUICE_SIMULATION_SEEDS=FIRST,COUNT")
    return numbers[0]..<numbers[0] + numbers[1]
  }()
  private static let pieces: [Range<UInt64>] = stride(
    from: seeds.lowerBound, to: seeds.upperBound, by: 100
  ).map { $0..<min($0 + 100, seeds.upperBound) }

  /// Nothing is lost, repeated or reordered, and when faults have ended all of it comes out soon.
  @Test(arguments: pieces) func everyRecordComesOutOnceAndInOrder(seeds: Range<UInt64>) {
    for seed in seeds {
      let setup = SimulationSetup(seed: seed)
      let violations = Simulation.violations(of: setup)
      if violations.isEmpty { continue }
      let least = setup.shrunk { !Simulation.violations(of: $0).isEmpty }
      Issue.record(
        "\(setup): \(violations); shrunk to \(least): \(Simulation.violations(of: least))")
      return  // One of a piece is enough: making it smaller takes long.
    }
  }

  /// The simulation sees what went wrong in the field, and soon.
  @Test(arguments: [SimulatedPublisher.Order.former, .acknowledgedFirst])
  func anOrderThatTrustsLateRequestsIsCaught(order: SimulatedPublisher.Order) throws {
    let caught = (0..<50 as Range<UInt64>).map { SimulationSetup(seed: $0, order: order) }.first {
      !Simulation.violations(of: $0).isEmpty
    }
    // Without late requests it would not fail, nor without any other thing that is left.
    let first = try #require(caught)
    let least = first.shrunk { !Simulation.violations(of: $0).isEmpty }
    #expect(!Simulation.violations(of: least).isEmpty)
    #expect(least != first && least.lateRequestsOneIn > 0, "\(least)")
    for smaller in least.smaller {
      #expect(Simulation.violations(of: smaller).isEmpty, "\(smaller) fails as well")
    }
  }

  /// What it sees there is the late requests' doing.
  @Test(arguments: SimulatedPublisher.Order.allCases)
  func anyOrderWillDoWhereNothingComesLate(order: SimulatedPublisher.Order) {
    for seed in 0..<50 as Range<UInt64> {
      var setup = SimulationSetup(seed: seed, order: order)
      setup.lateRequestsOneIn = 0
      #expect(Simulation.violations(of: setup) == [], "\(setup)")
    }
  }

  @Test func eachKindOfRequestComesLate() {
    var late: Set<String> = []
    for seed in 0..<20 as Range<UInt64> {
      var simulation = Simulation(SimulationSetup(seed: seed))
      simulation.run()
      late.formUnion(simulation.cluster.withState { $0.late.keys })
    }
    let all: Set = [
      "AddPartitionsToTxn", "Produce", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn",
    ]
    #expect(late == all)
  }
}
