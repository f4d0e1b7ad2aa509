internal import Foundation

/// The processor time that control groups grant, as containers and systemd's `CPUQuota=` set it:
/// cgroups(7), cpu.max of version 2, cpu.cfs_quota_us of version 1.
package enum CPUQuota {
  /// Processors' worth of time for this process; nil where nothing limits it.
  ///
  /// Every group above the process's own counts too. In a container that does not see its own
  /// group's folder, the mounted one is its own.
  ///
  /// - Parameter root: what stands before the paths of the system.
  package static func processors(root: String) -> Double? {
    let groups = text("\(root)/proc/self/cgroup")?.split(separator: "\n") ?? []
    var least: Double?
    for group in groups {
      // hierarchy:controllers:path
      let parts = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let mount: String
      if parts[1].isEmpty {
        mount = "\(root)/sys/fs/cgroup"
      } else if parts[1].split(separator: ",").contains("cpu") {
        mount =
          ["cpu", String(parts[1])].map { "\(root)/sys/fs/cgroup/\($0)" }
          .first(where: FileManager.default.fileExists(atPath:)) ?? ""
      } else {
        continue
      }
      let names = parts[2].split(separator: "/").filter { $0 != ".." }
      for depth in 0...names.count {
        let folder = ([mount] + names.prefix(depth).map(String.init)).joined(separator: "/")
        if let quota = quota(of: folder) { least = min(least ?? quota, quota) }
      }
    }
    return least
  }

  private static func quota(of folder: String) -> Double? {
    let numbers: [Double?]
    if let text = text(folder + "/cpu.max") {
      // The quota, or max, and the period, in microseconds.
      numbers = text.split(whereSeparator: \.isWhitespace).map { Double($0) }
    } else {
      numbers = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { name in
        text("\(folder)/\(name)").flatMap { Double($0.trimmingCharacters(in: .newlines)) }
      }
    }
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0
    else { return nil }
    return quota / period
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}
