internal import Basics
internal import Files
import Foundation
import Tensors

/// Names of the files in a model folder.
enum File {
  static let configuration = "config.json"
  static let weights = "model.safetensors"
  static let weightIndex = "model.safetensors.index.json"
  /// Files of a tokenizer that are none without another.
  static let companions = ["tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"]
}

/// A file's bytes, mapped read-only: they cost page cache but no second copy.
///
/// A model is replaced by renaming a new folder over it. What is written into a mapped file in
/// place is read by whoever has mapped it, which `isUnchanged` tells; shortening it ends the
/// process with SIGBUS, which no reader of a mapping can prevent.
@safe final class MappedFile: @unchecked Sendable {
  // @unchecked Sendable: nobody writes the bytes.

  /// The name inside the model folder.
  let name: String
  private let descriptor: Int32
  private let state: FileState?
  private let bytes: UnsafeRawBufferPointer

  /// Maps `name` in `folder`.
  init(folder: String, name: String) throws(ModelError) {
    self.name = name
    let descriptor = unsafe open(folder + "/" + name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ModelError(name, .unreadable(MappedFile.lastError())) }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    state = FileState.settled { FileState(descriptor: descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw ModelError(name, .unreadable(MappedFile.lastError()))
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      throw ModelError(name, .unreadable("not a file with contents"))
    }
    let count = Int(status.st_size)
    let start = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard unsafe start != MAP_FAILED, let start = unsafe start else {
      throw ModelError(name, .unreadable(MappedFile.lastError()))
    }
    unsafe bytes = UnsafeRawBufferPointer(start: start, count: count)
    self.descriptor = descriptor
    isKept = true
  }

  deinit {
    close(descriptor)
    unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
  }

  /// Whether nobody has written into the file since it was mapped; another file may have its name.
  var isUnchanged: Bool { FileState(descriptor: descriptor) == state }

  /// Bytes of the file.
  var count: Int { unsafe bytes.count }

  /// Every byte.
  var contents: RawSpan {
    @_lifetime(borrow self) get {
      unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), borrowing: self)
    }
  }

  /// Refuses what Git LFS leaves in the place of a file.
  func refusePointer() throws(ModelError) {
    let beginning = data(at: 0..<min(count, LargeFilePointer.bytesMin))
    if LargeFilePointer.isBeginning(beginning) { throw ModelError(name, .pointer) }
  }

  /// A copy of some bytes, for Foundation's JSON.
  func data(at range: Range<Int>) -> Data {
    unsafe contents.extracting(range).withUnsafeBytes { unsafe Data($0) }
  }

  /// The single-precision floats at `range` of the file, in place; nil where their address is not
  /// a float's.
  func floats(at range: Range<Int>, shape: [Int]) -> Parameter? {
    precondition(range.upperBound <= count && range.count % 4 == 0, "no such floats")
    guard let start = unsafe bytes.baseAddress, range.lowerBound % 4 == 0 else { return nil }
    let first = unsafe (start + range.lowerBound).assumingMemoryBound(to: Float.self)
    let floats = unsafe UnsafeBufferPointer(start: first, count: range.count / 4)
    return unsafe Parameter(unsafeFloats: floats, shape: shape, owner: self)
  }

  private static func lastError() -> String { unsafe String(cString: strerror(errno)) }
}
