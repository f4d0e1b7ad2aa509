/// Moments as RFC 3339 text in UTC with milliseconds, such as `2026-01-31T09:00:00.123Z`.
package enum Timestamp {
  private static let millisecondsPerDay: Int64 = 86_400_000

  /// The text for milliseconds since 1970-01-01 UTC.
  package static func text(milliseconds: Int64) -> String {
    var bytes: [UInt8] = []
    append(milliseconds, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the text for milliseconds since 1970-01-01 UTC.
  package static func append(_ milliseconds: Int64, to output: inout [UInt8]) {
    let day = milliseconds.flooredQuotient(by: millisecondsPerDay)
    let time = milliseconds - day * millisecondsPerDay
    let date = civilDate(day)
    append(date.year, digits: 4, to: &output)
    output.append(UInt8(ascii: "-"))
    append(date.month, digits: 2, to: &output)
    output.append(UInt8(ascii: "-"))
    append(date.day, digits: 2, to: &output)
    output.append(UInt8(ascii: "T"))
    append(time / 3_600_000, digits: 2, to: &output)
    output.append(UInt8(ascii: ":"))
    append(time / 60_000 % 60, digits: 2, to: &output)
    output.append(UInt8(ascii: ":"))
    append(time / 1000 % 60, digits: 2, to: &output)
    output.append(UInt8(ascii: "."))
    append(time % 1000, digits: 3, to: &output)
    output.append(UInt8(ascii: "Z"))
  }

  /// The milliseconds since 1970-01-01 UTC that a text of exactly that form stands for; nil when
  /// it has another form.
  package static func milliseconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    let form = Array("dddd-dd-ddTdd:dd:dd.dddZ".utf8)
    guard bytes.count == form.count else { return nil }
    for (byte, expected) in zip(bytes, form) {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      guard expected == UInt8(ascii: "d") ? isDigit : byte == expected else { return nil }
    }
    func number(_ range: Range<Int>) -> Int64 {
      bytes[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }
    let (month, day) = (number(5..<7), number(8..<10))
    let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
    guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
    else { return nil }
    let days = dayNumber(year: number(0..<4), month: month, day: day)
    return days * millisecondsPerDay + hour * 3_600_000 + minute * 60_000 + second * 1000
      + number(20..<23)
  }

  /// The moment at which a day in UTC is over, for a text such as `2026-12-31`; nil for any other.
  package static func endOfDay(_ text: String) -> Int64? {
    guard let start = milliseconds("\(text)T00:00:00.000Z"),
      self.text(milliseconds: start).hasPrefix(text)
    else { return nil }
    return start + millisecondsPerDay
  }

  /// The proleptic Gregorian date of a day counted from 1970-01-01; years start in March here, so
  /// that the leap day comes last (Hinnant, "chrono-compatible low-level date algorithms").
  private static func civilDate(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = day + 719_468
    let era = shifted.flooredQuotient(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let isNextYear = month >= 10
    return (
      yearOfEra + era * 400 + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3,
      dayOfYear - (153 * month + 2) / 5 + 1
    )
  }

  private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear.flooredQuotient(by: 400)
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// Appends so many decimal digits. A year that needs more comes only from a clock gone mad; its
  /// low digits are kept.
  private static func append(_ value: Int64, digits: Int, to output: inout [UInt8]) {
    let digit = { (divisor: UInt64) in UInt8(ascii: "0") + UInt8(value.magnitude / divisor % 10) }
    if digits > 3 { output.append(digit(1000)) }
    if digits > 2 { output.append(digit(100)) }
    output.append(digit(10))
    output.append(digit(1))
  }
}

extension Int64 {
  fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
