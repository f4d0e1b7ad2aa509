internal import Foundation

/// Reads the header `Retry-After`: seconds, or a date as HTTP writes it (RFC 9110 §10.2.3).
package enum RetryAfter {
  /// How long the server wants to be left alone; nil for what is neither form.
  package static func parse(_ text: String, atMilliseconds now: Int64) -> Duration? {
    let text = text.trimmingCharacters(in: .whitespaces)
    if let seconds = Int64(text) { return seconds >= 0 ? .seconds(min(seconds, 1 << 32)) : nil }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    guard let date = format.date(from: text) else { return nil }
    return .milliseconds(max(0, Int64(date.timeIntervalSince1970 * 1_000) - now))
  }
}
