/// How the guard does on live traffic, as the teacher sees it.
///
/// All exchanges of a sliding window are counted by cell: flagged or not, and the strata they
/// belong to. Within a cell every exchange has the same probability of being labelled, so the
/// labels are a random sample of it. The share of unsafe ones in a cell is Hájek's ratio of the
/// labels weighted by 1/π (π: the probability with which the record was included), and is
/// multiplied by the cell's known size: the post-stratified form of Horvitz and Thompson's
/// estimator. It is unbiased given the cells' sample sizes. It stays so when labels are missing at
/// random within a cell, as when the budget is spent; that one tenant's cap leaves out more of that
/// tenant is not corrected for.
///
/// Recall = unsafe flagged / all unsafe; false-positive rate = safe flagged / all safe. Everything
/// is relative to the teacher: where it errs, so do these.
package struct LiveEstimator: Hashable, Sendable, Codable {
  /// Parts that the window moves by.
  package static let bucketCount: Int64 = 60

  /// Which exchanges are alike for sampling.
  package struct Cell: Hashable, Sendable, Codable {
    package let isFlagged: Bool
    package let strata: Set<String>

    package init(isFlagged: Bool, strata: [Stratum]) {
      self.isFlagged = isFlagged
      self.strata = Set(strata.map(\.rawValue))
    }
  }

  private struct Tally: Hashable, Sendable, Codable {
    var judged = 0
    var labels = 0
    /// Σ w, Σ w² and Σ w·y of the labels: w = 1/π, y = 1 for unsafe.
    var weights = 0.0
    var squaredWeights = 0.0
    var unsafeWeights = 0.0

    mutating func add(_ other: Tally) {
      judged += other.judged
      labels += other.labels
      weights += other.weights
      squaredWeights += other.squaredWeights
      unsafeWeights += other.unsafeWeights
    }
  }

  package let windowMilliseconds: Int64
  private var buckets: [Int64: [Cell: Tally]] = [:]

  package init(windowMilliseconds: Int64) {
    self.windowMilliseconds = max(Self.bucketCount, windowMilliseconds)
  }

  /// Counts an exchange that was judged at that time.
  package mutating func judged(_ cell: Cell, atMilliseconds time: Int64) {
    update(cell, time) { $0.judged += 1 }
  }

  /// Counts the teacher's label on an exchange that was judged at that time.
  package mutating func labelled(
    _ cell: Cell, atMilliseconds time: Int64, inclusionProbability: Double, isUnsafe: Bool
  ) {
    guard inclusionProbability > 0 else { return }
    let weight = 1 / inclusionProbability
    update(cell, time) { tally in
      tally.labels += 1
      tally.weights += weight
      tally.squaredWeights += weight * weight
      if isUnsafe { tally.unsafeWeights += weight }
    }
  }

  /// What the window that ends at `now` tells.
  package func estimates(nowMilliseconds now: Int64) -> LiveEstimates {
    var cells: [Cell: Tally] = [:]
    let oldest = bucket(of: now) - Self.bucketCount
    for (bucket, tallies) in buckets where bucket > oldest {
      for (cell, tally) in tallies { cells[cell, default: Tally()].add(tally) }
    }
    let flagged = side(cells.filter(\.key.isFlagged).values.map { $0 })
    let passed = side(cells.filter { !$0.key.isFlagged }.values.map { $0 })
    return LiveEstimates(
      judged: cells.values.reduce(0) { $0 + $1.judged },
      labels: cells.values.reduce(0) { $0 + $1.labels },
      recall: flagged.flatMap { flagged in
        passed.flatMap { Estimate.share(flagged.unsafe, of: $0.unsafe) }
      },
      falsePositiveRate: flagged.flatMap { flagged in
        passed.flatMap { Estimate.share(flagged.safe, of: $0.safe) }
      })
  }

  /// The numbers of unsafe and of safe exchanges on one side of the threshold; nil when exchanges
  /// are there and none is labelled.
  private func side(_ tallies: [Tally]) -> (unsafe: Estimate, safe: Estimate)? {
    let present = tallies.filter { $0.judged > 0 || $0.labels > 0 }
    let weights = present.reduce(0) { $0 + $1.weights }
    guard !present.isEmpty else {
      let none = Estimate(value: 0, lower: 0, upper: 0)
      return (none, none)
    }
    guard weights > 0 else { return nil }
    let pooled = present.reduce(0) { $0 + $1.unsafeWeights } / weights
    let shares = present.map { tally in
      (
        factor: Double(max(tally.judged, tally.labels)),
        estimate: Self.unsafeShare(tally, otherwise: pooled)
      )
    }
    return (
      Estimate.sum(shares),
      Estimate.sum(shares.map { ($0.factor, $0.estimate.complement) })
    )
  }

  /// The share of unsafe exchanges in a cell. Without labels nothing is known of it: it is taken to
  /// be as on the whole side, with an interval from 0 to 1.
  private static func unsafeShare(_ tally: Tally, otherwise pooled: Double) -> Estimate {
    guard tally.labels > 0, tally.weights > 0 else {
      return Estimate(value: pooled, lower: 0, upper: 1)
    }
    // Kish's effective size (1965), and what a sample of a finite number leaves open.
    let effective = tally.weights * tally.weights / tally.squaredWeights
    let unseen = 1 - Double(tally.labels) / Double(max(tally.judged, tally.labels))
    return Estimate.proportion(
      min(1, tally.unsafeWeights / tally.weights),
      effectiveCount: unseen > 0 ? effective / unseen : .infinity)
  }

  private mutating func update(_ cell: Cell, _ time: Int64, _ change: (inout Tally) -> Void) {
    let bucket = bucket(of: time)
    if buckets[bucket] == nil {
      let newest = max(bucket, buckets.keys.max() ?? bucket)
      buckets = buckets.filter { $0.key > newest - Self.bucketCount }
      guard bucket > newest - Self.bucketCount else { return }
    }
    change(&buckets[bucket, default: [:]][cell, default: Tally()])
  }

  private func bucket(of time: Int64) -> Int64 { time / (windowMilliseconds / Self.bucketCount) }
}

/// What a window of live traffic tells of the guard, relative to the teacher.
package struct LiveEstimates: Hashable, Sendable {
  /// Exchanges with a verdict in the window, and how many of them are labelled.
  package let judged: Int
  package let labels: Int
  /// nil while there is nothing to tell it from.
  package let recall: Estimate?
  package let falsePositiveRate: Estimate?
}

extension Estimate {
  /// One minus a proportion.
  fileprivate var complement: Estimate {
    Estimate(value: 1 - value, lower: 1 - upper, upper: 1 - lower)
  }
}
