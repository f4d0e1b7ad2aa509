internal import Glibc

/// A program that a test runs: started, signalled and waited for by its process number.
package final class ChildProcess {
  /// How a program ended.
  package enum Ending: Hashable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  /// The program could not be started; `code` is the system's `errno`.
  package struct StartError: Error {
    package let program: String
    package let code: Int32
  }

  package let processIdentifier: Int32
  /// How it ended; nil while it runs.
  package private(set) var ending: Ending?

  /// Starts `program`, a path, in the environment of this process with `environment` on top.
  ///
  /// - Parameters:
  ///   - input: the file that it reads from; empty by default.
  ///   - output: the file that its output is added to.
  ///   - error: the file that its error is added to; `output` by default.
  package init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    input: String = "/dev/null", output: String = "/dev/null", error: String? = nil
  ) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    let adding = O_WRONLY | O_CREAT | O_APPEND
    unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, output, adding, 0o644)
    if let error {
      unsafe posix_spawn_file_actions_addopen(&actions, 2, error, adding, 0o644)
    } else {
      unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    }

    var variables = Self.inheritedVariables()
    // Who crashes ends at once: Swift's backtracer, asked for in some environments, may keep its
    // connections open for minutes, and whoever talks to it waiting.
    variables["SWIFT_BACKTRACE"] = "enable=no"
    for (name, value) in environment { variables[name] = value }
    var identifier: pid_t = 0
    let code = unsafe withCStrings([program] + arguments) { arguments in
      unsafe withCStrings(variables.map { "\($0.key)=\($0.value)" }) { variables in
        unsafe posix_spawn(&identifier, program, &actions, nil, arguments, variables)
      }
    }
    guard code == 0 else { throw StartError(program: program, code: code) }
    processIdentifier = identifier
  }

  deinit { kill() }

  /// Whether it has not ended yet.
  package var isRunning: Bool {
    reap(options: WNOHANG)
    return ending == nil
  }

  /// Sends a signal, if it still runs.
  package func send(signal: Int32) {
    if isRunning { Glibc.kill(processIdentifier, signal) }
  }

  /// Waits until it has ended; nil if that takes longer than `limit`.
  package func wait(within limit: Duration) -> Ending? {
    let end = ContinuousClock.now + limit
    while isRunning, ContinuousClock.now < end { usleep(2_000) }
    return ending
  }

  /// Asks it to end, and kills it if it has not done so within `limit`.
  @discardableResult
  package func stop(within limit: Duration) -> Ending? {
    send(signal: SIGTERM)
    if let ending = wait(within: limit) { return ending }
    return kill()
  }

  /// Ends it at once, as a crash would.
  @discardableResult
  package func kill() -> Ending? {
    send(signal: SIGKILL)
    reap(options: 0)
    return ending
  }

  private func reap(options: Int32) {
    if ending != nil { return }
    var status: Int32 = 0
    guard unsafe waitpid(processIdentifier, &status, options) == processIdentifier else { return }
    let signal = status & 0x7f
    ending = signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
  }

  private static func inheritedVariables() -> [String: String] {
    var variables: [String: String] = [:]
    var next = unsafe environ
    while let text = unsafe next.pointee {
      let parts = unsafe String(cString: text).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
      unsafe next += 1
    }
    return variables
  }
}

/// Calls `body` with a null-terminated array of C strings, as `exec` and its kin want them.
private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = unsafe strings.map { unsafe strdup($0) }
  defer { unsafe copies.forEach { unsafe free($0) } }
  return unsafe body(copies + [nil])
}
