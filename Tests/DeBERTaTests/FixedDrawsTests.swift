import DeBERTa
import Tensors
import TestSupport
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func weightsOfANewModel() throws {
    let pool = WorkerPool(workers: 1)
    let configuration = try DeBERTaClassifier(
      folder: GoldenCase.url("v3-style").path, pool: pool
    ).configuration
    let model = TrainableModel(configuration: configuration, seed: 5, pool: pool)
    let weights = model.parameters.weights
    let floats = weights.withValues(0..<weights.count) { span in (0..<8).map { span[$0] } }
    #expect(
      floats == [
        0.0002866949, -0.01977694, 0.011812419, 0.00850754, -0.009441797, 0.008798701, -0.058085527,
        -0.004058207,
      ])
  }
}
