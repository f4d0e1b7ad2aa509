internal import Synchronization
package import Tensors

/// A model on the CPU whose batches are spread over lanes, each a few threads with a batch of their
/// own, or judged by all threads together; see `LanePlan`.
package final class LanedClassifier: SequenceClassifier {
  /// All threads together.
  package let whole: DeBERTaClassifier
  private let lanes: [DeBERTaClassifier]
  /// One thread a lane, which works in it; nil without lanes.
  private let starters: WorkerPool?
  private let threadsPerLane: Int

  package var configuration: ModelConfiguration { whole.configuration }
  package var hash: ContentHash { whole.hash }
  package var packedTokensMax: Int { whole.packedTokensMax }

  /// Lanes for as many threads as `whole` has.
  package init(_ whole: DeBERTaClassifier) {
    self.whole = whole
    let threads = whole.threads
    threadsPerLane = LanePlan.threadsPerLane(of: threads)
    let count = threads / threadsPerLane
    if count > 1 {
      let each = threadsPerLane
      lanes = (0..<count).map { _ in DeBERTaClassifier(whole, pool: WorkerPool(workers: each)) }
      starters = WorkerPool(workers: count)
    } else {
      lanes = []
      starters = nil
    }
  }

  /// The same model on other threads, with the same weights in memory.
  package convenience init(_ other: LanedClassifier, pool: WorkerPool) {
    self.init(DeBERTaClassifier(other.whole, pool: pool))
  }

  package func classify(_ batch: TokenBatch, into results: inout [Logits]) throws(BatchError) {
    let costs = (0..<batch.count).map { sequence in
      let tokens = batch.range(of: sequence).count
      return Double(tokens) * Double(configuration.multiplyAdds(length: tokens))
    }
    let plan = LanePlan(costs: costs, lanes: lanes.count, threads: threadsPerLane)
    guard let parts = plan.lanes, let starters else {
      return try whole.classify(batch, into: &results)
    }
    // Errors name a sequence by its number in the whole batch.
    try configuration.check(batch)
    let outcomes = Mutex([Result<[Logits], BatchError>?](repeating: nil, count: parts.count))
    starters.parallelFor(parts.count) { index, lane in
      let part = batch.part(parts[index])
      let outcome = Result { () throws(BatchError) in try lanes[lane].classify(part) }
      outcomes.withLock { $0[index] = outcome }
    }
    var logits = [Logits?](repeating: nil, count: batch.count)
    for (part, outcome) in zip(parts, outcomes.withLock { $0 }) {
      guard let outcome else { preconditionFailure("a lane has not judged") }
      for (sequence, found) in zip(part, try outcome.get()) { logits[sequence] = found }
    }
    results += logits.compactMap(\.self)
  }
}
