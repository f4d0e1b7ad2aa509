import Foundation
internal import StrictJSON
package import Tensors

/// One safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes.
///
/// Every claim of the header is checked against the file when it is opened, as the format's own
/// library does: tensors follow each other from the first byte after the header to the last.
package struct SafetensorsFile: Sendable {
  /// The file behind the tensors.
  let file: MappedFile
  private let entries: [String: Entry]
  private let dataStart: Int

  private struct Entry: Sendable {
    let format: String
    let shape: [Int]
    let range: Range<Int>
  }

  /// Opens `name` in `folder`.
  package init(folder: String, name: String) throws(ModelError) {
    let file = try MappedFile(folder: folder, name: name)
    try file.refusePointer()
    guard file.count >= 8 else {
      throw ModelError(name, .truncated(expectedBytes: 8, foundBytes: file.count))
    }
    let claimed = UInt64(
      littleEndian: unsafe file.contents.unsafeLoadUnaligned(as: UInt64.self))
    guard claimed <= SafetensorsFile.headerBytesMax, claimed <= UInt64(file.count - 8) else {
      throw ModelError(name, .headerLength(claimed))
    }
    let dataStart = 8 + Int(claimed)
    let raw: RawHeader
    do throws(JSONError) {
      raw = try JSONCoder.decode(from: file.data(at: 8..<dataStart))
    } catch {
      throw ModelError(name, .malformed(error.problem))
    }
    self.file = file
    self.dataStart = dataStart
    entries = try SafetensorsFile.check(raw, file: name, dataBytes: file.count - dataStart)
  }

  /// Names of the tensors.
  package var names: Set<String> { Set(entries.keys) }

  /// A tensor's sizes, outermost first; nil without such a tensor.
  func shape(of name: String) -> [Int]? { entries[name]?.shape }

  /// A tensor's bytes as they are; nil without such a tensor.
  func stored(_ name: String) -> StoredTensor? {
    entries[name].map { entry in
      let range = entry.range.lowerBound + dataStart..<entry.range.upperBound + dataStart
      return StoredTensor(file: file, format: entry.format, shape: entry.shape, range: range)
    }
  }

  /// A tensor as single-precision floats: in place where possible, else converted.
  package func parameter(_ name: String, shape: [Int]) throws(ModelError) -> Parameter {
    guard let entry = entries[name] else { throw ModelError(file.name, .missingTensor(name)) }
    guard entry.shape == shape else {
      throw ModelError(
        file.name, .wrongShape(tensor: name, expected: shape, found: entry.shape))
    }
    let range = entry.range.lowerBound + dataStart..<entry.range.upperBound + dataStart
    let format: NarrowFormat?
    switch entry.format {
    case "F32":
      if let inPlace = file.floats(at: range, shape: shape) { return inPlace }
      format = nil
    case "F16": format = .half
    case "BF16": format = .bfloat
    case "F64": return narrowed(range, shape: shape)
    default:
      throw ModelError(file.name, .unsupportedFormat(tensor: name, format: entry.format))
    }
    let (rows, columns) = Self.sizes(shape)
    let matrix = Matrix(
      rows: rows, columns: columns, bytes: file.contents.extracting(range), format: format)
    return Parameter(matrix, vector: shape.count == 1)
  }

  /// The nearest single-precision floats to double-precision numbers.
  private func narrowed(_ range: Range<Int>, shape: [Int]) -> Parameter {
    let (rows, columns) = Self.sizes(shape)
    let bytes = file.contents.extracting(range)
    var matrix = Matrix(rows: rows, columns: columns)
    var values = matrix.mutableValues
    for index in values.indices {
      let bits = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
      values[index] = Float(Double(bitPattern: UInt64(littleEndian: bits)))
    }
    return Parameter(matrix, vector: shape.count == 1)
  }

  private static func sizes(_ shape: [Int]) -> (rows: Int, columns: Int) {
    shape.count == 1 ? (1, shape[0]) : (shape[0], shape.dropFirst().reduce(1, *))
  }

  /// The longest header that the format's own library accepts.
  private static let headerBytesMax: UInt64 = 100_000_000

  private static let bytesPerElement = [
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
  ]

  private static func check(
    _ raw: RawHeader, file: String, dataBytes: Int
  ) throws(ModelError) -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for (name, tensor) in raw.tensors {
      guard tensor.data_offsets.count == 2, tensor.data_offsets[0] >= 0,
        tensor.data_offsets[0] <= tensor.data_offsets[1],
        let width = bytesPerElement[tensor.dtype].map(UInt64.init),
        let bytes = product(tensor.shape, times: width),
        bytes == UInt64(tensor.data_offsets[1] - tensor.data_offsets[0])
      else {
        if bytesPerElement[tensor.dtype] == nil {
          throw ModelError(
            file, .unsupportedFormat(tensor: shown(name), format: shown(tensor.dtype)))
        }
        throw ModelError(file, .badOffsets(tensor: shown(name)))
      }
      entries[name] = Entry(
        format: tensor.dtype, shape: tensor.shape,
        range: tensor.data_offsets[0]..<tensor.data_offsets[1])
    }
    // A name that stands twice in the header hides a tensor, which leaves a gap here.
    var end = 0
    for (name, entry) in entries.sorted(by: { ends($0.value.range) < ends($1.value.range) }) {
      guard entry.range.lowerBound == end else {
        throw ModelError(file, .badOffsets(tensor: shown(name)))
      }
      end = entry.range.upperBound
    }
    guard end == dataBytes else {
      throw ModelError(file, .truncated(expectedBytes: end, foundBytes: dataBytes))
    }
    return entries
  }

  /// Sorts tensors by where they begin, empty ones first.
  private static func ends(_ range: Range<Int>) -> (Int, Int) {
    (range.lowerBound, range.upperBound)
  }

  private static func product(_ shape: [Int], times width: UInt64) -> UInt64? {
    shape.reduce(width) { product, size in
      guard let product, let size = UInt64(exactly: size) else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      return overflow ? nil : next
    }
  }

  /// Names come from a file that may be garbage.
  private static func shown(_ name: String) -> String { String(name.prefix(120)) }
}

/// A tensor's bytes in a file.
struct StoredTensor {
  let file: MappedFile
  /// The number format's name in headers.
  let format: String
  /// Sizes, outermost first.
  let shape: [Int]
  /// Where the bytes are in the file.
  let range: Range<Int>

  /// Some of the outermost rows.
  func rows(_ rows: Range<Int>) -> StoredTensor {
    let width = range.count / max(1, shape.first ?? 1)
    let start = range.lowerBound + rows.lowerBound * width
    return StoredTensor(
      file: file, format: format, shape: [rows.count] + shape.dropFirst(),
      range: start..<start + rows.count * width)
  }
}

/// The JSON header: a tensor per name, and a `__metadata__` that nobody needs.
private struct RawHeader: Decodable {
  struct Tensor: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }

  let tensors: [String: Tensor]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    var tensors: [String: Tensor] = [:]
    for name in container.allKeys where name.stringValue != "__metadata__" {
      tensors[name.stringValue] = try container.decode(Tensor.self, forKey: name)
    }
    self.tensors = tensors
  }
}
