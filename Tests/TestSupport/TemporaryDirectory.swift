internal import FoundationEssentials
internal import Glibc

/// A directory that disappears with this object.
package final class TemporaryDirectory: Sendable {
  package let path: String

  package init() throws {
    path = parent() + "/sluice-test-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The text of a file in the directory; empty if there is none.
  package func text(of name: String) -> String {
    guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else { return "" }
    return String(decoding: data, as: UTF8.self)
  }
}

private func parent() -> String {
  guard let path = unsafe getenv("TMPDIR") else { return "/tmp" }
  return unsafe String(cString: path)
}
