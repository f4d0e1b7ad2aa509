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

  static let model = SourceTree.url("Tests/Fixtures/guard-tiny").path

  /// Scores of the same text differ by no more than that, whatever it is judged beside.
  static let scoreTolerance = 1e-5

  private enum Payload {
    case none
    case bytes([UInt8])
    /// Members of the exchange's object beside its id.
    case exchange(String)
  }

  private let payloads: [Payload]
  private let expectations: [Expectation]
  private let seed: UInt64

  /// Makes up texts, and has them judged by `sluice classify`, alone and in peace.
  ///
  /// - Parameter variants: different texts; each comes again and again under other ids.
  package init(seed: UInt64, variants: Int = 96, program: String) throws {
    self.seed = seed
    var random = SplitMix64(seed: seed)
    var payloads: [Payload] = []
    var expectations: [Expectation] = []
    var texts: [String] = []
    for variant in 0..<variants {
      switch variant % 24 {
      case 0:
        payloads.append(.bytes(Array(#"{"prompt": "cut off"#.utf8)))
        expectations.append(.deadLetter(.malformed))
      case 1:
        payloads.append(.bytes([0xff, 0xfe, 0x00, 0x7b]))
        expectations.append(.deadLetter(.malformed))
      case 2:
        payloads.append(.exchange(#""note": "no text""#))
        expectations.append(.deadLetter(.missingPrompt))
      case 3:
        payloads.append(.none)
        expectations.append(.deadLetter(.tombstone))
      default:
        let text = Self.exchange(variant, &random)
        texts.append(text)
        payloads.append(.exchange(text))
        // Its place is taken below.
        expectations.append(.deadLetter(.poison))
      }
    }
    var judged = try Self.judged(texts, by: program)[...]
    for place in expectations.indices where expectations[place] == .deadLetter(.poison) {
      expectations[place] = judged.removeFirst()
    }
    (self.payloads, self.expectations) = (payloads, expectations)
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

  package static func key(_ number: Int) -> [UInt8] { Array("key-\(number)".utf8) }

  private func variant(_ number: Int) -> Int {
    var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x9e37_79b9)
    return Int.random(in: payloads.indices, using: &random)
  }

  /// Harmless words in any order, some of which the tests' model flags; every twelfth is long.
  private static func exchange(_ variant: Int, _ random: inout SplitMix64) -> String {
    let words = [
      "bread", "river", "why", "how", "the", "a", "bake", "cross", "night", "kill", "process", "my",
      "computer", "tell", "me", "about", "knife", "garden", "and", "please", "never", "storm",
    ]
    func text(_ count: Int) -> String {
      (0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
    }
    let prompt = text(variant % 12 == 4 ? 700 : Int.random(in: 3...60, using: &random))
    if variant.isMultiple(of: 2) { return #""prompt": "\#(prompt)""# }
    return #""prompt": "\#(prompt)", "response": "\#(text(20))""#
  }

  private static func judged(_ texts: [String], by program: String) throws -> [Expectation] {
    let directory = try TemporaryDirectory()
    let (input, output) = (directory.path + "/in", directory.path + "/out")
    let lines = texts.map { "{\($0)}\n" }.joined()
    try Data(lines.utf8).write(to: URL(filePath: input))
    let process = try ChildProcess(
      program, ["classify", "--model", model, "--precision", "fp32"], input: input, output: output,
      error: directory.path + "/error")
    guard process.wait(within: .seconds(120)) == .exited(0) else {
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
