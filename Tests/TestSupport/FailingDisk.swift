internal import Foundation

/// Files of a program that a test starts, on a disk that fails (Tests/FailingDisk): each call on
/// them has a number, and from a chosen one on they fail.
package struct FailingDisk {
  /// What the disk is like.
  package enum Fault: String, CaseIterable, Sendable {
    /// No room for anything new.
    case full
    /// Writing is an input/output error.
    case broken
    /// Reading is one.
    case unreadable
    /// Writes do half of what they are asked.
    case short
    /// No file can be opened: the process has used up its handles.
    case handles

    /// What the system says; nil where it says nothing.
    package var words: String? {
      switch self {
      case .full: "No space left on device"
      case .broken, .unreadable: "Input/output error"
      case .handles: "Too many open files"
      case .short: nil
      }
    }
  }

  private let prefix: String
  private let journal: String

  /// - Parameter prefix: what the paths of the files begin with.
  package init(prefix: String, in directory: TemporaryDirectory) {
    // As the system sees it, without links on the way.
    let folder = URL(filePath: prefix).deletingLastPathComponent().resolvingSymlinksInPath()
    self.prefix = folder.appending(path: URL(filePath: prefix).lastPathComponent).path
    journal = directory.path + "/disk-journal"
  }

  /// What the program has to have in its environment.
  ///
  /// - Parameters:
  ///   - first: the number of the first call that fails, from 1; 0 for none.
  ///   - count: how many fail.
  package func environment(_ fault: Fault, first: Int, count: Int = .max) -> [String: String] {
    try? FileManager.default.removeItem(atPath: journal)
    return [
      "LD_PRELOAD": SourceTree.product("libfailing-disk.so").path,
      "FAILING_DISK_PREFIX": prefix, "FAILING_DISK_FAULT": fault.rawValue,
      "FAILING_DISK_FIRST": "\(first)", "FAILING_DISK_COUNT": "\(count)",
      "FAILING_DISK_JOURNAL": journal,
    ]
  }

  /// The calls of the last program, in their order.
  package var calls: [Substring] {
    ((try? String(contentsOfFile: journal, encoding: .utf8)) ?? "").split(separator: "\n")
  }

  /// The first call that failed, such as `3 write /models/history.jsonl fails`; nil for none.
  package var firstFailure: Substring? { calls.first { $0.hasSuffix(" fails") } }
}
