internal import Crypto

/// SHA-256 over the texts of an exchange: the identity of content, also against an attacker.
package struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  package let bytes: [UInt8]

  /// Of the prompt's length in eight little-endian bytes, the prompt, and the response; an empty
  /// response counts as none. The length keeps ("ab", "c") and ("a", "bc") apart.
  package init(prompt: String, response: String?) {
    var hash = SHA256()
    let length = UInt64(prompt.utf8.count)
    hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
    hash.update(data: Array(prompt.utf8))
    hash.update(data: Array((response ?? "").utf8))
    bytes = Array(hash.finalize())
  }

  /// Of any bytes, such as a prompt template.
  package init(of content: some Sequence<UInt8>) {
    bytes = Array(SHA256.hash(data: Array(content)))
  }

  init(digest: SHA256.Digest) { bytes = Array(digest) }

  /// A digest that was stored; nil unless it has 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// 64 hexadecimal digits.
  package var description: String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }

  /// A number from 0 to 1 that is as good as random and never changes: what falls below a share
  /// belongs to it.
  package var fraction: Double {
    let word = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Double(word >> 11) * 0x1p-53
  }
}
