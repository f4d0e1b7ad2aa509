internal import Basics
internal import Files
import Foundation
internal import StrictJSON

/// Writes a safetensors file: eight bytes of header length, a JSON header, then the floats.
enum SafetensorsWriter {
  /// Writes tensors to `path`, which must not exist, and waits until they are on disk.
  static func write(_ tensors: [OutgoingTensor], to path: String) throws(ModelError) {
    let file = (path as NSString).lastPathComponent
    guard let header = try? header(tensors) else {
      throw ModelError(file, .unwritable("its header cannot be encoded"))
    }
    try withFileErrors(
      as: ModelError.init,
      try DurableFiles().create(path) { file throws(FileError) in
        try file.write(header)
        for tensor in tensors { try tensor.write(into: file) }
      })
  }

  /// The header, padded with spaces so that the floats are aligned, as the format asks.
  private static func header(_ tensors: [OutgoingTensor]) throws -> Data {
    struct Entry: Encodable {
      let dtype: String
      let shape: [Int]
      let data_offsets: [Int]
    }
    var entries: [String: Entry] = [:]
    var end = 0
    for tensor in tensors {
      entries[tensor.name] = Entry(
        dtype: tensor.format, shape: tensor.shape, data_offsets: [end, end + tensor.byteCount])
      end += tensor.byteCount
    }
    var json = try JSONCoder.encode(entries)
    while json.count % 8 != 0 { json.append(0x20) }
    return Data(UInt64(json.count).littleEndianBytes) + json
  }
}
