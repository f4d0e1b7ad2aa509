import DeBERTa
import Tensors
import TestSupport
import Testing

/// Scores and states against those that PyTorch computed (Tests/Fixtures/make_golden.py).
@Suite struct GoldenTests {
  static let pool = WorkerPool(workers: 3)

  @Test(arguments: GoldenCase.folders) func everyCaseHasPyTorchsScore(folder: String) throws {
    let model = try DeBERTaClassifier(folder: Fixtures.golden(folder), pool: GoldenTests.pool)
    let cases = try GoldenCase.all(in: folder)
    #expect(cases.count >= 10)
    for golden in cases {
      let logits = try model.classify(TokenBatch([golden.token_ids]))
      #expect(
        abs(logits[0].unsafeProbability - golden.p_unsafe) < 1e-5, "\(folder) \(golden.id)")
      #expect(abs(logits[0].safe - golden.logits[0]) < 1e-4, "\(folder) \(golden.id)")
      #expect(abs(logits[0].unsafe - golden.logits[1]) < 1e-4, "\(folder) \(golden.id)")
    }
  }
}
