internal import Basics
internal import Files
import Foundation
internal import StrictJSON
import Tensors

/// Formats that weights are written in.
package enum WeightFormat: String, Sendable, CaseIterable, Codable {
  /// Single precision: exact.
  case float32 = "F32"
  /// Half precision: half the size; rounds to 11 bits.
  case float16 = "F16"
}

/// A tensor on its way into a file.
struct OutgoingTensor {
  let name: String
  /// The number format's name in headers.
  let format: String
  /// Sizes, outermost first.
  let shape: [Int]
  private let contents: Contents

  private enum Contents {
    case floats(ArenaTensor, WeightFormat)
    case stored(StoredTensor)
    case bytes(Data)
  }

  /// Floats of an arena, in a format.
  init(name: String, _ tensor: ArenaTensor, format: WeightFormat) {
    self.name = name
    self.format = format.rawValue
    shape = tensor.shape
    contents = .floats(tensor, format)
  }

  /// A tensor of another file, bit for bit.
  init(name: String, _ tensor: StoredTensor) {
    self.name = name
    format = tensor.format
    shape = tensor.shape
    contents = .stored(tensor)
  }

  /// A weight multiplied by a factor, in single precision.
  init(name: String, _ weight: Parameter, times factor: Float) {
    self.name = name
    format = WeightFormat.float32.rawValue
    shape = weight.shape
    let floats = weight.values.indices.map { weight.values[$0] * factor }
    contents = .bytes(unsafe floats.withUnsafeBytes { unsafe Data($0) })
  }

  /// Zeros in single precision.
  init(name: String, zerosOf shape: [Int]) {
    self.name = name
    format = WeightFormat.float32.rawValue
    self.shape = shape
    contents = .bytes(Data(count: 4 * shape.reduce(1, *)))
  }

  /// Bytes in the file.
  var byteCount: Int {
    switch contents {
    case .floats(let tensor, let format): tensor.count * (format == .float32 ? 4 : 2)
    case .stored(let tensor): tensor.range.count
    case .bytes(let data): data.count
    }
  }

  /// Writes the bytes, little-endian.
  func write(into file: borrowing NewFile) throws(FileError) {
    switch contents {
    case .floats(let tensor, let format):
      for range in Self.pieces(of: tensor.range) {
        let bytes = tensor.arena.withValues(range) { floats in
          switch format {
          case .float32: unsafe floats.withUnsafeBytes { unsafe Data($0) }
          case .float16: Self.narrowed(floats)
          }
        }
        try file.write(bytes)
      }
    case .stored(let tensor):
      for range in Self.pieces(of: tensor.range) { try file.write(tensor.file.data(at: range)) }
    case .bytes(let data): try file.write(data)
    }
  }

  private static func pieces(of range: Range<Int>) -> [Range<Int>] {
    let size = 1 << 20
    return stride(from: range.lowerBound, to: range.upperBound, by: size).map {
      $0..<min($0 + size, range.upperBound)
    }
  }

  private static func narrowed(_ floats: Span<Float>) -> Data {
    var data = Data(capacity: floats.count * 2)
    for index in floats.indices {
      let bits = halfBits(floats[index])
      data.append(UInt8(truncatingIfNeeded: bits))
      data.append(UInt8(truncatingIfNeeded: bits >> 8))
    }
    return data
  }

  /// The nearest half-precision number, ties to even; beyond the largest one, infinity.
  static func halfBits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let rest = bits & 0x7FFF_FFFF
    if rest >= 0x7F80_0000 { return sign | (rest > 0x7F80_0000 ? 0x7E00 : 0x7C00) }
    if rest < 0x3880_0000 {
      // Below 2^-14 a half counts in steps of 2^-24; rounding a product with 2^24 does the rest.
      let steps = (Float(bitPattern: rest) * 0x1p24).rounded(.toNearestOrEven)
      return sign | UInt16(steps)
    }
    let rounded = rest + 0xFFF + ((rest >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: min((rounded - 0x3800_0000) >> 13, 0x7C00))
  }
}
