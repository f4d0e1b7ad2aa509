import DeBERTa
import Distillation
import Foundation
import Tensors
import TestSupport
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func examplesOfBalancedSteps() {
    var sampler = ExampleSampler(
      isUnsafe: (0..<100).map { $0 < 5 }, balances: true, batchSize: 8, seed: 1)
    #expect(sampler.indices(step: 0) == [94, 78, 78, 1, 28, 4, 79, 1])
    #expect(sampler.indices(step: 7) == [4, 13, 1, 76, 20, 99, 91, 67])
  }

  @Test func examplesOfEpochs() {
    var sampler = ExampleSampler(
      isUnsafe: Array(repeating: true, count: 10), balances: false, batchSize: 10, seed: 42)
    #expect(sampler.indices(step: 0) == [9, 3, 7, 0, 6, 2, 8, 4, 5, 1])
    #expect(sampler.indices(step: 3) == [5, 6, 1, 4, 2, 8, 7, 9, 0, 3])
  }

  @Test func adaptersAtTheirStart() throws {
    let pool = WorkerPool(workers: 1)
    let model = try TrainableModel(folder: GoldenCase.url("v3-style").path, pool: pool)
    let adapters = LowRankAdapters(
      model: model, recipe: TrainingRecipe.LowRank(), seed: 17, pool: pool)
    let down = adapters.tensors[1].weight
    let floats = down.arena.withValues(down.range) { span in span.indices.prefix(6).map { span[$0] }
    }
    #expect(
      floats == [-0.031375736, 0.09914249, -0.023211822, -0.101643875, 0.04227662, 0.01898843])
  }

  /// The hash at the end of a checkpoint.
  @Test func checkpointHash() throws {
    let directory = try TemporaryDirectory()
    let arena = FloatArena(count: 5)
    arena.withMutableValues(0..<5) { floats in for index in 0..<5 { floats[index] = Float(index) } }
    let path = directory.path + "/checkpoint"
    try TrainingCheckpoint(fingerprint: "f", history: []).write(
      [ArenaTensor(arena: arena, offset: 0, shape: [5])], to: path)
    let data = try Data(contentsOf: URL(filePath: path))
    #expect(Array(data.suffix(8)) == [79, 233, 107, 180, 117, 102, 77, 147])
  }
}
