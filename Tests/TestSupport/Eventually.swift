internal import Glibc

/// Asks every few milliseconds whether something that no clock or event of this process tells has
/// come about, such as a file of another process; false when it has not within the limit.
package func eventually(
  within limit: Duration = .seconds(60), _ condition: () throws -> Bool
) async rethrows -> Bool {
  let end = ContinuousClock.now + limit
  while true {
    if try condition() { return true }
    if ContinuousClock.now >= end { return false }
    try? await Task.sleep(for: .milliseconds(5))
  }
}

/// As `eventually`, for tests that block a thread of their own.
package func comesAbout(
  within limit: Duration = .seconds(60), _ condition: () throws -> Bool
) rethrows -> Bool {
  let end = ContinuousClock.now + limit
  while true {
    if try condition() { return true }
    if ContinuousClock.now >= end { return false }
    usleep(5_000)
  }
}

/// Returns when the task is cancelled.
package func untilCancelled() async {
  while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
}
