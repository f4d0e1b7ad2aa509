internal import Basics
import FoundationEssentials
internal import StrictJSON

/// Reads the files of a tokenizer's folder.
enum TokenizerFile {
  private static let bytesMax = 256 << 20

  /// Whether a file is there.
  static func exists(_ name: String, in folder: String) -> Bool {
    FileManager.default.fileExists(atPath: url(name, in: folder).path)
  }

  /// A file's bytes.
  static func data(_ name: String, in folder: String) throws(TokenizerError) -> Data {
    guard let data = try? Data(contentsOf: url(name, in: folder), options: .mappedIfSafe) else {
      throw TokenizerError(file: name, problem: "cannot be read")
    }
    guard data.count <= bytesMax else {
      throw TokenizerError(file: name, problem: "is larger than any tokenizer")
    }
    if LargeFilePointer.isBeginning(data.prefix(LargeFilePointer.bytesMin)) {
      throw TokenizerError(file: name, problem: LargeFilePointer.problem)
    }
    return data
  }

  /// A file's value; nil where there is no file.
  static func read<Value: Decodable>(
    _ type: Value.Type, _ name: String, in folder: String
  ) throws(TokenizerError) -> Value? {
    guard exists(name, in: folder) else { return nil }
    let data = try data(name, in: folder)
    do throws(JSONError) {
      return try JSONCoder.decode(type, from: data.withoutByteOrderMark)
    } catch {
      throw TokenizerError(
        file: name, problem: "is no JSON of the expected structure: \(error.problem)")
    }
  }

  private static func url(_ name: String, in folder: String) -> URL {
    URL(filePath: folder).appending(path: name)
  }
}
