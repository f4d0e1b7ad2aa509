internal import Foundation
internal import Glibc

/// Makes folders.
package enum Folders {
  /// Makes a folder, and those above it, unless they are there.
  ///
  /// - Parameter permissions: of those that are made.
  package static func make(_ path: String, permissions: UInt32 = 0o777) throws(FileError) {
    if unsafe mkdir(path, permissions) == 0 { return }
    // Read at once, before another call changes it.
    var code = errno
    let above = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
    if code == ENOENT, above != path, !above.isEmpty {
      try make(above, permissions: permissions)
      if unsafe mkdir(path, permissions) == 0 { return }
      code = errno
    }
    var status = stat()
    if code == EEXIST, unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      return
    }
    errno = code
    throw .last(path, "cannot be made")
  }
}
