import Foundation
import TestSupport
import Testing
import Threading

/// How many processors a process may use, by files as the kernel shows them.
@Suite struct ProcessorsTests {
  private func quota(_ files: [String: String]) throws -> Double? {
    let directory = try TemporaryDirectory()
    for (path, text) in files {
      let url = URL(filePath: directory.path + path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    return CPUQuota.processors(root: directory.path)
  }

  @Test(
    arguments: [
      ("max 100000\n", nil), ("200000 100000\n", 2), ("150000 100000\n", 1.5),
      ("50000 100000\n", 0.5), ("nonsense\n", nil), ("", nil), ("0 0\n", nil),
    ] as [(String, Double?)])
  func aContainersOwnGroupCounts(limit: String, expected: Double?) throws {
    let files = ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": limit]
    #expect(try quota(files) == expected)
  }

  @Test func theLeastOfAllGroupsAboveCounts() throws {
    let files = [
      "/proc/self/cgroup": "0::/system.slice/sluice.service\n",
      "/sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/system.slice/sluice.service/cpu.max": "max 100000\n",
    ]
    #expect(try quota(files) == 3)
  }

  @Test func aGroupThatTheContainerCannotSeeIsTheMountedOne() throws {
    let files = [
      "/proc/self/cgroup": "0::/../../docker/abc\n", "/sys/fs/cgroup/cpu.max": "400000 100000\n",
    ]
    #expect(try quota(files) == 4)
  }

  @Test(arguments: ["cpu", "cpu,cpuacct"]) func theFirstVersionCounts(folder: String) throws {
    let files = [
      "/proc/self/cgroup": "5:memory:/m\n4:cpu,cpuacct:/docker/abc\n",
      "/sys/fs/cgroup/\(folder)/docker/abc/cpu.cfs_quota_us": "250000\n",
      "/sys/fs/cgroup/\(folder)/docker/abc/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/\(folder)/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/\(folder)/cpu.cfs_period_us": "100000\n",
    ]
    #expect(try quota(files) == 2.5)
  }

  @Test func withoutTheFilesNothingLimits() throws { #expect(try quota([:]) == nil) }

  @Test(
    arguments: [
      (16, nil, 16), (16, 4, 4), (16, 1.5, 2), (16, 0.2, 1), (2, 8, 2), (0, nil, 1), (4, 1e300, 4),
    ] as [(Int, Double?, Int)])
  func aPartCountsAsOne(affinity: Int, quota: Double?, expected: Int) {
    #expect(Processors.count(affinity: affinity, quota: quota) == expected)
  }
}
