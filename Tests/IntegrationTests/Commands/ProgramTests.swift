import TestSupport
import Testing

/// What all commands have in common.
@Suite struct ProgramTests {
  static let commands = [
    ["serve"], ["label"], ["retrain"], ["classify"], ["evaluate"], ["distill"], ["augment"],
    ["model"], ["model", "list"], ["model", "show"], ["model", "register"], ["model", "promote"],
    ["model", "rollback"], ["model", "verify"], ["model", "prune"], ["dead-letter", "list"],
    ["dead-letter", "replay"], ["check"], ["device"], ["demo"],
  ]

  @Test(arguments: commands) func helpSaysHow(command: [String]) throws {
    let run = try Command(command + ["--help"])
    #expect(run.ending == .exited(0))
    #expect(run.output.contains("USAGE: sluice \(command.joined(separator: " "))"))
    #expect(run.error.isEmpty)
  }

  @Test func whatIsNoCommandIsUsage() throws {
    #expect(try Command(["paint"]).ending == .exited(64))
    #expect(try Command(["serve", "--colour"]).ending == .exited(64))
  }

  @Test func theVersionIsOneLine() throws {
    let run = try Command(["--version"])
    #expect(run.ending == .exited(0))
    #expect(run.lines.count == 1)
  }

  @Test func theDemoShowsVerdictsExactlyOnce() throws {
    let run = try Command(["demo"])
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(run.lines.last == "every record came out exactly once")
  }
}
