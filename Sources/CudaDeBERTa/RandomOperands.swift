internal import Basics
internal import CudaDevice

/// What products are measured on: random numbers, since a chip is faster on zeros, and draws less
/// power, than on what it computes later.
package enum RandomOperands {
  private static let pieceBytes = 1 << 20

  /// Words whose bytes, and pairs of bytes, are small numbers in all formats, of either sign: none
  /// of a byte's exponents is the largest one, which may be no number.
  package static func words(_ count: Int) -> [UInt64] {
    var random = SplitMix64(seed: 7)
    return (0..<count).map { _ in
      random.next() & 0xB3BF_B3BF_B3BF_B3BF | 0x2000_2000_2000_2000
    }
  }

  /// Fills memory from an offset, a multiple of 8, to its end.
  static func fill(
    _ memory: DeviceMemory, from offset: Int = 0, on stream: CudaStream
  ) throws(CudaFailure) {
    let piece = try PinnedMemory(bytes: pieceBytes, in: stream.context)
    piece.write(words(pieceBytes / 8).span, at: 0)
    for start in stride(from: offset, to: memory.bytes, by: pieceBytes) {
      try stream.copy(
        piece, bytes: min(pieceBytes, memory.bytes - start),
        to: memory.address.advanced(byBytes: start))
    }
    try stream.finish()
  }
}
