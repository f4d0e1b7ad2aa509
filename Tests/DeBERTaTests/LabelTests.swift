import Foundation
import Tensors
import TestSupport
import Testing

import DeBERTa

/// What labels mean, and what becomes of their logits (Tests/Fixtures/make_label_fixture.py).
@Suite struct LabelTests {
  private struct Case: Decodable {
    let token_ids: [Int32]
    let p_unsafe: Double
    let logits: [Double]
  }

  private static let folders = [
    "swapped", "numbered", "one", "three", "moderation", "two-safe", "multi", "multi-safe",
  ]

  private func path(_ folder: String) -> String {
    SourceTree.url("Tests/Fixtures/labels/\(folder)").path
  }

  private func cases(_ folder: String) throws -> [Case] {
    let data = try Data(contentsOf: URL(filePath: path(folder) + "/cases.jsonl"))
    return try data.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Case.self, from: $0)
    }
  }

  @Test(arguments: folders) func scoresAreThoseOfPyTorch(folder: String) throws {
    let model = try DeBERTaClassifier(folder: path(folder), pool: WorkerPool(workers: 2))
    let cases = try cases(folder)
    #expect(cases.count == 6)
    let together = try model.classify(TokenBatch(cases.map(\.token_ids)))
    for (wanted, logits) in zip(cases, together) {
      #expect(abs(logits.unsafeProbability - wanted.p_unsafe) < 1e-5, "\(folder)")
      let alone = try model.classify(TokenBatch([wanted.token_ids]))
      #expect(abs(alone[0].unsafeProbability - wanted.p_unsafe) < 1e-5, "\(folder)")
    }
  }

  /// Probabilities are PyTorch's softmax or sigmoid, and P(unsafe) is made of them.
  @Test(arguments: folders) func categoriesAreThoseOfPyTorch(folder: String) throws {
    let pool = WorkerPool(workers: 1)
    let loaded = try LoadedModel(folder: path(folder), pool: pool)
    let model = DeBERTaClassifier(loaded, pool: pool)
    let scheme = loaded.labels
    #expect(scheme.areCategories == !["swapped", "numbered", "one"].contains(folder))
    for wanted in try cases(folder) {
      let logits = try model.classify(TokenBatch([wanted.token_ids]))[0]
      let found = scheme.probabilities(of: logits, temperature: 1)
      guard scheme.areCategories else {
        #expect(found == [])
        continue
      }
      let powers = wanted.logits.map { exp($0) }
      let whole = powers.reduce(0, +)
      let expected = powers.map { scheme.activation == .softmax ? $0 / whole : $0 / (1 + $0) }
      #expect(zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 }, "\(folder)")
      for temperature in [0.5, 1, 3] {
        let margin = Double(logits.unsafe) - Double(logits.safe)
        let score = 1 / (1 + exp(-margin / temperature))
        let unsafe = scheme.unsafe.map {
          Double(scheme.probabilities(of: logits, temperature: temperature)[$0])
        }
        let total = scheme.activation == .softmax ? unsafe.reduce(0, +) : unsafe.max() ?? 0
        #expect(abs(total - score) < 1e-6, "\(folder) at \(temperature)")
      }
    }
  }

  /// Chosen labels win over names: the other label's probability is 1 less this one's.
  @Test func whatIsChosenCounts() throws {
    let pool = WorkerPool(workers: 1)
    let turned = DeBERTaClassifier(
      try LoadedModel(folder: path("swapped"), unsafeLabels: ["safe"], pool: pool), pool: pool)
    for wanted in try cases("swapped") {
      let logits = try turned.classify(TokenBatch([wanted.token_ids]))
      #expect(abs(logits[0].unsafeProbability - (1 - wanted.p_unsafe)) < 1e-5)
    }
    #expect {
      try LoadedModel(folder: path("three"), unsafeLabels: ["SPAM"], pool: pool)
    } throws: {
      "\($0)".contains(#"has no label "SPAM""#) && "\($0)".contains(#""BENIGN", "INJECTION""#)
    }
  }

  /// Training sees the labels as judging does, in whichever order they stand.
  @Test(arguments: ["swapped", "numbered"]) func trainingSeesTheSame(folder: String) throws {
    let pool = WorkerPool(workers: 1)
    let model = try TrainableModel(folder: path(folder), pool: pool)
    let cases = try cases(folder)
    model.beginStep()
    for (wanted, logits) in zip(cases, model.logits(of: TokenBatch(cases.map(\.token_ids)))) {
      #expect(abs(logits.unsafeProbability - wanted.p_unsafe) < 1e-5)
    }
    #expect(throws: ModelError.self) { try TrainableModel(folder: self.path("three"), pool: pool) }
  }

  @Test(arguments: [
    ("SAFE", "safe"), ("unsafe", "unsafe"), ("Unsafe Content", "unsafe"), ("not_toxic", "safe"),
    ("non-toxic", "safe"), ("NotToxic", "safe"), ("no injection", "safe"),
    ("severe_toxic", "unsafe"), ("PromptInjection", "unsafe"), ("JAILBREAK", "unsafe"),
    ("benign", "safe"), ("not safe", "unsafe"), ("OK", "safe"), ("legit", "safe"),
    ("entailment", "unknown"), ("LABEL_2", "unknown"), ("", "unknown"), ("joy", "unknown"),
    ("non toxic ", "safe"), ("no_violation", "safe"), ("VIOLATION", "unsafe"),
    ("identity_hate", "unsafe"), ("self-harm", "unsafe"),
  ])
  func namesSayWhatTheyMean(name: String, meaning: String) {
    #expect("\(LabelScheme.meaning(of: name))" == meaning)
  }

  @Test(arguments: [
    ["safe", "unsafe"], ["LABEL_0", "LABEL_1"], ["0", "1"], ["negative", "toxic"],
    ["SAFE", "INJECTION"], ["benign", "LABEL_1"],
  ])
  func theSecondOfTwoIsUnsafe(names: [String]) throws {
    #expect(try LabelScheme(names: names, activation: .softmax).unsafe == [1])
    let turned = try? LabelScheme(names: names.reversed(), activation: .softmax)
    #expect(
      turned?.unsafe == (["LABEL_1", "1"].contains(names[1]) && names[0] != "benign" ? nil : [0]))
  }

  @Test(arguments: [
    ["entailment", "not_entailment"], ["entailment", "neutral", "contradiction"],
    ["LABEL_0", "LABEL_1", "LABEL_2"], ["toxic", "hate"], ["safe", "harmless"], ["a", "b", "c"],
    ["INJECTION", "OTHER", "MORE"], ["negative", "positive"],
  ])
  func namesThatDoNotTellAreRefused(names: [String]) throws {
    #expect(throws: ModelError("config.json", .ambiguousLabels(names))) {
      try LabelScheme(names: names, activation: .softmax)
    }
    let chosen = try LabelScheme(names: names + ["x"], activation: .softmax, chosen: ["x"])
    #expect(chosen.unsafe == [names.count])
  }

  @Test func whatIsLeftBesideUnsafeLabelsIsSafe() throws {
    let scheme = try LabelScheme(names: ["INJECTION", "OTHER", "JAILBREAK"], activation: .softmax)
    #expect(scheme.unsafe == [0, 2])
  }

  @Test func questionsOfTheirOwnNeedOneKnownLabel() throws {
    func unsafe(_ names: [String]) throws -> [Int] {
      try LabelScheme(names: names, activation: .sigmoid).unsafe
    }
    #expect(try unsafe(["toxic", "obscene"]) == [0, 1])
    #expect(try unsafe(["safe", "S1", "S2"]) == [1, 2])
    #expect(try unsafe(["LABEL_0"]) == [0])
    #expect(throws: ModelError.self) { try unsafe(["joy", "anger"]) }
    #expect(throws: ModelError.self) { try unsafe(["safe"]) }
  }

  @Test func manyLogitsBecomeTwoWithoutOverflow() throws {
    let scheme = try LabelScheme(
      names: ["safe", "a", "b"], activation: .softmax)
    func probability(_ values: [Float]) -> Double { scheme.logits(values.span).unsafeProbability }
    #expect(abs(probability([200, 200, 200]) - 2.0 / 3) < 1e-5)
    #expect(probability([-300, 300, 0]) == 1)
    #expect(abs(probability([0, -.infinity, 0]) - 0.5) < 1e-7)
    #expect(probability([0, -.infinity, -.infinity]) == 0)
  }
}
