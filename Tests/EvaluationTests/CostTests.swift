import Datasets
import Evaluation
import Foundation
import Guard
import Metrics
import Settings
import Tensors
import TestSupport
import Testing

/// What judging costs.
@Suite struct CostTests {
  private func examples(_ count: Int) -> [LabelledExample] {
    (0..<count).map {
      LabelledExample(
        id: "\($0)", prompt: "secretword stone number \($0)",
        response: $0 % 2 == 0 ? "a deep forest" : nil, isUnsafe: $0 % 2 == 0)
    }
  }

  /// Tokens and operations are those of the sequences that the daemon would judge.
  @Test func figuresAreThoseOfTheSequences() throws {
    let model = try GuardModel(
      settings: ModelSettings(path: GoldenCase.url("v3-style").path), pool: WorkerPool(workers: 1))
    let rows = examples(30)
    let cost = try CostTrial().run(rows, with: model)
    let sequences = try rows.flatMap { row in
      let both = try model.sequences(for: .init(prompt: row.prompt, response: row.response))
      return both.prompt + both.response
    }
    let tokens = sequences.reduce(0) { $0 + $1.count }
    #expect(cost.exchanges == 30 && cost.device == model.device)
    #expect(abs(cost.tokensPerExchange - Double(tokens) / 30) < 1e-9)
    let operations = sequences.reduce(0.0) {
      $0 + Double($1.count) * model.operationsPerToken(length: $1.count)
    }
    #expect(abs(cost.operationsPerToken * Double(tokens) / operations - 1) < 1e-12)
    #expect(cost.secondsPerToken > 0 && cost.secondsAlone > 0)
    #expect(cost.secondsAlone <= cost.secondsAloneMost)
    #expect(cost.peakMemoryBytes > 1 << 20)
    #expect(cost.pricePerMillion == nil)
  }

  @Test func theSeedChoosesAndThePriceFollows() throws {
    let model = try GuardModel(
      settings: ModelSettings(path: GoldenCase.url("v3-style").path), pool: WorkerPool(workers: 1))
    var trial = CostTrial()
    trial.exchangesMax = 5
    trial.pricePerHour = 3.6
    let cost = try trial.run(examples(30), with: model)
    let again = try trial.run(examples(30).reversed(), with: model)
    #expect(cost.exchanges == 5 && cost.tokensPerExchange == again.tokensPerExchange)
    let price = try #require(cost.pricePerMillion)
    #expect(abs(price / (cost.tokensPerExchange * cost.secondsPerToken * 1000) - 1) < 1e-9)
  }

  @Test func theReportTellsIt() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/gold.jsonl"
    try examples(8).map(DatasetFile.line).reduce(Data(), +).write(to: URL(filePath: path))
    var evaluator = Evaluator(model: GoldenCase.url("v3-style").path, data: [path])
    evaluator.options.bootstrap = Bootstrap(replicates: 0, seed: 1)
    evaluator.cost = CostTrial()
    let report = try evaluator.run(pool: WorkerPool(workers: 1)) { _ in }
    let json = try #require(try JSONSerialization.jsonObject(with: report.json) as? [String: Any])
    let cost = try #require(json["cost"] as? [String: Any])
    #expect(cost["exchanges"] as? Int == 8 && cost["pricePerHour"] == nil)
    for text in [report.text, report.page] {
      #expect(text.contains("WildGuard, 7B") && text.contains("$104.35"))
      #expect(!text.contains("secretword"))
    }
  }
}
