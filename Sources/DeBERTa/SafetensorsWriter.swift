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

/// Writes a safetensors file: eight bytes of header length, a JSON header, then the floats.
struct SafetensorsWriter {
  private let format: WeightFormat

  init(format: WeightFormat) { self.format = format }

  /// Writes tensors of an arena to `path`, which must not exist, and waits until they are on disk.
  func write(
    _ tensors: [(name: String, tensor: ArenaTensor)], to path: String
  ) throws(ModelError) {
    let file = (path as NSString).lastPathComponent
    guard let header = try? header(tensors) else {
      throw ModelError(file, .unwritable("its header cannot be encoded"))
    }
    try withFileErrors(
      as: ModelError.init,
      try DurableFiles().create(path) { file throws(FileError) in
        try file.write(header)
        for (_, tensor) in tensors { try write(tensor, to: file) }
      })
  }

  private var floatBytes: Int { format == .float32 ? 4 : 2 }

  /// The header, padded with spaces so that the floats are aligned, as the format asks.
  private func header(_ tensors: [(name: String, tensor: ArenaTensor)]) throws -> Data {
    struct Entry: Encodable {
      let dtype: String
      let shape: [Int]
      let data_offsets: [Int]
    }
    var entries: [String: Entry] = [:]
    var end = 0
    for (name, tensor) in tensors {
      let bytes = tensor.count * floatBytes
      entries[name] = Entry(
        dtype: format.rawValue, shape: tensor.shape, data_offsets: [end, end + bytes])
      end += bytes
    }
    var json = try JSONCoder.encode(entries)
    while json.count % 8 != 0 { json.append(0x20) }
    return Data(UInt64(json.count).littleEndianBytes) + json
  }

  private func write(_ tensor: ArenaTensor, to file: borrowing NewFile) throws(FileError) {
    let piece = 1 << 20
    for start in stride(from: tensor.range.lowerBound, to: tensor.range.upperBound, by: piece) {
      let range = start..<min(start + piece, tensor.range.upperBound)
      let bytes = tensor.arena.withValues(range) { floats in
        switch format {
        case .float32: unsafe floats.withUnsafeBytes { unsafe Data($0) }
        case .float16: Self.narrowed(floats)
        }
      }
      try file.write(bytes)
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

extension ModelError {
  /// What the system refused.
  fileprivate init(_ error: FileError) {
    self.init((error.path as NSString).lastPathComponent, .unwritable(error.reason))
  }
}

extension TrainableModel {
  /// A configuration that tells the weights' number format and their class right, where it says
  /// anything of them.
  private func noted(_ format: WeightFormat, in configuration: Data) throws -> Data {
    guard
      case .object(let before) = try JSONCoder.decode(
        JSON.self, from: configuration.withoutByteOrderMark)
    else {
      return configuration
    }
    let name = JSON.text(format == .float32 ? "float32" : "float16")
    let architecture = JSON.text(self.configuration.backbone.classifierArchitecture)
    var object = before
    for (key, value) in [
      ("dtype", name), ("torch_dtype", name), ("architectures", .list([architecture])),
    ] where before[key] != nil { object[key] = value }
    return object == before
      ? configuration : try JSONCoder.encode(JSON.object(object), .pretty)
  }

  /// Writes `config.json`, `model.safetensors` and the tokenizer's files into `folder`, which
  /// exists and is empty; configuration and tokenizer are those of the model in `source`.
  package func save(
    to folder: String, like source: String, format: WeightFormat
  ) throws(ModelError) {
    let files = ModelFolder.tokenizerFiles + ModelFolder.laterTokenizerFiles(of: source)
    let tokenizer = files.filter {
      FileManager.default.fileExists(atPath: source + "/" + $0)
    }
    guard !tokenizer.allSatisfy(File.companions.contains) else {
      throw ModelError("tokenizer.json", .unreadable("not in the model that this one came from"))
    }
    for name in [File.configuration] + tokenizer {
      let from = source + "/" + name
      guard var contents = FileManager.default.contents(atPath: from) else {
        throw ModelError(name, .unreadable("cannot be copied"))
      }
      if name == File.configuration {
        guard let noted = try? noted(format, in: contents) else {
          throw ModelError(name, .malformed("not JSON"))
        }
        contents = noted
      }
      try withFileErrors(
        as: ModelError.init, try DurableFiles().create(folder + "/" + name, with: contents))
    }
    let tensors = parameters.layout.entries.map { ($0.name, parameters.tensor($0.name)) }
    try SafetensorsWriter(format: format).write(tensors, to: folder + "/" + File.weights)
    try withFileErrors(as: ModelError.init, try DurableFiles().sync(folder: folder))
  }
}
