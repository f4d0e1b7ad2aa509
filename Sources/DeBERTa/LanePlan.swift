/// Which lanes of a CPU judge which sequences of a batch.
///
/// A lane is a few threads that judge a batch of their own: within a lane every operation of a
/// layer ends with a wait for its slowest thread, between lanes nothing waits before the batch is
/// done. A batch whose sequences do not spread well is judged by all threads together.
package struct LanePlan: Equatable, Sendable {
  /// Numbers of sequences by lane; nil for all threads together.
  package let lanes: [[Int]]?

  /// - Parameters:
  ///   - costs: what each sequence costs, in any unit.
  ///   - lanes: lanes that there are.
  ///   - threads: threads of each lane.
  package init(costs: [Double], lanes count: Int, threads: Int) {
    guard count > 1, costs.count > 1 else {
      lanes = nil
      return
    }
    // The longest first, each to the lane that is free first: at most 4/3 of the least possible
    // (Graham 1969).
    var loads = [Double](repeating: 0, count: count)
    var parts = [[Int]](repeating: [], count: count)
    for index in costs.indices.sorted(by: { (costs[$1], $0) < (costs[$0], $1) }) {
      let lane = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
      loads[lane] += costs[index]
      parts[lane].append(index)
    }
    let apart = (loads.max() ?? 0) / Self.speed(of: threads)
    let together = costs.reduce(0, +) / Self.speed(of: count * threads)
    // In the batch's order, as its results are.
    lanes = apart < together ? parts.filter { !$0.isEmpty }.map { $0.sorted() } : nil
  }

  /// Threads of each lane where there are so many in all: few, since lanes wait for nothing; yet at
  /// most about 16 lanes, since a batch has only so many sequences to spread.
  package static func threadsPerLane(of threads: Int) -> Int {
    switch threads {
    case ..<8: 1
    case ..<32: 2
    case ..<64: 4
    default: 8
    }
  }

  /// How many times as fast as one thread so many are together: two of them were measured to be
  /// 1.94 times as fast, and the rest follows from that as in Amdahl's law.
  package static func speed(of threads: Int) -> Double {
    Double(threads) / (1 + 0.03 * Double(threads - 1))
  }
}
