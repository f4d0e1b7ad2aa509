import TestSupport

/// What a run is made of: a seed derives it, and one that fails is made smaller.
struct SimulationSetup: Hashable, CustomStringConvertible {
  /// Of every chance in the run.
  let seed: UInt64
  let order: SimulatedPublisher.Order
  var partitions: Int
  /// Of each partition.
  var records: Int
  /// Daemons.
  var members: Int
  var verifiesTransactions: Bool
  /// Once in how many requests something goes wrong; 0 for never.
  var lateRequestsOneIn: Int
  /// Nothing goes wrong after so many steps.
  var troubledSteps: Int
  /// Exchanges of more tokens are of a class of their own; nil for none.
  var longTokens: Int?
  var rebalances = true
  var crashes = true
  var swapsModels = true
  var hasFailingModels = true

  init(seed: UInt64, order: SimulatedPublisher.Order = .asBuilt) {
    self.seed = seed
    self.order = order
    var random = SeededGenerator(seed: seed)
    partitions = Int.random(in: 1...4, using: &random)
    records = Int.random(in: 30...120, using: &random)
    members = Int.random(in: 1...3, using: &random)
    verifiesTransactions = random.oneIn(2)
    lateRequestsOneIn = Int.random(in: 5...60, using: &random)
    troubledSteps = Int.random(in: 100...20_000, using: &random)
    longTokens = random.oneIn(4) ? nil : Int.random(in: 5...20, using: &random)
  }

  /// The same with less of one thing; nothing where there is less of nothing.
  var smaller: [SimulationSetup] {
    var results: [SimulationSetup] = []
    func add(_ change: (inout SimulationSetup) -> Void) {
      var result = self
      change(&result)
      if result != self { results.append(result) }
    }
    add { $0.partitions = 1 }
    add { $0.members = 1 }
    add { $0.crashes = false }
    add { $0.rebalances = false }
    add { $0.swapsModels = false }
    add { $0.hasFailingModels = false }
    add { $0.lateRequestsOneIn = 0 }
    add { $0.longTokens = nil }
    add { $0.troubledSteps /= 2 }
    add { $0.partitions = max(1, $0.partitions - 1) }
    add { $0.members = max(1, $0.members - 1) }
    add { $0.records = max(1, $0.records / 2) }
    add { $0.records = max(1, $0.records - 1) }
    return results
  }

  /// The least of what fails as well: whatever is left in it is needed.
  func shrunk(while fails: (SimulationSetup) -> Bool) -> SimulationSetup {
    var least = self
    while let next = least.smaller.first(where: fails) { least = next }
    return least
  }

  var description: String {
    let parts = [
      "seed \(seed)", "\(troubledSteps) steps with faults",
      "\(partitions) partitions of \(records) records", "\(members) daemons",
      verifiesTransactions ? "leaders ask the coordinator" : nil,
      lateRequestsOneIn > 0 ? "one request in \(lateRequestsOneIn) late" : nil,
      longTokens.map { "long ones of more than \($0) tokens" },
      rebalances ? "rebalances" : nil, crashes ? "crashes" : nil,
      swapsModels ? "models swapped" : nil, hasFailingModels ? "models fail" : nil,
    ]
    return parts.compactMap(\.self).joined(separator: ", ")
  }
}
