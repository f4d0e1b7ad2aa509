import Basics
import DeBERTa
import Distillation
import Foundation
import Tensors
import TestSupport
import Testing

/// Ten AdamW steps beside PyTorch's.
@Suite struct TrainingRunGoldenTests {
  private struct Training: Decodable {
    let cases: [String]
    let teacher: [Double]
    let labels: [Int]
    let losses: [Double]
    let grad_norms: [Double]
  }

  private static let folders =
    ["v3-style", "c2p-only-unshared", "absolute-positions"] + GoldenCase.backbones

  @Test(arguments: folders, [false, true])
  func tenStepsHavePyTorchsLosses(folder: String, inParts: Bool) throws {
    let pool = WorkerPool(workers: 2)
    let url = GoldenCase.url(folder)
    let training = try JSONDecoder().decode(
      Training.self, from: Data(contentsOf: url.appending(path: "training.json")))
    let model = try TrainableModel(folder: url.path, pool: pool)
    let cases = try GoldenCase.load(folder)
    let sequences = try training.cases.map { id in
      let golden = try #require(cases.first { $0.id == id })
      return TokenSequence(golden.token_ids, secondStart: golden.second_start)
    }
    let targets = zip(training.labels, training.teacher).map {
      TrainingTarget(isUnsafe: $0 == 1, teacherScore: $1)
    }
    let loss = DistillationLoss(lambda: 0.5, teacherTemperature: 1)
    let optimizer = AdamW(model: model, weightDecay: 0.1, clipNorm: 1, pool: pool)
    // In parts: the gradients of two batches add up to those of one.
    let parts = inParts ? [0..<1, 1..<sequences.count] : [0..<sequences.count]
    for step in 0..<10 {
      var sum = 0.0
      model.beginStep()
      for part in parts {
        model.accumulate(TokenBatch(sequences[part])) { logits in
          zip(logits, targets[part]).map { logits, target in
            sum += loss.value(logits, target) / Double(sequences.count)
            return loss.gradient(logits, target, share: 1 / Double(sequences.count))
          }
        }
      }
      model.endStep()
      let rate = 1e-3 * min(Double(step + 1) / 2, Double(10 - step) / 8)
      let norm = optimizer.step(rate: rate)
      // AdamW divides gradients by their own size, so that the rounding of those near 0 grows from
      // step to step: PyTorch's losses are themselves up to 0.7e-4 from those in double precision.
      let tolerance = step < 3 ? 1e-4 : 4e-4
      #expect(
        abs(sum - training.losses[step]) < tolerance * training.losses[step],
        "step \(step): \(sum) for \(training.losses[step])")
      #expect(
        abs(norm - training.grad_norms[step]) < 4 * tolerance * training.grad_norms[step],
        "step \(step): \(norm) for \(training.grad_norms[step])")
    }
  }
}
