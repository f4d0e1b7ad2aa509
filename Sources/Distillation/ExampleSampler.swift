internal import Basics

/// Which examples each step trains on: a function of seed and step, so that a resumed training
/// draws the same.
package struct ExampleSampler {
  private let byClass: [[Int]]
  private let count: Int
  private let batchSize: Int
  private let seed: UInt64
  private var epoch = -1
  private var order: [Int] = []

  /// - Parameter balances: each class is drawn equally often, with replacement, which is what
  ///   weights inverse to the classes' frequencies come to.
  package init(isUnsafe: [Bool], balances: Bool, batchSize: Int, seed: UInt64) {
    let classes = [false, true].map { label in isUnsafe.indices.filter { isUnsafe[$0] == label } }
    byClass = balances ? classes.filter { !$0.isEmpty } : []
    count = isUnsafe.count
    self.batchSize = batchSize
    self.seed = seed
  }

  /// Indices of the examples of a step.
  package mutating func indices(step: Int) -> [Int] {
    guard byClass.isEmpty else {
      var random = SplitMix64(seed: seed, stream: UInt64(step))
      return (0..<batchSize).map { _ in
        let members = byClass[random.next(below: byClass.count)]
        return members[random.next(below: members.count)]
      }
    }
    return (step * batchSize..<(step + 1) * batchSize).map { draw in
      shuffle(epoch: draw / count)
      return order[draw % count]
    }
  }

  private mutating func shuffle(epoch: Int) {
    guard epoch != self.epoch else { return }
    self.epoch = epoch
    order = Array(0..<count)
    var random = SplitMix64(seed: seed, stream: UInt64(epoch) | 1 << 63)
    for place in order.indices.dropLast() {
      order.swapAt(place, place + random.next(below: count - place))
    }
  }
}

extension SplitMix64 {
  /// The generator of one of many streams.
  init(seed: UInt64, stream: UInt64) {
    self.init(seed: mix64(seed &+ Self.increment) ^ (stream &* 0xD1B5_4A32_D192_ED03))
  }
}
