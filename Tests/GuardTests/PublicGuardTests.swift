import Foundation
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing

import Pipeline

/// Folders in the shape of public guard models (Tests/Fixtures/make_guard_fixtures.py): each loads,
/// cuts texts and judges as transformers does.
@Suite struct PublicGuardTests {
  /// What a row of docs/models.md says of a guard.
  struct Row: CustomTestStringConvertible, Sendable {
    let name: String
    /// Its unsafe labels; empty for a model that only tells safe from unsafe.
    var categories: [String] = []
    var views: JudgedViews = [.prompt, .response]
    var hypothesis: String?

    var testDescription: String { name }
  }

  static let rows = [
    Row(name: "harmaug-guard"), Row(name: "protectai-v1", views: .prompt),
    Row(name: "protectai-v2", views: .prompt), Row(name: "deepset-injection", views: .prompt),
    Row(name: "prompt-guard-1", categories: ["INJECTION", "JAILBREAK"], views: .prompt),
    Row(name: "prompt-guard-2"),
    Row(name: "zeroshot-v2", hypothesis: "The text is about food."),
    Row(name: "text-moderation", categories: ["H", "H2", "HR", "S", "S3", "SH", "V", "V2"]),
    Row(
      name: "toxic-bert",
      categories: ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]),
    Row(name: "roberta-toxicity"),
  ]

  private struct Case: Decodable {
    struct View: Decodable {
      let ids: [Int32]
      let score: Double
      let probabilities: [Double]
    }

    let prompt: String
    let response: String?
    let prompt_view: View
    let response_view: View?
  }

  private func path(_ name: String) -> String {
    SourceTree.url("Tests/Fixtures/guards/\(name)").path
  }

  private func cases(_ name: String) throws -> [Case] {
    let data = try Data(contentsOf: URL(filePath: path(name) + "/cases.jsonl"))
    return try data.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Case.self, from: $0)
    }
  }

  private func load(_ row: Row) throws -> GuardModel {
    var settings = ModelSettings(path: path(row.name))
    settings.hypothesis = row.hypothesis
    return try GuardModel(settings: settings, pool: WorkerPool(workers: 2))
  }

  @Test(arguments: rows) func itJudgesAsTransformersDoes(row: Row) throws {
    let model = try load(row)
    #expect(model.views == row.views)
    #expect(model.categories?.unsafeNames ?? [] == row.categories)
    let cases = try cases(row.name)
    #expect(cases.count == 14)
    let cut = cases.map {
      model.truncatedSequences(for: Exchange(prompt: $0.prompt, response: $0.response))
    }
    let together = try model.judge(cut)
    for (index, wanted) in cases.enumerated() {
      let sequences = cut[index]
      #expect(sequences.prompt.map(\.ids) == [wanted.prompt_view.ids], "\(index)")
      #expect(sequences.response.map(\.ids) == (wanted.response_view.map { [$0.ids] } ?? []))
      let alone = try #require(try model.judge([sequences]).first)
      for judgement in [alone, together[index]] {
        try expect(judgement.promptScore, wanted.prompt_view, index)
        try expect(judgement.responseScore, wanted.response_view, index)
      }
      try expectCategories(of: sequences, wanted, model)
    }
  }

  private func expect(_ score: Score?, _ view: Case.View?, _ index: Int) throws {
    #expect((score == nil) == (view == nil), "\(index)")
    guard let score, let view else { return }
    #expect(abs(Double(score.rawValue) - view.score) < 1e-5, "\(index)")
  }

  private func expectCategories(
    of sequences: ExchangeSequences, _ wanted: Case, _ model: GuardModel
  ) throws {
    let views =
      [(sequences.prompt, wanted.prompt_view)]
      + (wanted.response_view.map { [(sequences.response, $0)] } ?? [])
    for (windows, view) in views {
      let judgement = try model.judge([ExchangeSequences(prompt: windows)]).first
      guard let scores = judgement?.categories else { continue }
      for (found, expected) in zip(scores.probabilities, view.probabilities) {
        #expect(abs(Double(found) - expected) < 1e-5)
      }
    }
  }

  /// Long texts are judged whole, in windows of the model's length.
  @Test(arguments: rows) func longTextsHaveWindows(row: Row) throws {
    let model = try load(row)
    let long = try #require(try cases(row.name).last { $0.response != nil })
    let response = long.response ?? ""
    let sequences = try model.sequences(for: Exchange(prompt: response, response: response))
    #expect(sequences.prompt.count > 1)
    #expect((sequences.response.count > 1) == row.views.contains(.response))
    let lengths = (sequences.prompt + sequences.response).map(\.count)
    #expect(lengths.allSatisfy { $0 <= model.encoder.windowTokens })
    #expect(try model.judge([sequences]).count == 1)
  }
}
