import Datasets
import Foundation
import TestSupport
import Testing

/// The command `sluice augment` as a process, killed again and again.
@Suite struct AugmentTests {
  private func arguments(_ url: String, _ directory: TemporaryDirectory, _ name: String) -> [String]
  {
    var arguments = [
      "augment", "--data", directory.path + "/data.jsonl", "--exclude",
      directory.path + "/evaluation.jsonl", "--output", "\(directory.path)/\(name)",
      "--instructions", "40", "--benign", "--refusal-trials", "10", "--teacher-template",
      "few_shot",
    ]
    for role in ["generator", "refuser", "complier", "teacher"] {
      arguments += ["--\(role)", url, "--\(role)-model", role]
    }
    return arguments
  }

  private func prepare(_ directory: TemporaryDirectory) throws {
    let data = ScriptedWorld.exemplars.map { LabelledExample(id: $0, prompt: $0, isUnsafe: true) }
    try data.reduce(into: Data()) { $0 += DatasetFile.line($1) }
      .write(to: URL(filePath: directory.path + "/data.jsonl"))
    try DatasetFile.line(
      LabelledExample(id: "e", prompt: ScriptedWorld.evaluationPrompt, isUnsafe: false)
    ).write(to: URL(filePath: directory.path + "/evaluation.jsonl"))
  }

  @Test func killsLoseNothingAndRepeatNothing() async throws {
    let directory = try TemporaryDirectory()
    try prepare(directory)
    let world = try await ScriptedServer { request, _ in
      try? await Task.sleep(for: .milliseconds(2))  // sleeps: as a model that has to think
      return ScriptedWorld.answer(request)
    }
    let log = directory.path + "/log"
    let whole = try ChildProcess(
      DaemonProcess.program, arguments(world.url, directory, "whole.jsonl"), output: log)
    #expect(whole.wait(within: .seconds(60)) == .exited(0), "\(directory.text(of: "log"))")

    // Killed once the journal has grown by a few more answers each time.
    var kills = 0
    var finished = false
    while !finished, kills < 30 {
      let process = try ChildProcess(
        DaemonProcess.program, arguments(world.url, directory, "parts.jsonl"), output: log)
      let target = lines(directory, "parts.jsonl.journal") + 3 + kills
      _ = await eventually {
        !process.isRunning || lines(directory, "parts.jsonl.journal") >= target
      }
      if process.isRunning {
        process.kill()
        kills += 1
      } else {
        #expect(process.ending == .exited(0), "\(directory.text(of: "log"))")
        finished = true
      }
      // Every whole line is a good one; only the last one may be unfinished.
      let text = directory.text(of: "parts.jsonl")
      let whole = directory.text(of: "whole.jsonl")
      #expect(whole.hasPrefix(text), "after \(kills) kills")
    }
    if !finished {
      let process = try ChildProcess(
        DaemonProcess.program, arguments(world.url, directory, "parts.jsonl"), output: log)
      #expect(process.wait(within: .seconds(60)) == .exited(0), "\(directory.text(of: "log"))")
    }
    #expect(kills >= 5)
    #expect(directory.text(of: "parts.jsonl") == directory.text(of: "whole.jsonl"))
    let rows = try DatasetFile.read(directory.path + "/parts.jsonl")
    #expect(rows.count > 100)
    let said = directory.text(of: "log")
    #expect(rows.allSatisfy { !said.contains($0.prompt) })
  }

  @Test(arguments: [
    (["--data", "/none", "--output", "/tmp/x", "--generator", "http://127.0.0.1:1"], 66),
    (["--output", "/tmp/x", "--generator", "http://127.0.0.1:1"], 64),
    (["--data", "/none", "--output", "/tmp/x"], 64),
    (["--data", "/none", "--output", "/tmp/x", "--config", "/none.yaml"], 78),
    (["--data", "/none", "--output", "x", "--generator", "http://h", "--leak", "0.1"], 64),
    (["--data", "/none", "--output", "x", "--generator", "http://h", "--refuser-model", "m"], 64),
  ])
  func mistakesHaveTheirExitCode(arguments: [String], code: Int) throws {
    let process = try ChildProcess(DaemonProcess.program, ["augment"] + arguments)
    #expect(process.wait(within: .seconds(20)) == .exited(Int32(code)))
  }

  private func lines(_ directory: TemporaryDirectory, _ name: String) -> Int {
    directory.text(of: name).utf8.count { $0 == 0x0A }
  }
}
