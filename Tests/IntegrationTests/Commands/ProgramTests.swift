import Glibc
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

  /// A thread of a pool has all signals blocked, and whatever it starts begins like that.
  @Test func signalsThatWereBlockedEndIt() throws {
    var blocked = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&blocked)
    unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
    let directory = try TemporaryDirectory()
    let pipe = directory.path + "/pipe"
    let isMade = unsafe mkfifo(pipe, 0o600) == 0
    #expect(isMade)
    // Keeps the pipe open, so that the program waits for its input.
    let writer = unsafe open(pipe, O_RDWR)
    defer { close(writer) }
    let process = try ChildProcess(
      DaemonProcess.program, ["classify", "--model", GoldenCase.url("v3-style").path], input: pipe)
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    #expect(process.stop(within: .seconds(20)) == .killed(signal: SIGTERM))
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
