import ArgumentParser

/// How daemons are members of their group.
enum Membership: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// By name (`group_instance_id`): who comes back has what it had.
  case `static`
  /// Without a name: who is killed keeps its partitions until its session is over, and each one who
  /// comes or goes gives all of them out anew.
  case dynamic
  /// The same, with partitions that move one by one (`cooperative-sticky`).
  case cooperative

  /// The lines of the settings' section `kafka`, of the member with this number.
  func settings(of number: Int, group: String) -> [String] {
    switch self {
    case .static: ["group_instance_id: filter-\(number)"]
    case .dynamic, .cooperative:
      [
        "transactional_id: \(group)-filter-\(number)",
        "consumer_properties:",
        "  session.timeout.ms: \(Self.sessionMilliseconds)",
        "  heartbeat.interval.ms: 1000",
        "  max.poll.interval.ms: \(Self.rejoiningMilliseconds)",
        "  partition.assignment.strategy: \(self == .dynamic ? "range" : "cooperative-sticky")",
      ]
    }
  }

  /// So short that what a killed member had moves on within the time that a round grants.
  private static let sessionMilliseconds = 6_000
  /// So long a group waits for members that do not come back to it: noida-db does so also for those
  /// whose session is over.
  private static let rejoiningMilliseconds = 10_000
}
