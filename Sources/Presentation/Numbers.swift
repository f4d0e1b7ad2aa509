// Numbers as people read them, the same in every locale.

/// A number with this many decimals and a point.
package func fixed(_ value: Double, _ decimals: Int = 3) -> String {
  let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
  let units = Int((abs(value) * scale).rounded())
  let digits = String(units)
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && units > 0 ? "−" : ""
  guard decimals > 0 else { return sign + padded }
  return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
}

/// The same with a sign before positive numbers too.
package func signed(_ value: Double, _ decimals: Int = 3) -> String {
  let text = fixed(value, decimals)
  return value > 0 && text.contains(where: { $0 >= "1" && $0 <= "9" }) ? "+" + text : text
}

/// Thousands apart: 5,083.
package func grouped(_ value: Int) -> String {
  var parts: [Substring] = []
  var rest = Substring(String(value.magnitude))
  while rest.count > 3 {
    parts.insert(rest.suffix(3), at: 0)
    rest = rest.dropLast(3)
  }
  return (value < 0 ? "−" : "") + ([rest] + parts).joined(separator: ",")
}

/// A share as percent, with a decimal where it needs one: 5 %, 0.5 %.
package func percent(_ share: Double) -> String {
  let tenths = (share * 1000).rounded()
  return fixed(share * 100, tenths.truncatingRemainder(dividingBy: 10) == 0 ? 0 : 1) + " %"
}

/// A positive number with a power of ten: 5e-4, 1.5e-4.
package func scientific(_ value: Double) -> String {
  guard value > 0, value.isFinite else { return "\(value)" }
  var (mantissa, exponent) = (value, 0)
  while mantissa >= 9.95 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  while mantissa < 0.995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  let tenths = Int((mantissa * 10).rounded())
  return fixed(Double(tenths) / 10, tenths % 10 == 0 ? 0 : 1) + "e\(exponent)"
}

/// A time as a person says it: `2 h 5 min`, `3 min 20 s`, `12 s`.
package func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0 else { return "unknown time" }
  let total = Int(min(seconds, 1e9))
  if total >= 3600 { return "\(total / 3600) h \(total / 60 % 60) min" }
  return total >= 60 ? "\(total / 60) min \(total % 60) s" : "\(total) s"
}
