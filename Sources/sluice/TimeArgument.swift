import ArgumentParser
import Basics
import Foundation

/// A moment on the command line: a date, a date with time, or how long ago it was.
struct TimeArgument: ExpressibleByArgument {
  /// Milliseconds since 1970-01-01 UTC.
  let milliseconds: Int64

  static let help = "such as 2026-11-24, 2026-11-24T09:30:00Z, 90m, 12h or 7d (ago)"

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    let date: Date
    if let unit = argument.last.flatMap({ units[$0] }), let count = UInt32(argument.dropLast()) {
      date = Date(timeIntervalSinceNow: -Double(count) * unit)
    } else if let moment = try? Date(argument, strategy: .iso8601) {
      date = moment
    } else if let day = try? Date(argument, strategy: .iso8601.year().month().day()) {
      date = day
    } else {
      return nil
    }
    milliseconds = Int64(date.timeIntervalSince1970 * 1_000)
  }
}

/// A record's time for people and programs: ISO 8601 in UTC, to the millisecond; nil when unknown.
func timeText(milliseconds: Int64) -> String? {
  milliseconds >= 0 ? Timestamp.text(milliseconds: milliseconds) : nil
}
