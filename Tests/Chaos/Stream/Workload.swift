import Basics
import Foundation
package import Records
import TestSupport

/// The exchanges of a run, and what has to become of each.
package struct Workload: Sendable {
  /// What has to come out.
  package enum Expectation: Hashable, Sendable {
    case verdict(isFlagged: Bool, action: String, score: Double)
    case deadLetter(DeadLetterReason)
  }

  /// What texts look like.
  struct Texts: Sendable {
    /// Words of a prompt.
    var words = 3...60
    /// Words of every twelfth prompt.
    var longWords = 700
    /// Whether every second text is a prompt with its response.
    var hasResponses = true

    /// Exchanges of at most 200 bytes.
    static let short = Texts(words: 3...18, longWords: 18, hasResponses: false)
  }

  static let model = SourceTree.url("Tests/Fixtures/guard-tiny").path

  /// Scores of the same text differ by no more than that, whatever it is judged beside: 32 bits, or
  /// narrower numbers, whose last digits depend on where in a batch a text stands.
  private(set) var scoreTolerance = 1e-5

  private enum Payload {
    case none
    case bytes([UInt8])
    /// Members of the exchange's object beside its id.
    case exchange(String)
  }

  private let payloads: [Payload]
  /// What has to become of each payload, before a model has judged.
  private let drafts: [Expectation]
  private var expectations: [Expectation]
  /// The same of models whose names are in their verdicts.
  private var expectationsByModel: [String: [Expectation]] = [:]
  private let seed: UInt64

  /// Makes up texts, and has them judged by `sluice classify`, alone and in peace, with the tests'
  /// model in 32 bits.
  ///
  /// - Parameter variants: different texts; each comes again and again under other ids.
  package init(seed: UInt64, variants: Int = 96, program: String) throws {
    self.init(seed: seed, variants: variants, texts: Texts())
    expectations = try judged(by: program, Self.model, precision: "fp32")
  }

  /// Makes up texts; what has to become of them is known once a model has `learn`t them.
  init(seed: UInt64, variants: Int, texts: Texts) {
    self.seed = seed
    var random = SplitMix64(seed: seed)
    var payloads: [Payload] = []
    var drafts: [Expectation] = []
    for variant in 0..<variants {
      switch variant % 24 {
      case 0:
        payloads.append(.bytes(Array(#"{"prompt": "cut off"#.utf8)))
        drafts.append(.deadLetter(.malformed))
      case 1:
        payloads.append(.bytes([0xff, 0xfe, 0x00, 0x7b]))
        drafts.append(.deadLetter(.malformed))
      case 2:
        payloads.append(.exchange(#""note": "no text""#))
        drafts.append(.deadLetter(.missingPrompt))
      case 3:
        payloads.append(.none)
        drafts.append(.deadLetter(.tombstone))
      default:
        payloads.append(.exchange(Self.exchange(variant, texts, &random)))
        drafts.append(Self.notJudged)
      }
    }
    (self.payloads, self.drafts, expectations) = (payloads, drafts, drafts)
  }

  /// What stands for a text that no model has judged yet.
  private static let notJudged = Expectation.deadLetter(.poison)

  /// Has the texts judged by one more model, alone and in peace.
  ///
  /// - Parameters:
  ///   - name: the model's in verdicts, before the `@`.
  ///   - folder: the model's.
  ///   - precision: the numbers that it computes with, as in the settings.
  mutating func learn(
    _ name: String, from folder: String, _ precision: String, by program: String
  ) throws {
    if precision != "fp32" { scoreTolerance = 1e-3 }
    expectationsByModel[name] = try judged(by: program, folder, precision: precision)
  }

  /// The record with this number, on its partition.
  package func record(_ number: Int, topic: String, partitions: Int) -> OutputRecord {
    let value: [UInt8]? =
      switch payloads[variant(number)] {
      case .none: nil
      case .bytes(let bytes): bytes
      case .exchange(let members): Array(#"{"id": "\#(number)", \#(members)}"#.utf8)
      }
    return OutputRecord(
      topic: topic, partition: Partition(Int32(number % partitions)),
      key: Self.key(number), value: value)
  }

  /// What has to become of it.
  package func expectation(_ number: Int) -> Expectation { expectations[variant(number)] }

  /// What has to become of it where this model is said to have judged; nil if it is not known.
  func expectation(_ number: Int, by model: String?) -> Expectation? {
    guard let model, !expectationsByModel.isEmpty else { return expectation(number) }
    let name = String(model.prefix { $0 != "@" })
    return expectationsByModel[name]?[variant(number)]
  }

  package static func key(_ number: Int) -> [UInt8] { Array("key-\(number)".utf8) }

  private func variant(_ number: Int) -> Int {
    var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x9e37_79b9)
    return Int.random(in: payloads.indices, using: &random)
  }

  /// Harmless words in any order, some of which the tests' model flags.
  private static func exchange(
    _ variant: Int, _ texts: Texts, _ random: inout SplitMix64
  ) -> String {
    let words = [
      "bread", "river", "why", "how", "the", "a", "bake", "cross", "night", "kill", "process", "my",
      "computer", "tell", "me", "about", "knife", "garden", "and", "please", "never", "storm",
    ]
    func text(_ count: Int) -> String {
      (0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
    }
    let prompt = text(
      variant % 12 == 4 ? texts.longWords : Int.random(in: texts.words, using: &random))
    if variant.isMultiple(of: 2) || !texts.hasResponses { return #""prompt": "\#(prompt)""# }
    return #""prompt": "\#(prompt)", "response": "\#(text(20))""#
  }

  /// What has to become of each payload if this model judges.
  private func judged(
    by program: String, _ model: String, precision: String
  ) throws -> [Expectation] {
    let texts = zip(payloads, drafts).compactMap { payload, draft in
      if case .exchange(let text) = payload, draft == Self.notJudged { text } else { nil }
    }
    var judged = try Self.verdicts(on: texts, by: program, model, precision)[...]
    return drafts.map { $0 == Self.notJudged ? judged.removeFirst() : $0 }
  }

  private static func verdicts(
    on texts: [String], by program: String, _ model: String, _ precision: String
  ) throws -> [Expectation] {
    let directory = try TemporaryDirectory()
    let (input, output) = (directory.path + "/in", directory.path + "/out")
    let lines = texts.map { "{\($0)}\n" }.joined()
    try Data(lines.utf8).write(to: URL(filePath: input))
    let process = try ChildProcess(
      program, ["classify", "--model", model, "--precision", precision], input: input,
      output: output, error: directory.path + "/error")
    guard process.wait(within: .seconds(600)) == .exited(0) else {
      throw Failure(description: "sluice classify: \(directory.text(of: "error"))")
    }
    let verdicts = try directory.text(of: "out").split(separator: "\n").map { line in
      let verdict = try JSONDecoder().decode(Judged.self, from: Data(line.utf8))
      return Expectation.verdict(
        isFlagged: verdict.flagged, action: verdict.action, score: verdict.score)
    }
    guard verdicts.count == texts.count else {
      throw Failure(description: "sluice classify judged \(verdicts.count) of \(texts.count) texts")
    }
    return verdicts
  }

  private struct Judged: Decodable {
    let flagged: Bool
    let action: String
    let score: Double
  }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }
}
