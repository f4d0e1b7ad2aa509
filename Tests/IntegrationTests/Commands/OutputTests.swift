import Foundation
import TestSupport
import Testing

/// Where the output of a command cannot go: whoever reads it has left, or the disk is full.
@Suite struct OutputTests {
  private static let model = GoldenCase.url("v3-style").path
  /// Commands that write to standard output, and end well where it takes what they write.
  static let commands: [[String]] = [
    ["classify", "--model", model], ["--help"], ["--version"], ["classify", "--help"],
    ["check", "--config", SourceTree.url("config/sluice.yaml").path],
    ["model", "list", "--models", "/usr"], ["help", "classify"],
  ]
  private let input = String(repeating: #"{"prompt": "How are you?"}"# + "\n", count: 100)

  /// Runs the program with this redirection.
  ///
  /// - Parameter kibibytesMax: how large a file may grow.
  private func run(
    _ arguments: [String], _ redirection: String, kibibytesMax: Int? = nil
  ) throws -> (Int32?, String) {
    let directory = try TemporaryDirectory()
    try Data(input.utf8).write(to: URL(filePath: directory.path + "/input"))
    let limit = kibibytesMax.map { "ulimit -f \($0); " } ?? ""
    let script = #"set -o pipefail; trap "" XFSZ; "# + limit + #""$0" "$@" "# + redirection
    let process = try ChildProcess(
      "/bin/bash", ["-c", script, DaemonProcess.program] + arguments,
      environment: ["DIRECTORY": directory.path], input: directory.path + "/input",
      error: directory.path + "/error")
    guard case .exited(let code) = process.wait(within: .seconds(60)) else {
      return (nil, directory.text(of: "error"))
    }
    return (code, directory.text(of: "error"))
  }

  @Test(arguments: commands) func aFullDiskIsSaid(command: [String]) throws {
    let (code, error) = try run(command, "> /dev/full")
    #expect(code == 73, "\(error)")
    #expect(error.contains("standard output: No space left on device"), "\(error)")
  }

  @Test func aDiskThatFillsUpInBetweenIsSaid() throws {
    let (code, error) = try run(
      ["classify", "--model", Self.model], #"> "$DIRECTORY/output""#, kibibytesMax: 4)
    #expect(code == 73, "\(error)")
    #expect(error.contains("standard output: File too large"), "\(error)")
  }

  @Test(arguments: commands) func aReaderThatLeavesIsNoFailure(command: [String]) throws {
    let (code, error) = try run(command, "| :")
    #expect(code == 0, "\(error)")
    #expect(error.isEmpty)
  }

  @Test(arguments: [[], ["model"], ["dead-letter"]] as [[String]])
  func aMissingCommandIsUsage(arguments: [String]) throws {
    let run = try Command(arguments)
    #expect(run.ending == .exited(64))
    #expect(run.output.isEmpty)
    #expect(run.error.contains("SUBCOMMANDS") && run.error.contains("a command is missing"))
  }

  @Test func helpForACommandIsItsOwn() throws {
    let run = try Command(["help", "classify"])
    #expect(run.ending == .exited(0))
    #expect(run.output.contains("USAGE: sluice classify"))
  }
}
