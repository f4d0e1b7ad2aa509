import Basics
import DeBERTa
import Foundation
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing

/// A guard model on a BERT, from texts to scores.
@Suite struct BackboneTests {
  private static let pool = WorkerPool(workers: 2)

  private func load(_ folder: RandomModel, windowTokens: Int? = nil) throws -> GuardModel {
    var settings = ModelSettings(path: folder.path)
    settings.windowTokens = windowTokens
    return try GuardModel(settings: settings, pool: Self.pool)
  }

  private let exchange = Exchange(
    prompt: "The quick brown fox jumps over the lazy dog and runs into the deep forest.",
    response: "Pack my box with five dozen liquor jugs before the night comes over us.")

  @Test func aResponseHasItsOwnTypeInEveryWindow() throws {
    let folder = try RandomModel()
    let model = try load(folder, windowTokens: 16)
    let sequences = try model.sequences(for: exchange)
    #expect(sequences.response.count > 2 && sequences.prompt.count > 1)
    let judgement = try model.judge([sequences])[0]
    let engine = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    var scores: [Float] = []
    for window in sequences.response {
      let separator = try #require(window.ids.firstIndex(of: model.encoder.separatorID))
      var batch = TokenBatch()
      batch.append(window.ids, secondStart: separator + 1)
      scores.append(Float(try engine.classify(batch)[0].unsafeProbability))
      let without = try model.scores([TokenSequence(window.ids)])[0].rawValue
      #expect(abs(without - scores[scores.count - 1]) > 1e-4, "or this would say nothing")
    }
    #expect(
      abs(try #require(judgement.responseScore).rawValue - (try #require(scores.max()))) < 1e-5)
    #expect(sequences.prompt.allSatisfy { $0.secondStart == nil })
    let cut = try #require(model.truncatedSequences(for: exchange).response.first)
    #expect(
      cut.secondStart == (try #require(cut.ids.firstIndex(of: model.encoder.separatorID))) + 1)
  }

  @Test func itsWindowsAreAsLongAsItsPositions() throws {
    let folder = try RandomModel()
    #expect(try load(folder).encoder.windowTokens == 200)
    let error = #expect(throws: GuardModelFailure.self) {
      try load(folder, windowTokens: 201)
    }
    #expect(error?.description.contains("200 positions") == true)
  }

  /// A RoBERTa with the tokenizer that goes with it.
  @Test func theTextsOfARobertasPairHaveTwoSeparatorsBetweenThem() throws {
    let source = SourceTree.url("Tests/Fixtures/tokenizers/bpe-files")
    let folder = try RandomModel(
      ["model_type": "roberta", "type_vocab_size": 1, "max_position_embeddings": 202],
      tokenizer: ["vocab.json", "merges.txt", "tokenizer_config.json"].map {
        source.appending(path: $0)
      })
    #expect(try load(folder).encoder.windowTokens == 200)
    let model = try load(folder, windowTokens: 24)
    let sequences = try model.sequences(for: exchange)
    #expect(sequences.response.count > 2)
    for window in sequences.response {
      let start = try #require(window.secondStart)
      #expect(window.ids.first == 0 && window.ids.last == 2 && window.count <= 24)
      #expect(window.ids[start - 2..<start] == [2, 2])
      #expect(window.ids.count(where: { $0 == 2 }) == 3)
    }
    let engine = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    let scores = try engine.classify(TokenBatch(sequences.response.map(\.ids)))
      .map { Float($0.unsafeProbability) }
    let found = try #require(try model.judge([sequences])[0].responseScore)
    #expect(abs(found.rawValue - (try #require(scores.max()))) < 1e-5)
  }
}
