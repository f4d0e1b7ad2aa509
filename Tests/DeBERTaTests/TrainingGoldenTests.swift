import Foundation
import TestSupport
import Testing

import DeBERTa
import Tensors

/// Gradients beside PyTorch's, for the loss of `make_golden.py`.
@Suite struct TrainingGoldenTests {
  private static let pool = WorkerPool(workers: 2)
  private static let folders =
    ["v3-style", "c2p-only-unshared", "absolute-positions"] + GoldenCase.backbones

  private struct Training: Decodable {
    let cases: [String]
    let teacher: [Double]
    let labels: [Int]
  }

  /// ((1 - λ)·KL + λ·NLL) / sequences at λ = 1/2, and its gradient: softmax minus targets.
  private static func gradient(_ logits: [Logits], _ training: Training, of count: Int) -> [Logits]
  {
    logits.indices.map { index in
      let probability = logits[index].unsafeProbability
      let target = (training.teacher[index] + Double(training.labels[index])) / 2
      let slope = Float((probability - target) / Double(count))
      return Logits(safe: -slope, unsafe: slope)
    }
  }

  @Test(arguments: folders, [false, true])
  func gradientsArePyTorchs(folder: String, recomputes: Bool) throws {
    let path = GoldenCase.url(folder).path
    let model = try TrainableModel(
      folder: path, pool: Self.pool, recomputesActivations: recomputes)
    let data = try Data(contentsOf: GoldenCase.url(folder).appending(path: "training.json"))
    let training = try JSONDecoder().decode(Training.self, from: data)
    let cases = try GoldenCase.load(folder)
    let batch = TokenBatch(
      try training.cases.map { id in try #require(cases.first { $0.id == id }) })
    model.beginStep()
    model.accumulate(batch) {
      Self.gradient($0, training, of: $0.count)
    }
    model.endStep()
    let golden = try SafetensorsFile(folder: path, name: "golden.safetensors")
    for entry in model.parameters.layout.entries.dropFirst() {
      let name = "grad." + entry.name
      guard golden.names.contains(name) else {
        Issue.record("no golden gradient of \(entry.name)")
        continue
      }
      let expected = try golden.parameter(name, shape: entry.shape)
      let tensor = model.parameters.gradient(entry.name)
      // Some gradients are 0 but for rounding: a key's bias adds the same to a query's every score.
      let largest = expected.values.indices.reduce(Float(1e-2)) {
        max($0, abs(expected.values[$1]))
      }
      tensor.arena.withValues(tensor.range) { found in
        var worst: Float = 0
        for index in found.indices {
          worst = max(worst, abs(found[index] - expected.values[index]))
        }
        #expect(worst / largest < 1e-4, "\(entry.name): \(worst) of \(largest)")
      }
    }
    try checkWords(model, golden)
  }

  private func checkWords(_ model: TrainableModel, _ golden: SafetensorsFile) throws {
    let words = model.parameters.words
    let rows = words.indices.map(Int.init).sorted()
    let expected = try golden.parameter(
      "grad.word_embeddings.values", shape: [rows.count, words.columns])
    let largest = expected.values.indices.reduce(Float(0)) { max($0, abs(expected.values[$1])) }
    for (place, row) in rows.enumerated() {
      let found = try #require(words.row(row))
      for (column, value) in found.enumerated() {
        let difference = abs(value - expected.values[place * words.columns + column])
        #expect(difference < 1e-4 * largest, "row \(row)")
      }
    }
  }

  @Test(arguments: folders) func trainingLogitsAreInferences(folder: String) throws {
    let path = GoldenCase.url(folder).path
    let model = try TrainableModel(folder: path, pool: Self.pool)
    let classifier = try DeBERTaClassifier(folder: path, pool: Self.pool)
    let batch = TokenBatch(Array(try GoldenCase.load(folder).prefix(12)))
    let expected = try classifier.classify(batch)
    for (found, expected) in zip(model.logits(of: batch), expected) {
      #expect(abs(found.safe - expected.safe) < 1e-4)
      #expect(abs(found.unsafe - expected.unsafe) < 1e-4)
    }
  }

  /// With dropout, several batches and a long sequence: what no golden covers.
  @Test(arguments: folders, [UInt64(1), 2])
  func gradientsAreTheSlopesOfTheLoss(folder: String, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let model = try TrainableModel(
      folder: GoldenCase.url(folder).path, pool: Self.pool, recomputesActivations: seed == 2)
    let rates = DropoutRates(hidden: 0.1, attention: 0.2, classifier: 0.1, pooler: 0.15)
    let vocabulary = Int32(model.configuration.vocabulary)
    let batches = [[140, 3], [1, 20, 129]].map { lengths in
      lengths.reduce(into: TokenBatch()) { batch, length in
        let tokens = (0..<length).map { _ in Int32.random(in: 4..<vocabulary, using: &random) }
        batch.append(tokens, secondStart: length / 3 + 1)
      }
    }
    // The loss: the sum over sequences of unsafe - 2·safe.
    func loss() -> Double {
      model.prepareRelativeTables()
      return batches.enumerated().reduce(0) { sum, batch in
        model.forward(batch.element, DropoutPlan(rates, seed: seed + UInt64(batch.offset)))
          .reduce(sum) { $0 + Double($1.unsafe) - 2 * Double($1.safe) }
      }
    }
    model.beginStep()
    for (index, batch) in batches.enumerated() {
      model.accumulate(batch, dropout: rates, seed: seed + UInt64(index)) {
        $0.map { _ in Logits(safe: -2, unsafe: 1) }
      }
    }
    model.endStep()
    // Along each tensor's own gradient the slope is the gradient's length.
    for entry in model.parameters.layout.entries.dropFirst() {
      let tensor = model.parameters.gradient(entry.name)
      let slopes = tensor.arena.withValues(tensor.range) { span in span.indices.map { span[$0] } }
      let length = slopes.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard length > 1e-2 else { continue }
      let step = 2e-3 / max(1, length / 10)
      func move(_ distance: Double) {
        model.parameters.weights.withMutableValues(entry.range) { weights in
          for index in weights.indices {
            weights[index] += Float(distance * Double(slopes[index]) / length)
          }
        }
      }
      move(step)
      let up = loss()
      move(-2 * step)
      let down = loss()
      move(step)
      let slope = (up - down) / (2 * step)
      #expect(
        abs(slope - length) < 0.02 * length + 0.02, "\(entry.name): \(slope) for \(length)")
    }
  }
}
