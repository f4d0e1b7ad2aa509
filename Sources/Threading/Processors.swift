internal import Foundation

package enum Processors {
  /// How many this process may use: those that its affinity leaves it, and no more than the time
  /// that its control groups grant.
  package static let count = count(
    affinity: ProcessInfo.processInfo.activeProcessorCount, quota: CPUQuota.processors(root: ""))

  /// A part of a processor counts as one more, at least one in all.
  package static func count(affinity: Int, quota: Double?) -> Int {
    let granted = quota.map { Int(min($0, Double(affinity)).rounded(.up)) } ?? affinity
    return max(1, min(affinity, granted))
  }
}
