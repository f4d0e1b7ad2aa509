package import Basics

/// The generator of tests whose failures print their seed.
package typealias SeededGenerator = SplitMix64

extension SplitMix64 {
  /// True once in `count` times on average.
  package mutating func oneIn(_ count: Int) -> Bool {
    Int.random(in: 0..<count, using: &self) == 0
  }
}
