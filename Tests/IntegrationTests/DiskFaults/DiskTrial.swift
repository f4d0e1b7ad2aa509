import Foundation
import TestSupport
import Testing

/// A command that is run again and again on a disk that fails, each time at another of its calls.
struct DiskTrial {
  /// At how many of its calls a command is to fail, for whoever wants it at all of them.
  private static let callsAsked =
    ProcessInfo.processInfo.environment["SLUICE_DISK_CALLS"].flatMap { Int($0) }

  private let arguments: [String]
  private let disk: FailingDisk
  private let calls: Int

  /// - Parameters:
  ///   - prefix: what the paths of the files begin with that the disk has.
  ///   - calls: at how many of its calls the command is to fail.
  init(
    _ arguments: [String], prefix: String, in directory: TemporaryDirectory, calls: Int = 10
  ) {
    self.arguments = arguments
    self.calls = Self.callsAsked ?? calls
    disk = FailingDisk(prefix: prefix, in: directory)
  }

  /// The numbers of some of so many calls: all, or as many as are to be tried, with the first and
  /// the last.
  private func some(of count: Int) -> [Int] {
    if count <= calls { return Array(1..<count + 1) }
    return (0..<calls).map { 1 + $0 * (count - 1) / (calls - 1) }
  }

  /// Runs a command with no fault, then with the fault at each of its calls, alone and lasting.
  ///
  /// - Parameters:
  ///   - succeeding: the exit codes of a command that did what it should.
  ///   - words: what an error has to say; the system's words by default.
  ///   - prepare: called before each run.
  ///   - check: called after each run with a fault; is told how the run ended.
  func run(
    _ fault: FailingDisk.Fault, succeeding: Set<Int32> = [0], words: String? = nil,
    prepare: () throws -> Void, check: (Command, Comment) throws -> Void
  ) throws {
    try prepare()
    let whole = try Command(arguments, environment: disk.environment(fault, first: 0))
    #expect(succeeding.contains { whole.ending == .exited($0) }, "\(whole.error)")
    let made = disk.calls.count
    #expect(made > 0, "nothing was asked of the disk")
    for count in [1, .max] {
      for first in some(of: made) {
        try prepare()
        let run = try Command(
          arguments, environment: disk.environment(fault, first: first, count: count))
        let place: Comment = "\(count == 1 ? "one" : "lasting"): \(disk.firstFailure ?? "none")"
        try expectOrder(run, words ?? fault.words, succeeding, place)
        try check(run, place)
      }
    }
  }

  /// A command succeeds, or ends with an exit code for files and with the system's words.
  private func expectOrder(
    _ run: Command, _ words: String?, _ succeeding: Set<Int32>, _ place: Comment
  ) throws {
    guard case .exited(let code) = try #require(run.ending, place) else {
      Issue.record("killed: \(run.error) (\(place))")
      return
    }
    if succeeding.contains(code) { return }
    #expect([66, 73].contains(code), "\(code): \(run.error) (\(place))")
    #expect(run.error.contains("sluice: "), "\(run.error) (\(place))")
    if code == 73, let words {
      #expect(run.error.contains(words), "\(run.error) (\(place))")
    }
  }
}
