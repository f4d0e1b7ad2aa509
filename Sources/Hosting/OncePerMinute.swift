package import Basics

/// Lets each key through once a minute, so that what goes wrong again and again does not fill a
/// log.
package struct OncePerMinute: Sendable {
  /// Keys beyond these share one place: nobody can fill the memory with causes.
  private static let keysMax = 64

  private var last: [String: (time: Instant, withheld: Int)] = [:]

  package init() {}

  /// How often the key came since it was last let through, if it may pass now; else nil.
  package mutating func admit(_ key: String, now: Instant) -> Int? {
    let key = last[key] == nil && last.count >= Self.keysMax ? "other" : key
    if let (time, withheld) = last[key], now < time.advanced(byMilliseconds: 60_000) {
      last[key] = (time, withheld + 1)
      return nil
    }
    let withheld = last[key]?.withheld ?? 0
    last[key] = (now, 0)
    return withheld
  }
}
