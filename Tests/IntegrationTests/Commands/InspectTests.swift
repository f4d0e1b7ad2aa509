import Foundation
import TestSupport
import Testing

/// `sluice model inspect`, and that every command says the same of a folder that is no model.
@Suite struct InspectTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func aModelIsShown() throws {
    let path = GoldenCase.url("v3-style").path
    let run = try Command(["model", "inspect", path])
    #expect(run.ending == .exited(0), "\(run.error)")
    for words in [
      "judges       yes", "label        LABEL_1: unsafe", "views        prompt and response",
      "engine       cuda fp8: yes", "SentencePiece of spm.model", "MFLOP a token in 32 tokens",
    ] {
      #expect(run.output.contains(words), "\(words): \(run.output)")
    }
    let json = try Command(["model", "inspect", path, "--json"])
    #expect(json.ending == .exited(0) && json.lines.count == 1)
    let found = try #require(try json.objects().first)
    #expect(found["can_judge"] as? Bool == true && found["can_train"] as? Bool == true)
    #expect((found["sizes"] as? [String: Int])?["hidden"] == 64)
    #expect((found["engines"] as? [[String: Any]])?.count == 6)
    #expect(found["views"] as? [String] == ["prompt", "response"])
  }

  @Test func aVersionOfARegistryIsShown() throws {
    let models = directory.path + "/models"
    let registered = try Command([
      "model", "register", GoldenCase.url("v3-style").path, "--models", models,
    ])
    let version = registered.output.trimmingCharacters(in: .newlines)
    let run = try Command(["model", "inspect", "\(models)/\(version)"])
    #expect(run.output.contains("registry     \(version), candidate"), "\(run.output)")
    let above = try Command(["model", "inspect", models])
    #expect(above.ending == .exited(66))
    #expect(above.error.contains("give \(models)/\(version)"), "\(above.error)")
  }

  @Test func everyCommandSaysTheSame() throws {
    try Data(#"{"peft_type": "LORA", "base_model_name_or_path": "acme/base"}"#.utf8).write(
      to: URL(filePath: directory.path + "/adapter_config.json"))
    let data = directory.path + "/rows"
    let rows = (0..<4).map { #"{"prompt": "text \#($0)", "label": \#($0 % 2)}"# }
    try Data(rows.joined(separator: "\n").utf8).write(to: URL(filePath: data))
    let words = "\(directory.path): is an adapter of peft (LoRA and the like) for acme/base"
    for arguments in [
      ["model", "inspect", directory.path], ["classify", "--model", directory.path],
      ["model", "register", directory.path, "--models", directory.path + "/models"],
      ["evaluate", "--model", directory.path, "--data", data, "--output", data + ".out"],
      ["distill", "--model", directory.path, "--data", data, "--output", directory.path + "/out"],
    ] {
      let run = try Command(arguments)
      #expect(run.ending == .exited(66), "\(arguments): \(run.error)")
      #expect(run.error.contains(words), "\(arguments): \(run.error)")
    }
    let json = try Command(["model", "inspect", directory.path, "--json"])
    #expect(json.ending == .exited(66))
    #expect((try json.objects().first?["error"] as? String)?.hasPrefix(words) == true)
  }

  @Test func classifyTellsWhichViewsToJudge() throws {
    let input = #"{"prompt": "a", "response": "b"}"#
    for (views, isJudged) in [(nil, true), ("prompt", false), ("both", true)] {
      let run = try Command(
        ["classify", "--model", GoldenCase.url("v3-style").path]
          + (views.map { ["--views", $0] } ?? []), input: input)
      #expect((try run.objects().first?["response_score"] is Double) == isJudged)
    }
  }
}
