import Foundation
import TestSupport

/// What a command of the program did, as a script sees it.
struct Command {
  let ending: ChildProcess.Ending?
  let output: String
  let error: String

  /// Runs `sluice` with these arguments and this input until it ends.
  ///
  /// - Parameter output: the file for its output; a temporary one by default.
  init(
    _ arguments: [String], input: String = "", environment: [String: String] = [:],
    output: String? = nil
  ) throws {
    let directory = try TemporaryDirectory()
    try Data(input.utf8).write(to: URL(filePath: directory.path + "/input"))
    let process = try ChildProcess(
      DaemonProcess.program, arguments, environment: environment,
      input: directory.path + "/input", output: output ?? directory.path + "/output",
      error: directory.path + "/error")
    ending = process.wait(within: .seconds(120))
    self.output = directory.text(of: "output")
    error = directory.text(of: "error")
  }

  /// The lines of the output.
  var lines: [Substring] { output.split(separator: "\n") }

  /// The lines of the output as JSON objects.
  func objects() throws -> [[String: Any]] {
    try lines.map { line in
      let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return value as? [String: Any] ?? [:]
    }
  }
}
