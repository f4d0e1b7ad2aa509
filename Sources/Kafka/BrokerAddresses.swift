/// Addresses of brokers, as librdkafka reads them.
enum BrokerAddresses {
  private static let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

  /// What is wrong with one address or several with commas between them; nil for nothing.
  static func problem(with list: String) -> String? {
    let addresses = list.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    return !addresses.isEmpty && addresses.allSatisfy(isAddress)
      ? nil : "expected host:port of each broker, with commas between several"
  }

  /// `host`, `host:port`, `[IPv6]:port` or an IPv6 address, after `SSL://` or another protocol.
  private static func isAddress(_ address: Substring) -> Bool {
    var rest = address
    if let scheme = address.firstRange(of: "://") {
      guard protocols.contains(address[..<scheme.lowerBound].lowercased()) else { return false }
      rest = address[scheme.upperBound...]
    }
    if rest.hasPrefix("[") {
      guard let end = rest.firstIndex(of: "]") else { return false }
      return isIPv6(rest[..<end].dropFirst()) && isPort(rest[end...].dropFirst())
    }
    if rest.count(where: { $0 == ":" }) > 1 { return isIPv6(rest) }
    let host = rest.prefix { $0 != ":" }
    return !host.isEmpty && host.allSatisfy(isHostCharacter) && isPort(rest[host.endIndex...])
  }

  private static func isHostCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isASCII && character.isNumber || "._-".contains(character)
  }

  private static func isIPv6(_ text: Substring) -> Bool {
    text.contains(":") && text.allSatisfy { $0.isHexDigit || ":.%".contains($0) }
  }

  /// Nothing, or a colon and a port.
  private static func isPort(_ text: Substring) -> Bool {
    guard text.hasPrefix(":") else { return text.isEmpty }
    let port = text.dropFirst()
    return port.first != "+" && UInt16(port).map { $0 > 0 } ?? false
  }
}
