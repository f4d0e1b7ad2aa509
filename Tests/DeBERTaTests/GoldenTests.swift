import Tensors
import TestSupport
import Testing

import DeBERTa

/// Scores and states against those that PyTorch computed (Tests/Fixtures/make_golden.py).
@Suite struct GoldenTests {
  private static let pool = WorkerPool(workers: 3)

  private func model(_ folder: String) throws -> DeBERTaClassifier {
    try DeBERTaClassifier(folder: GoldenCase.url(folder).path, pool: GoldenTests.pool)
  }

  @Test(arguments: GoldenCase.folders) func everyCaseHasPyTorchsScore(folder: String) throws {
    let model = try model(folder)
    let cases = try GoldenCase.load(folder)
    #expect(cases.count >= 10)
    for golden in cases {
      let logits = try model.classify(TokenBatch([golden.token_ids]))
      #expect(
        abs(logits[0].unsafeProbability - golden.p_unsafe) < 1e-5, "\(folder) \(golden.id)")
      #expect(abs(logits[0].safe - golden.logits[0]) < 1e-4, "\(folder) \(golden.id)")
      #expect(abs(logits[0].unsafe - golden.logits[1]) < 1e-4, "\(folder) \(golden.id)")
    }
  }

  @Test(arguments: GoldenCase.folders) func everyLayerHasPyTorchsStates(folder: String) throws {
    let model = try model(folder)
    let tokens = try #require(try GoldenCase.load(folder).first { $0.id == "c03" }).token_ids
    let file = try SafetensorsFile(folder: GoldenCase.url(folder).path, name: "golden.safetensors")
    let states = try model.hiddenStates(of: TokenBatch([tokens]))
    #expect(states.count == model.configuration.layers + 1)
    for (layer, states) in states.enumerated() {
      let golden = try file.parameter(
        "hidden.\(layer)", shape: [tokens.count, model.configuration.hidden])
      #expect(states.count == golden.values.count)
      var largest: Float = 0
      for (index, state) in states.enumerated() {
        largest = max(largest, abs(state - golden.values[index]))
      }
      #expect(largest < 1e-4, "\(folder) layer \(layer)")
    }
  }

  @Test(arguments: GoldenCase.folders, [UInt64(1), 2, 3])
  func theCompanyInABatchDoesNotMatter(folder: String, seed: UInt64) throws {
    let model = try model(folder)
    let cases = try GoldenCase.load(folder)
    var random = SeededGenerator(seed: seed)
    let all = cases.shuffled(using: &random)
    var batches: [[GoldenCase]] = seed == 1 ? [all] : []
    while batches.count < 6 {
      let count = Int.random(in: 1...all.count, using: &random)
      batches.append((0..<count).map { _ in all[Int.random(in: 0..<all.count, using: &random)] })
    }
    for batch in batches {
      let logits = try model.classify(TokenBatch(batch.map(\.token_ids)))
      #expect(logits.count == batch.count)
      for (golden, logits) in zip(batch, logits) {
        #expect(
          abs(logits.unsafeProbability - golden.p_unsafe) < 1e-5,
          "\(folder) \(golden.id), seed \(seed)")
      }
    }
  }

  @Test func oneModelServesSeveralThreads() async throws {
    let model = try model("v3-style")
    let cases = try GoldenCase.load("v3-style").prefix(5)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for golden in cases {
        group.addTask {
          for _ in 0..<5 {
            let logits = try model.classify(TokenBatch([golden.token_ids]))
            #expect(abs(logits[0].unsafeProbability - golden.p_unsafe) < 1e-5)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func batchesThatCannotBeJudgedAreRefused() throws {
    let model = try model("absolute-positions")
    let vocabulary = Int32(model.configuration.vocabulary)
    #expect(try model.classify(TokenBatch()).isEmpty)
    #expect(throws: BatchError.emptySequence(index: 1)) {
      try model.classify(TokenBatch([[1, 2], []]))
    }
    for token in [-1, vocabulary, Int32.max, Int32.min] {
      #expect(throws: BatchError.unknownToken(sequence: 1)) {
        try model.classify(TokenBatch([[1, 2], [1, token, 2]]))
      }
    }
    let long = [Int32](repeating: 5, count: 513)
    #expect(throws: BatchError.tooLong(sequence: 0, tokensMax: 512)) {
      try model.classify(TokenBatch([long]))
    }
  }
}
