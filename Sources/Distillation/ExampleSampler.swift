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
      var random = SplitMix(seed: seed, stream: UInt64(step))
      return (0..<batchSize).map { _ in
        let members = byClass[Int(random.next(below: UInt64(byClass.count)))]
        return members[Int(random.next(below: UInt64(members.count)))]
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
    var random = SplitMix(seed: seed, stream: UInt64(epoch) | 1 << 63)
    for place in order.indices.dropLast() {
      order.swapAt(place, place + Int(random.next(below: UInt64(count - place))))
    }
  }
}

/// Random numbers of one of many streams (SplitMix64; Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64, stream: UInt64) {
    state = seed
    state = next() ^ (stream &* 0xD1B5_4A32_D192_ED03)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var x = state
    x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
    x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
    return x ^ (x >> 31)
  }

  /// Below `bound`, to one part in 2^32 evenly; bounds are numbers of examples.
  mutating func next(below bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }
}
