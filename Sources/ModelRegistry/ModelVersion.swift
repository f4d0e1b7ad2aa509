package import Foundation

/// The name of a model version: when it was made and what it is, `2026-11-24T02-13-05Z-3f9c2a1b`.
///
/// The time is UTC with dashes for colons, so names sort by time and need no quoting in a shell;
/// the last part is the first eight hexadecimal digits of the model's hash, those that its verdicts
/// show behind the `@`.
package struct ModelVersion: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// A name as it stands in a folder or file; nil when it is no such name.
  package init?(_ name: some StringProtocol) {
    let pattern = "0000-00-00T00-00-00Z-hhhhhhhh"
    guard name.utf8.count == pattern.utf8.count else { return nil }
    for (byte, kind) in zip(name.utf8, pattern.utf8) {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      switch kind {
      case UInt8(ascii: "0"): guard isDigit else { return nil }
      case UInt8(ascii: "h"):
        guard isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte) else { return nil }
      default: guard byte == kind else { return nil }
      }
    }
    description = String(name)
  }

  /// The name for a model made at that time; nil unless `hash` begins with eight hexadecimal
  /// digits.
  package init?(createdAt time: Date, hash: String) {
    self.init("\(timestamp(time).replacing(":", with: "-"))-\(hash.prefix(8))")
  }

  /// The first eight hexadecimal digits of the model's hash.
  package var hashPrefix: String { String(description.suffix(8)) }
}

extension ModelVersion: Comparable {
  package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

extension ModelVersion: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let version = ModelVersion(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not the name of a model version")
    }
    self = version
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A time in UTC to the second, such as `2026-11-24T02:13:05Z`.
func timestamp(_ time: Date) -> String { time.formatted(.iso8601) }
