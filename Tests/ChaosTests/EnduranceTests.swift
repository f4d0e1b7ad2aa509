import Foundation
import TestSupport
import Testing
import sluice_chaos

/// Long runs, for some seconds; `make soak` and `make chaos` run them for long.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct EnduranceTests {
  private func run(_ arguments: [String]) throws -> (ending: ChildProcess.Ending?, text: String) {
    let directory = try TemporaryDirectory()
    let process = try ChildProcess(
      SourceTree.product("sluice-chaos").path, arguments + ["--output", directory.path + "/out"],
      output: directory.path + "/text")
    let ending = process.wait(within: .seconds(300))
    return (ending, directory.text(of: "text"))
  }

  /// What is wrong, but for times, and for what grows: a program of some seconds has not warmed up.
  private func faults(_ text: String) -> [Substring] {
    text.split(separator: "\n").filter {
      $0.hasPrefix("✘") && !$0.contains(", later ") && !$0.contains("as fast as before")
        && !$0.contains("more came than was judged")
    }
  }

  @Test func moreThanCanBeJudgedIsJudgedLater() throws {
    let (_, text) = try run([
      "overload", "--precision", "fp32", "--seconds", "5", "--calm", "5", "--sample", "600",
      "--records-max", "1000", "--times", "5",
    ])
    #expect(text.contains("0 lost, 0 repeated, 0 reordered, 0 wrong"), "\(text)")
    #expect(text.contains("✔ the backlog is gone"), "\(text)")
    #expect(faults(text).isEmpty, "\(text)")
  }

  @Test func theWholeLoopRunsAndNothingIsLost() throws {
    let (_, text) = try run([
      "soak", "--seconds", "12", "--retrainings", "3", "--variants", "48",
    ])
    #expect(text.contains("0 lost, 0 repeated, 0 reordered, 0 wrong"), "\(text)")
    #expect(faults(text).isEmpty, "\(text)")
  }

  @Test func mistakesAreUsage() throws {
    for arguments in [
      ["soak", "--seconds", "1"], ["soak", "--rate", "0"], ["soak", "--retrainings", "0"],
      ["overload", "--times", "1"], ["overload", "--calm", "1"], ["overload", "--partitions", "0"],
    ] {
      #expect(try run(arguments).ending == .exited(64), "\(arguments)")
    }
    #expect(try run(["soak", "--program", "/bin/false"]).ending == .exited(69))
  }
}
