import DeBERTa
import Tensors
import TestSupport
import Testing

/// Batches that lanes share.
@Suite struct LaneTests {
  @Test(arguments: [2, 3, 16]) func everySequenceIsJudgedOnceAndNearlyAsSoonAsPossible(lanes: Int) {
    for seed in UInt64(1)...50 {
      var random = SeededGenerator(seed: seed)
      let costs = (0..<Int.random(in: 2...60, using: &random)).map { _ in
        Double.random(in: 1...100, using: &random)
      }
      let plan = LanePlan(costs: costs, lanes: lanes, threads: 1)
      guard let parts = plan.lanes else { continue }
      #expect(parts.joined().sorted() == Array(costs.indices))
      #expect(parts.count <= lanes && parts.allSatisfy { $0 == $0.sorted() && !$0.isEmpty })
      let longest = parts.map { $0.reduce(0) { $0 + costs[$1] } }.max() ?? 0
      let least = max(costs.reduce(0, +) / Double(lanes), costs.max() ?? 0)
      #expect(longest <= 4.0 / 3 * least + (costs.max() ?? 0) / 3, "\(longest), \(least)")
    }
  }

  @Test func whatDoesNotSpreadIsJudgedTogether() {
    #expect(LanePlan(costs: [], lanes: 4, threads: 1).lanes == nil)
    #expect(LanePlan(costs: [1], lanes: 4, threads: 1).lanes == nil)
    #expect(LanePlan(costs: [100, 1], lanes: 2, threads: 1).lanes == nil)
    #expect(LanePlan(costs: [1, 1], lanes: 1, threads: 2).lanes == nil)
    #expect(LanePlan(costs: [1, 1], lanes: 2, threads: 1).lanes == [[0], [1]])
    #expect(LanePlan(costs: [1, 3, 2], lanes: 2, threads: 1).lanes == [[1], [0, 2]])
  }

  @Test func lanesAreFewWhereverThereAreManyThreads() {
    for threads in 1...512 {
      let lanes = threads / LanePlan.threadsPerLane(of: threads)
      #expect(lanes >= 1 && (threads >= 256 || lanes <= 31), "\(threads)")
    }
  }

  /// The same logits as by all threads together, in the batch's order.
  @Test(arguments: [nil, ProductFormat.bf16, .int8], [2, 3])
  func lanesJudgeAsAllThreadsDo(format: ProductFormat?, threads: Int) throws {
    let pool = WorkerPool(workers: threads)
    let loaded = try LoadedModel(folder: GoldenCase.url("v3-style").path, pool: pool)
    let whole =
      if let format {
        DeBERTaClassifier(loaded, format: format, pool: pool)
      } else {
        DeBERTaClassifier(loaded, pool: pool)
      }
    let laned = LanedClassifier(whole)
    var random = SeededGenerator(seed: 3)
    let longest = loaded.configuration.absolutePositions ?? 200
    for count in [1, 2, 5, 40] {
      var batch = TokenBatch()
      for _ in 0..<count {
        let tokens = (0..<Int.random(in: 1...min(200, longest), using: &random)).map { _ in
          Int32.random(in: 0..<Int32(loaded.configuration.vocabulary), using: &random)
        }
        batch.append(tokens, secondStart: tokens.count / 2)
      }
      let (found, expected) = (try laned.classify(batch), try whole.classify(batch))
      #expect(found.count == count)
      for (one, other) in zip(found, expected) {
        #expect(abs(one.safe - other.safe) < 1e-5 && abs(one.unsafe - other.unsafe) < 1e-5)
      }
    }
  }

  @Test func anErrorNamesTheSequenceOfTheWholeBatch() throws {
    let pool = WorkerPool(workers: 2)
    let laned = LanedClassifier(
      try DeBERTaClassifier(folder: GoldenCase.url("v3-style").path, pool: pool))
    let batch = TokenBatch([[1, 2], [3], [4, .max], [5, 6]] as [[Int32]])
    #expect(throws: BatchError.unknownToken(sequence: 2)) { try laned.classify(batch) }
  }
}
