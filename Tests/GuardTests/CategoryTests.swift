import Basics
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing

import Pipeline

/// Models that tell more than safe from unsafe.
@Suite struct CategoryTests {
  private let pool = WorkerPool(workers: 1)

  private func load(_ model: CategoryModel, windowTokens: Int? = nil) throws -> GuardModel {
    var settings = ModelSettings(path: model.path)
    settings.windowTokens = windowTokens
    return try GuardModel(settings: settings, pool: pool)
  }

  private func judge(_ model: GuardModel, _ exchange: Exchange) throws -> Judgement {
    try #require(try model.judge([try model.sequences(for: exchange)]).first)
  }

  private let exchange = Exchange(
    prompt: String(repeating: "the quick fox runs over stones ", count: 30),
    response: "a deep forest and a river")

  @Test(arguments: [true, false]) func judgementsTellEachLabel(isMultiLabel: Bool) throws {
    let folder = try CategoryModel(
      labels: ["harmless", "violence", "hate", "fraud"], isMultiLabel: isMultiLabel)
    let model = try load(folder)
    #expect(model.categories?.unsafeNames == ["violence", "hate", "fraud"])
    let judgement = try judge(model, exchange)
    let scores = try #require(judgement.categories)
    #expect(scores.probabilities.count == 4)
    #expect(Set(scores.probabilities).count == 4)
    let unsafe = scores.scheme.unsafe.map { scores.probabilities[$0] }
    if isMultiLabel { #expect(unsafe.max() == judgement.score.rawValue) }
    #expect(scores.ranked.map(\.probability) == scores.probabilities.sorted(by: >))
  }

  /// Over windows and views an unsafe label has its largest probability, a safe one its smallest.
  @Test func allWindowsCount() throws {
    let model = try load(
      try CategoryModel(labels: ["harmless", "violence", "hate"]), windowTokens: 40)
    let sequences = try model.sequences(for: exchange)
    #expect(sequences.prompt.count > 2 && sequences.response.count > 2)
    let judgement = try #require(try model.judge([sequences]).first?.categories)
    let single = try (sequences.prompt + sequences.response).map { window in
      let alone = try model.judge([ExchangeSequences(prompt: [window])])
      return try #require(alone.first?.categories?.probabilities)
    }
    let expected = [
      single.map { $0[0] }.min(), single.map { $0[1] }.max(), single.map { $0[2] }.max(),
    ]
    for (found, wanted) in zip(judgement.probabilities, expected) {
      #expect(abs(found - (wanted ?? .nan)) < 1e-5)
    }
  }

  @Test func twoLabelsAreNoCategories() throws {
    let model = try load(try CategoryModel(labels: ["safe", "unsafe"]))
    #expect(model.categories == nil)
    #expect(try judge(model, exchange).categories == nil)
  }
}
