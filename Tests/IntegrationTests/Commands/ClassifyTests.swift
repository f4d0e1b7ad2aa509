import Foundation
import TestSupport
import Testing

@Suite struct ClassifyTests {
  private let model = GoldenCase.url("v3-style").path

  private func classify(_ input: String, _ options: [String] = []) throws -> Command {
    try Command(["classify", "--model", model, "--threads", "1"] + options, input: input)
  }

  @Test func everyLineHasItsAnswerInOrder() throws {
    let input = (0..<150).map { number in
      switch number % 3 {
      case 0: #"{"id": "\#(number)", "prompt": "How are you?"}"#
      case 1: #"{"id": "\#(number)", "prompt": "Bread?", "response": "With flour."}"#
      default: "no JSON"
      }
    }
    let run = try classify(input.joined(separator: "\n"))
    #expect(run.ending == .exited(0), "\(run.error)")
    let answers = try run.objects()
    #expect(answers.count == 150)
    for (number, answer) in answers.enumerated() {
      if number % 3 == 2 {
        #expect(answer["line"] as? Int == number + 1)
        #expect(answer["error"] is String)
      } else {
        #expect(answer["id"] as? String == "\(number)")
        #expect((answer["response_score"] is Double) == (number % 3 == 1))
      }
    }
  }

  /// P(unsafe) of transformers on PyTorch.
  @Test func scoresAreThoseOfTheReference() throws {
    let cases = try GoldenCase.load("v3-style")
    let rows = try cases.map { golden in
      var row: [String: String] = ["id": golden.id, "prompt": golden.prompt]
      row["response"] = golden.response
      return String(decoding: try JSONSerialization.data(withJSONObject: row), as: UTF8.self)
    }
    let run = try classify(rows.joined(separator: "\n") + "\n", ["--truncate"])
    #expect(run.ending == .exited(0), "\(run.error)")
    for (golden, answer) in zip(cases, try run.objects()) {
      let key = golden.response == nil ? "prompt_score" : "response_score"
      let score = try #require(answer[key] as? Double, "\(golden.id)")
      #expect(abs(score - golden.p_unsafe) < 1e-4, "\(golden.id)")
    }
  }

  @Test func nothingInIsNothingOut() throws {
    let run = try classify("")
    #expect(run.ending == .exited(0))
    #expect(run.output.isEmpty && run.error.isEmpty)
  }

  @Test func aThresholdFlagsFromThereOn() throws {
    let line = #"{"prompt": "How are you?"}"#
    #expect(try classify(line, ["--threshold", "0"]).objects()[0]["flagged"] as? Bool == true)
    #expect(try classify(line, ["--threshold", "1"]).objects()[0]["flagged"] as? Bool == false)
  }

  @Test(arguments: ["prompt", "response", "both"]) func onlyTheViewsAskedForAreJudged(
    views: String
  ) throws {
    let line = #"{"prompt": "How are you?", "response": "Well."}"#
    let answer = try classify(line, ["--views", views]).objects()[0]
    #expect((answer["prompt_score"] is Double) == (views != "response"))
    #expect((answer["response_score"] is Double) == (views != "prompt"))
  }

  @Test func textsThatAreLongAreJudgedInWindowsOrCut() throws {
    let text = String(repeating: "a quiet day by the sea ", count: 60)
    let line = #"{"prompt": "\#(text)"}"#
    let limits = ["--window-tokens", "64", "--windows-max", "30"]
    let windows = try classify(line, limits).objects()[0]["windows"] as? Int ?? 0
    #expect(windows > 3)
    let cut = try classify(line, limits + ["--truncate"]).objects()[0]["windows"] as? Int
    #expect(cut == 1)
    let refused = try classify(line, ["--window-tokens", "64", "--windows-max", "2"])
    #expect(refused.ending == .exited(65))
    #expect(try refused.objects()[0]["error"] is String)
  }

  @Test func onlyBadLinesAreBadData() throws {
    let run = try classify("{\n[]\n")
    #expect(run.ending == .exited(65))
    #expect(run.lines.count == 2)
    #expect(run.error.contains("none of 2 lines"))
  }

  @Test(arguments: [
    (["--threshold", "2"], "--threshold"), (["--windows-max", "0"], "--windows-max"),
    (["--window-tokens", "3"], "--window-tokens"), (["--judge", "user"], "--judge"),
    (["--views", "all"], "--views"), (["--device", "tpu"], "--device"),
    (["--threads", "-1"], "--threads"),
  ])
  func mistakesOfUsageAreSaid(options: [String], words: String) throws {
    let run = try classify("{}", options)
    #expect(run.ending == .exited(64))
    #expect(run.error.contains(words), "\(run.error)")
    #expect(run.output.isEmpty)
  }

  @Test func aModelThatIsNotThereIsSaid() throws {
    let run = try Command(["classify", "--model", "/none"], input: "{}")
    #expect(run.ending == .exited(66))
    #expect(run.error.contains("/none"))
  }

  @Test func textsAreNeverInMessages() throws {
    let run = try classify(#"{"prompt": "zebra", "prompt": "zebra"}"#)
    #expect(run.ending == .exited(65))
    #expect(!run.output.contains("zebra") && !run.error.contains("zebra"))
  }
}
