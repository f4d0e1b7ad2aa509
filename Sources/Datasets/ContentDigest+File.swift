internal import Crypto
internal import Foundation

extension ContentDigest {
  /// Of a file's bytes, read a megabyte at a time.
  ///
  /// - Throws: `DatasetError` when the file cannot be read.
  package init(file path: String) throws(DatasetError) {
    var hash = SHA256()
    do {
      let file = try FileHandle(forReadingFrom: URL(filePath: path))
      defer { try? file.close() }
      while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
        hash.update(data: part)
      }
    } catch {
      throw DatasetError(path: path, line: nil, problem: "cannot be read")
    }
    self.init(digest: hash.finalize())
  }
}
