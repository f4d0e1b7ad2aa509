internal import Foundation

/// SHA-256: the identity of content, also against an attacker.
package struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  package let bytes: [UInt8]

  /// Of any bytes, such as a prompt template.
  package init(of content: some Sequence<UInt8>) {
    let hash = SHA256()
    hash.update(Array(content).span)
    bytes = hash.digest()
  }

  /// Of an exchange: the prompt's length in eight little-endian bytes, the prompt, and the
  /// response; an empty response counts as none. The length keeps ("ab", "c") and ("a", "bc")
  /// apart.
  package init(prompt: String, response: String?) {
    var content = UInt64(prompt.utf8.count).littleEndianBytes
    content += prompt.utf8
    content += (response ?? "").utf8
    self.init(of: content)
  }

  /// Of a file's bytes, read a megabyte at a time.
  package init(file path: String) throws(UnreadableFile) {
    let hash = SHA256()
    do {
      let file = try FileHandle(forReadingFrom: URL(filePath: path))
      defer { try? file.close() }
      while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
        hash.update(part.span)
      }
    } catch {
      throw UnreadableFile(path: path, reason: "cannot be read\(error.systemReason)")
    }
    bytes = hash.digest()
  }

  init(_ hash: consuming SHA256) { bytes = hash.digest() }

  /// A digest that was stored; nil unless it has 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// A digest as `description` writes it, of either case; nil for any other text.
  package init?(hexadecimal text: some StringProtocol) {
    guard let bytes = Hexadecimal.bytes(text.lowercased()) else { return nil }
    self.init(bytes: bytes)
  }

  /// 64 hexadecimal digits.
  package var description: String { Hexadecimal.text(bytes) }

  /// A number from 0 to 1 that is as good as random and never changes: what falls below a share
  /// belongs to it.
  package var fraction: Double { number.fraction }

  /// The first eight bytes as a number.
  package var number: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

/// A file that is not there or may not be read.
package struct UnreadableFile: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  /// That it cannot be read, and why in the system's words.
  package let reason: String

  package var description: String { "\(path): \(reason)" }
}
