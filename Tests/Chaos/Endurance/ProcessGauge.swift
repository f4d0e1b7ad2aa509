import Foundation
import Glibc

/// What a process holds of the host, as `/proc` tells it.
package struct ProcessGauge: Sendable {
  /// Anonymous memory that is resident, in bytes: what the process itself has written. Pages of
  /// mapped files come and go as the kernel likes.
  let memory: Int
  /// All memory that is resident, in bytes.
  let resident: Int
  /// Open file descriptors.
  let handles: Int
  let threads: Int

  package init(memory: Int, resident: Int, handles: Int, threads: Int) {
    (self.memory, self.resident) = (memory, resident)
    (self.handles, self.threads) = (handles, threads)
  }

  /// Nil if it has ended.
  init?(_ process: Int32) {
    let folder = "/proc/\(process)"
    guard let status = try? String(contentsOfFile: "\(folder)/status", encoding: .utf8),
      let handles = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd").count
    else { return nil }
    func number(_ name: String) -> Int? {
      status.split(separator: "\n").first { $0.hasPrefix("\(name):") }?
        .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
    guard let memory = number("RssAnon"), let resident = number("VmRSS"),
      let threads = number("Threads")
    else { return nil }
    self.init(memory: memory << 10, resident: resident << 10, handles: handles, threads: threads)
  }
}
