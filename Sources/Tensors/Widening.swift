import CKernels

/// 16-bit floating-point formats that weights are stored in.
package enum NarrowFormat: Sendable {
  /// IEEE 754 half precision.
  case half
  /// The upper half of a single-precision float.
  case bfloat
}

extension Matrix {
  /// A matrix of the floats that `bytes`, little-endian and at any alignment, hold in `format`;
  /// nil stands for single precision. Every value is exact.
  package init(rows: Int, columns: Int, bytes: RawSpan, format: NarrowFormat?) {
    let count = rows * columns
    precondition(bytes.byteCount == count * (format == nil ? 4 : 2), "sizes differ")
    self.init(rows: rows, columns: columns)
    guard count > 0 else { return }
    let target = unsafe Block(mutableValues, columns: count).base
    unsafe bytes.withUnsafeBytes { bytes in
      guard let format else {
        unsafe UnsafeMutableRawPointer(target).copyMemory(
          from: bytes.baseAddress ?? UnsafeRawPointer(target), byteCount: bytes.count)
        return
      }
      unsafe Matrix.widen(bytes, format, into: target)
    }
  }

  private static func widen(
    _ bytes: UnsafeRawBufferPointer, _ format: NarrowFormat,
    into target: UnsafeMutablePointer<Float>
  ) {
    // In aligned pieces, because C may read a 16-bit number from an even address only.
    let pieceCount = 4096
    unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: pieceCount) { piece in
      guard let start = piece.baseAddress else { return }
      var done = 0
      while done < bytes.count / 2 {
        let count = min(pieceCount, bytes.count / 2 - done)
        unsafe UnsafeMutableRawBufferPointer(piece).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[done * 2..<(done + count) * 2]))
        switch format {
        case .half: unsafe kernel_widen_half(start, target + done, count)
        case .bfloat: unsafe kernel_widen_bfloat(start, target + done, count)
        }
        done += count
      }
    }
  }
}
