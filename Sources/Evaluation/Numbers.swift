// Numbers as people read them, the same in every locale.

/// A number with this many decimals and a point.
func fixed(_ value: Double, _ decimals: Int = 3) -> String {
  let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
  let units = Int((abs(value) * scale).rounded())
  let digits = String(units)
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && units > 0 ? "−" : ""
  guard decimals > 0 else { return sign + padded }
  return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
}

/// The same with a sign before positive numbers too.
func signed(_ value: Double, _ decimals: Int = 3) -> String {
  let text = fixed(value, decimals)
  return value > 0 && text.contains(where: { $0 >= "1" && $0 <= "9" }) ? "+" + text : text
}

/// Thousands apart: 5,083.
func grouped(_ value: Int) -> String {
  var parts: [Substring] = []
  var rest = Substring(String(value.magnitude))
  while rest.count > 3 {
    parts.insert(rest.suffix(3), at: 0)
    rest = rest.dropLast(3)
  }
  return (value < 0 ? "−" : "") + ([rest] + parts).joined(separator: ",")
}

/// A share as percent, with a decimal where it needs one: 5 %, 0.5 %.
func percent(_ share: Double) -> String {
  let tenths = (share * 1000).rounded()
  return fixed(share * 100, tenths.truncatingRemainder(dividingBy: 10) == 0 ? 0 : 1) + " %"
}
