/// Base 64 with the standard alphabet and padding (RFC 4648, section 4).
enum Base64 {
  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Appends the digits of `value`, four for each three bytes.
  static func append(_ value: [UInt8], to output: inout [UInt8]) {
    for start in stride(from: 0, to: value.count, by: 3) {
      let group = value[start..<min(start + 3, value.count)]
      var bits: UInt32 = 0
      for byte in group { bits = bits << 8 | UInt32(byte) }
      bits <<= 8 * UInt32(3 - group.count)
      for place in 0..<4 {
        let digit = Int(bits >> (18 - 6 * UInt32(place)) & 0x3F)
        output.append(place <= group.count ? digits[digit] : UInt8(ascii: "="))
      }
    }
  }
}
