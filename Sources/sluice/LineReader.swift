import Glibc

/// Reads lines from a file descriptor as they come, without ever holding more than one read and one
/// unfinished line.
struct LineReader: ~Copyable {
  private let descriptor: Int32
  private var pending: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var isAtEnd = false

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Bytes that one line may have.
  static let lineBytesMax = 256 << 20

  /// The lines completed by the next read; nil at the end.
  ///
  /// - Throws: `ReadFailure` when the system refuses to read or a line is too long.
  mutating func next() throws(ReadFailure) -> [[UInt8]]? {
    if isAtEnd { return nil }
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw ReadFailure(reason: unsafe String(cString: strerror(errno)))
      }
      if count == 0 {
        isAtEnd = true
        return pending.isEmpty ? nil : [pending]
      }
      var lines = split(count)
      if !lines.isEmpty {
        lines[0] = pending + lines[0]
        pending = lines.removeLast()
        return lines
      }
      if pending.count > Self.lineBytesMax { throw ReadFailure(reason: "a line is too long") }
    }
  }

  /// The parts of the buffer between line ends, the last one unfinished; empty without a line end,
  /// when everything was added to `pending`.
  private mutating func split(_ count: Int) -> [[UInt8]] {
    let parts = buffer[..<count].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if parts.count == 1 {
      pending.append(contentsOf: buffer[..<count])
      return []
    }
    return parts.map(Array.init)
  }
}

/// Input could not be read.
struct ReadFailure: Error {
  let reason: String
}
