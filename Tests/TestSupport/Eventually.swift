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
