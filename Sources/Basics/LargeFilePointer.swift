/// What stands in the place of a large file where a repository was cloned without Git LFS.
package enum LargeFilePointer {
  /// What it is and what to do about it, behind the file's name.
  package static let problem =
    "is a pointer of Git LFS instead of the file: run `git lfs pull` in the clone it comes from"

  /// Whether a file that begins with these bytes is one.
  ///
  /// Source: the specification of Git LFS, whose address is the first line of each pointer.
  package static func isBeginning(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: "version https://git-lfs.github.com/spec/".utf8)
  }

  /// Bytes that tell.
  package static let bytesMin = 64
}
