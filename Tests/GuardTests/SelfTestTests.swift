import Foundation
import Guard
import Settings
import Tensors
import TestSupport
import Testing

@Suite struct SelfTestTests {
  /// A copy of a golden model that a test may change.
  private func copy(_ folder: String = "v3-style") throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for name in ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"] {
      try Data(contentsOf: GoldenCase.url(folder).appending(path: name))
        .write(to: URL(filePath: directory.path).appending(path: name))
    }
    return directory
  }

  private func load(_ directory: TemporaryDirectory) throws -> GuardModel {
    try GuardModel(settings: ModelSettings(path: directory.path), pool: WorkerPool(workers: 1))
  }

  private func write(_ text: String, to directory: TemporaryDirectory) throws {
    try Data(text.utf8).write(
      to: URL(filePath: directory.path).appending(path: GuardModel.selfTestFile))
  }

  /// A line for a golden case of a prompt alone, with the reference's score.
  private func goldenLine(changedBy change: Double = 0) throws -> String {
    let golden = try #require(
      try GoldenCase.load("v3-style").first { $0.response == nil && $0.token_ids.count < 100 })
    let line: [String: Any] = ["prompt": golden.prompt, "score": golden.p_unsafe + change]
    return String(decoding: try JSONSerialization.data(withJSONObject: line), as: UTF8.self)
  }

  @Test(arguments: GoldenCase.folders)
  func aGoodModelPasses(folder: String) throws {
    let directory = try copy(folder)
    try load(directory).selfTest(folder: directory.path)
  }

  @Test func theExpectedScoresOfTheFolderAreChecked() throws {
    let directory = try copy()
    let model = try load(directory)
    try write(try goldenLine() + "\n\n", to: directory)
    try model.selfTest(folder: directory.path)
    try write(try goldenLine() + "\n" + goldenLine(changedBy: 0.01), to: directory)
    let error = #expect(throws: GuardModelFailure.self) {
      try model.selfTest(folder: directory.path)
    }
    #expect(error?.description.contains("selftest.jsonl:2: the score differs") == true)
  }

  @Test func aLineThatIsNoTestIsNamed() throws {
    let directory = try copy()
    let model = try load(directory)
    try write("{\"response\": 1}", to: directory)
    let error = #expect(throws: GuardModelFailure.self) {
      try model.selfTest(folder: directory.path)
    }
    #expect(error?.description.contains("selftest.jsonl:1") == true)
  }

  /// Weights that are no numbers are refused when they are read; the largest ones are numbers, and
  /// their products are none.
  @Test func weightsThatGiveNoNumbersAreFound() throws {
    let directory = try copy()
    let url = URL(filePath: directory.path).appending(path: "model.safetensors")
    var data = try Data(contentsOf: url)
    let header = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    func fill(_ number: [UInt8]) throws {
      let numbers = Array(repeating: number, count: (data.count - 8 - header) / 4).joined()
      data.replaceSubrange((8 + header)..., with: Data(numbers))
      try data.write(to: url)
    }
    try fill([0xFF, 0xFF, 0xFF, 0xFF])
    #expect(throws: GuardModelFailure.self) { try load(directory) }
    try fill([0xFF, 0xFF, 0x7F, 0x7F])
    let model = try load(directory)
    #expect(throws: GuardModelFailure.self) { try model.selfTest(folder: directory.path) }
  }
}
