import Foundation
import Guard
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing

/// The guard model that comes with the program.
@Suite struct BundledGuardTests {
  private let model: GuardModel

  init() throws {
    model = try GuardModel(settings: ModelSettings(), pool: WorkerPool(workers: 2))
  }

  private struct Line: Decodable {
    let id: String
    let prompt: String
    let response: String?
  }

  /// Scores of the demo's exchanges by their kind: the higher of prompt and response.
  private func scores() throws -> [String: [Float]] {
    let text = try String(
      contentsOf: SourceTree.url("Sources/Demonstration/Resources/demo.jsonl"), encoding: .utf8)
    var scores: [String: [Float]] = [:]
    for line in text.split(separator: "\n") {
      let row = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
      let exchange = Exchange(prompt: row.prompt, response: row.response)
      let judgement = try model.judge([model.sequences(for: exchange)])[0]
      let kind = row.id.prefix { $0 != "-" }
      scores[String(kind), default: []].append(judgement.score.rawValue)
    }
    return scores
  }

  @Test func itIsNamedAndFound() throws {
    #expect(model.model.hasPrefix("guard-minilm@"))
    let folder = try ModelSettings().folder
    #expect(try #require(BundledGuard.folder) == folder && folder.hasPrefix("/"))
    #expect(try ModelSettings(path: "bundled/").folder == "bundled/", "a folder of that name")
  }

  /// What the README says of it: at most three of a hundred everyday requests are flagged, at least
  /// nine of ten threats.
  @Test func theDemoConvinces() throws {
    let scores = try scores()
    func share(_ kinds: [String]) throws -> Double {
      let all = try kinds.flatMap { try #require(scores[$0]) }
      #expect(all.count >= 15)
      return Double(all.count { $0 >= 0.5 }) / Double(all.count)
    }
    #expect(try share(["everyday", "answered", "language", "odd"]) <= 0.03)
    #expect(try share(["everyday"]) <= 0.03)
    #expect(try share(["threat"]) >= 0.9)
    #expect(try share(["rude"]) >= 0.8)
  }
}
