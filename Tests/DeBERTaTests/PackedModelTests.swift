import Tensors
import TestSupport
import Testing

import DeBERTa

/// Whole models in narrower numbers, beside the same in 32-bit floats.
@Suite struct PackedModelTests {
  private static let pool = WorkerPool(workers: 3)

  /// A trained model, and sequences of all lengths.
  private func trained() throws -> (LoadedModel, DeBERTaClassifier, [[Int32]]) {
    let folder = SourceTree.url("Tests/Fixtures/guard-tiny").path
    let model = try LoadedModel(folder: folder, pool: Self.pool)
    var random = SeededGenerator(seed: 1)
    let sequences = [1, 2, 3, 7, 31, 64, 100, 129, 200].map { length in
      (0..<length).map { _ in
        Int32.random(in: 5..<Int32(model.configuration.vocabulary), using: &random)
      }
    }
    return (model, DeBERTaClassifier(model, pool: Self.pool), sequences)
  }

  @Test(arguments: ProductFormat.allCases)
  func aTrainedModelJudgesAsItDid(format: ProductFormat) throws {
    let (model, floats, sequences) = try trained()
    let batch = TokenBatch(sequences)
    let packed = DeBERTaClassifier(
      model, format: format, magnitudes: try floats.inputMagnitudes(of: batch), pool: Self.pool)
    #expect(packed.hash == floats.hash)
    let expected = try floats.classify(batch).map(\.unsafeProbability)
    let found = try packed.classify(batch).map(\.unsafeProbability)
    for (score, exact) in zip(found, expected) { #expect(abs(score - exact) < 0.02) }
    #expect(found != expected)
  }

  /// Each row has a scale of its own, so neighbours do not matter.
  @Test(arguments: ProductFormat.allCases)
  func theCompanyInABatchDoesNotMatter(format: ProductFormat) throws {
    let (model, _, sequences) = try trained()
    let packed = DeBERTaClassifier(model, format: format, pool: Self.pool)
    let together = try packed.classify(TokenBatch(sequences))
    for (sequence, logits) in zip(sequences, together) {
      let alone = try packed.classify(TokenBatch([sequence]))[0]
      #expect(abs(alone.unsafeProbability - logits.unsafeProbability) < 1e-3)
    }
  }

  /// Every architecture that is computed on the CPU: none is left out by its own kind of map.
  @Test(arguments: GoldenCase.folders, ProductFormat.allCases)
  func everyArchitectureRuns(folder: String, format: ProductFormat) throws {
    let model = try LoadedModel(folder: GoldenCase.url(folder).path, pool: Self.pool)
    let packed = DeBERTaClassifier(model, format: format, pool: Self.pool)
    let cases = try GoldenCase.load(folder)
    let logits = try packed.classify(TokenBatch(cases.map(\.token_ids)))
    let largest = zip(logits, cases).map { abs($0.unsafeProbability - $1.p_unsafe) }.max() ?? 1
    // Random weights magnify roundings; nonsense would be wrong altogether.
    #expect(largest < 0.35, "\(largest)")
  }

  @Test func magnitudesAreThoseOfAllInputs() throws {
    let (model, floats, sequences) = try trained()
    let none = try floats.inputMagnitudes(of: TokenBatch([sequences[0]]))
    let all = try floats.inputMagnitudes(of: TokenBatch(sequences))
    let shape = model.configuration
    #expect(all.layers.count == shape.layers)
    for (all, none) in zip(all.layers, none.layers) {
      #expect(all.attention.count == shape.hidden && all.contraction.count == shape.intermediate)
      for (larger, smaller) in [
        (all.attention, none.attention), (all.contraction, none.contraction),
      ] {
        #expect(zip(larger, smaller).allSatisfy { $0 >= $1 - 1e-3 })
        #expect(larger.reduce(0, +) > smaller.reduce(0, +))
      }
    }
    // Nobody measures afterwards.
    #expect(try floats.classify(TokenBatch(sequences)).count == sequences.count)
  }
}
