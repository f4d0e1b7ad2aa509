import Foundation
import TestSupport
import Tensors
import Testing

/// `sluice model compare`.
@Suite struct CompareTests {
  private static let fast = ProductFormat.allCases.filter(\.isFast)
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ text: String) throws -> String {
    let path = directory.path + "/exchanges.jsonl"
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  @Test func aTrainedModelKeepsToItsBounds() throws {
    let folder = SourceTree.url("Tests/Fixtures/guard-tiny").path
    let run = try Command(["model", "compare", folder])
    guard !Self.fast.isEmpty else {
      #expect(run.ending == .exited(69), "\(run.error)")
      return
    }
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(run.output.hasPrefix("139 exchanges, beside fp32:"), "\(run.output)")
    #expect(run.lines.count { $0.hasSuffix("within bounds") } == Self.fast.count)
    let json = try Command(["model", "compare", folder, "--json", "--threads", "1"])
    let found = try json.objects()
    #expect(found.compactMap { $0["precision"] as? String } == Self.fast.map(\.rawValue))
    for finding in found {
      #expect(finding["exchanges"] as? Int == 139)
      let mean = try #require(finding["mean"] as? Double)
      #expect(mean > 0 && mean < 0.002)
      #expect((finding["complaints"] as? [String]) == [])
    }
  }

  /// Random weights that magnify every rounding.
  @Test func oneThatDoesNotIsToldFromIt() throws {
    guard let format = Self.fast.first else { return }
    let run = try Command([
      "model", "compare", GoldenCase.url("v3-style").path, "--precision", format.rawValue,
    ])
    #expect(run.ending == .exited(65), "\(run.output)")
    #expect(run.output.contains("differs by more than"), "\(run.output)")
  }

  @Test func mistakesHaveTheirPlace() throws {
    guard !Self.fast.isEmpty else { return }
    let folder = SourceTree.url("Tests/Fixtures/guard-tiny").path
    let bad = try write("{\"prompt\": \"a\"}\n{\"response\": 1}")
    let run = try Command(["model", "compare", folder, "--data", bad])
    #expect(run.ending == .exited(65) && run.error.contains("\(bad):2: "), "\(run.error)")
    let missing = try Command(["model", "compare", folder, "--data", directory.path + "/no"])
    #expect(missing.ending == .exited(66), "\(missing.error)")
    #expect(try Command(["model", "compare", "/no/model"]).ending == .exited(66))
    #expect(try Command(["model", "compare", folder, "--threshold", "2"]).ending == .exited(64))
    let empty = try Command(["model", "compare", folder, "--data", try write("\n")])
    #expect(empty.ending == .exited(65) && empty.error.contains("nothing to judge"))
  }
}
