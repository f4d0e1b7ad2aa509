package import Foundation

extension Data {
  /// The text without the byte order mark that some editors put before UTF-8.
  package var withoutByteOrderMark: Data {
    starts(with: [0xEF, 0xBB, 0xBF]) ? Data(dropFirst(3)) : self
  }
}
