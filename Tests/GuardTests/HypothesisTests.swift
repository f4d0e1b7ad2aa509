import Foundation
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing

/// A policy in words: models that tell whether a text implies a sentence.
@Suite struct HypothesisTests {
  private let pool = WorkerPool(workers: 1)
  private let nli = SourceTree.url("Tests/Fixtures/guards/zeroshot-v2").path

  private func load(_ path: String, _ hypothesis: String?, _ unsafe: [String] = []) throws
    -> GuardModel
  {
    var settings = ModelSettings(path: path)
    settings.hypothesis = hypothesis
    settings.unsafeLabels = unsafe
    return try GuardModel(settings: settings, pool: pool)
  }

  @Test func everyWindowAsksForTheHypothesis() throws {
    let sentence = "The text is about food."
    let model = try load(nli, sentence)
    let pieces = model.encoder.pieces(of: sentence)
    let text = String(repeating: "Mix flour, water, salt and yeast. ", count: 9)
    let sequences = try model.sequences(for: Exchange(prompt: "x", response: text))
    #expect(sequences.prompt.count == 1 && sequences.response.count > 2)
    for window in sequences.prompt + sequences.response {
      let second = try #require(window.secondStart)
      #expect(Array(window.ids[second...].dropLast()) == pieces)
    }
    // Windows overlap, and leave nothing out.
    let all = model.encoder.pieces(of: text)
    var covered = 0
    for window in sequences.response {
      let part = window.ids[1..<(window.secondStart ?? 0) - 1]
      let start = (0...covered).last { all.dropFirst($0).starts(with: part) }
      covered = try #require(start) + part.count
    }
    #expect(covered == all.count)
  }

  @Test func anotherSentenceIsAnotherModel() throws {
    let first = try load(nli, "The text is about food.")
    let second = try load(nli, "The text is about water.")
    #expect(first.hash != second.hash && first.cut != second.cut)
    let turned = try load(nli, "The text is about food.", ["not_entailment"])
    #expect(turned.hash != first.hash && turned.cut == first.cut)
    let sequences = try first.sequences(for: Exchange(prompt: "What is 12 + 34?")).prompt
    let sum = try first.scores(sequences)[0].rawValue + turned.scores(sequences)[0].rawValue
    #expect(abs(sum - 1) < 1e-6)
  }

  @Test func theModelsOwnFileMaySayIt() throws {
    let copy = try TemporaryDirectory()
    let folder = copy.path + "/model"
    try FileManager.default.copyItem(atPath: nli, toPath: folder)
    try #"{"hypothesis": "The text is about food."}"#.write(
      toFile: folder + "/sluice.json", atomically: true, encoding: .utf8)
    let named = try load(nli, "The text is about food.")
    #expect(try load(folder, nil).hash == named.hash)
    #expect(try load(folder, "Something else.").hash != named.hash, "the settings come first")
  }

  @Test func whatCannotBeAskedIsRefused() throws {
    let ordinary = SourceTree.url("Tests/Fixtures/guards/protectai-v1").path
    func reason(_ body: () throws -> GuardModel) -> String {
      do {
        _ = try body()
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      reason { try load(ordinary, "x") }
        == "model.hypothesis: no label of the model is called entailment; it has SAFE, INJECTION")
    let long = String(repeating: "Mix flour, water. ", count: 20)
    #expect(reason { try load(nli, long) }.contains("half of the window"))
    #expect(reason { try load(nli, "") }.contains("has 0 tokens"))
    let unsaid = reason { try load(nli, nil) }
    #expect(unsaid.contains("model.unsafe_label") && unsaid.contains("model.hypothesis"))
  }
}
