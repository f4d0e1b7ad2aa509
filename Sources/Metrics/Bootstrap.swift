internal import Basics

/// Resampling of rows with replacement, each class by itself: a replicate has as many rows of each
/// class as the set, so metrics that the set defines by its classes stay defined, and intervals are
/// for the set's own share of unsafe rows.
///
/// What is drawn depends only on seed, stream, replicate and the classes of the rows. Two models
/// measured on the same rows with the same seed and stream are therefore measured on the same
/// replicates, which makes their differences a paired bootstrap.
package struct Bootstrap: Hashable, Sendable {
  /// Replicates that a run draws at most.
  package static let replicatesMax = 100_000

  package let replicates: Int
  package let seed: UInt64

  package init(replicates: Int, seed: UInt64) {
    precondition((0...Self.replicatesMax).contains(replicates))
    self.replicates = replicates
    self.seed = seed
  }

  /// Every metric of every replicate.
  ///
  /// - Parameter stream: tells sets apart whose draws shall be independent.
  package func measure(
    _ ranked: RankedScores, threshold: Double, stream: UInt64
  ) -> ReplicateValues {
    var values = ReplicateValues(replicates: replicates)
    var tally = ScoreTally(scores: ranked.tally.scores)
    for replicate in 0..<replicates {
      var generator = SplitMix64(seed: seed, stream: stream, replicate: UInt64(replicate))
      tally.draw(ranked, with: &generator)
      values.set(tally.values(threshold: threshold), at: replicate)
    }
    return values
  }
}

extension SplitMix64 {
  /// The generator of one replicate of one stream, so that any can be drawn again without those
  /// before it.
  fileprivate init(seed: UInt64, stream: UInt64, replicate: UInt64) {
    let state = [stream, replicate].reduce(seed) { state, number in
      mix64(state &+ Self.increment) ^ mix64(number &+ Self.increment)
    }
    self.init(seed: state)
  }
}

extension ScoreTally {
  /// Replaces the weights by those of one replicate.
  fileprivate mutating func draw(_ ranked: RankedScores, with generator: inout SplitMix64) {
    Self.draw(ranked.unsafePlaces, ranked.unsafeWeights, into: &unsafeCounts, with: &generator)
    Self.draw(ranked.safePlaces, ranked.safeWeights, into: &safeCounts, with: &generator)
  }

  private static func draw(
    _ places: [Int], _ weights: [Double]?, into tally: inout [Double],
    with generator: inout SplitMix64
  ) {
    for place in tally.indices { tally[place] = 0 }
    for _ in places.indices {
      let row = generator.next(below: places.count)
      tally[places[row]] += weights?[row] ?? 1
    }
  }
}
