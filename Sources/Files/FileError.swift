internal import Glibc

/// What the system refused to do with a file.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers tell apart.
  package enum Kind: Hashable, Sendable {
    /// There is no such file or folder.
    case missing
    /// Another process has locked the file.
    case busy
    /// Anything else, such as a full disk.
    case system
  }

  package let kind: Kind
  /// The file or folder that it is about.
  package let path: String
  /// What could not be done, and why in the system's words.
  package let reason: String

  package init(_ kind: Kind, _ path: String, _ reason: String) {
    self.kind = kind
    self.path = path
    self.reason = reason
  }

  /// The error that the last system call left.
  ///
  /// - Parameter action: what could not be done, as in "cannot be written".
  static func last(_ path: String, _ action: String) -> FileError {
    let code = errno
    return FileError(
      code == ENOENT ? .missing : .system, path,
      "\(action): \(unsafe String(cString: strerror(code)))")
  }

  package var description: String { "\(path): \(reason)" }
}

/// Does something with files, and tells its failure in the caller's own words.
package func withFileErrors<Value: ~Copyable, Failure: Error>(
  as convert: (FileError) -> Failure, _ body: @autoclosure () throws(FileError) -> Value
) throws(Failure) -> Value {
  do throws(FileError) {
    return try body()
  } catch {
    throw convert(error)
  }
}
