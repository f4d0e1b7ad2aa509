internal import Basics
internal import Files
import Foundation
internal import StrictJSON
package import Tensors

/// A training between two steps, as a file: a line of JSON with what follows, then the floats of
/// weights and optimizer, little-endian, then eight bytes of a hash over them.
package struct TrainingCheckpoint: Codable {
  let fingerprint: String
  let history: [TrainingPoint]
  var floats = 0

  private static let version = "sluice checkpoint 1"

  package init(fingerprint: String, history: [TrainingPoint]) {
    self.fingerprint = fingerprint
    self.history = history
  }

  /// Puts a new file, once it is on disk, in the place of the one before.
  package func write(_ state: [ArenaTensor], to path: String) throws(TrainingFailure) {
    var header = self
    header.floats = state.reduce(0) { $0 + $1.count }
    guard let json = try? JSONCoder.line(header) else {
      throw .output(path: path, reason: "cannot be encoded")
    }
    do throws(FileError) {
      try DurableFiles().replace(path) { file throws(FileError) in
        try file.write(Data((Self.version + "\n").utf8) + json)
        var hash = Hash()
        for tensor in state {
          try Self.forPieces(of: tensor) { range throws(FileError) in
            let bytes = tensor.arena.withValues(range) { floats in
              unsafe floats.withUnsafeBytes { unsafe Data($0) }
            }
            hash.add(bytes)
            try file.write(bytes)
          }
        }
        try file.write(hash.bytes)
      }
    } catch {
      throw .output(path: error.path, reason: error.reason)
    }
  }

  /// Reads a file into the tensors; nil when there is none. Tensors change only once the whole file
  /// was found sound.
  static func read(
    _ path: String, fingerprint: String, into state: [ArenaTensor]
  ) throws(TrainingFailure) -> TrainingCheckpoint? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    func damaged(_ reason: String) -> TrainingFailure { .checkpoint(path: path, reason: reason) }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
    } catch {
      throw damaged("cannot be read")
    }
    let lines = data.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
    guard lines.count == 3, lines[0].elementsEqual(version.utf8),
      let header = try? JSONCoder.decode(Self.self, from: lines[1])
    else { throw damaged("is not a checkpoint of this version") }
    guard header.fingerprint == fingerprint else {
      throw damaged("belongs to a training with other data, recipe or model")
    }
    let floats = lines[2].dropLast(8)
    var hash = Hash()
    for start in stride(from: floats.startIndex, to: floats.endIndex, by: pieceFloats * 4) {
      hash.add(floats[start..<min(start + pieceFloats * 4, floats.endIndex)])
    }
    guard header.floats == state.reduce(0, { $0 + $1.count }),
      floats.count == header.floats * 4, hash.bytes.elementsEqual(lines[2].suffix(8))
    else { throw damaged("is damaged") }
    var next = floats.startIndex
    for tensor in state {
      forPieces(of: tensor) { range in
        let bytes = floats[next..<next + range.count * 4]
        next += range.count * 4
        tensor.arena.withMutableValues(range) { values in
          unsafe values.withUnsafeMutableBytes { target in
            _ = unsafe bytes.copyBytes(to: target)
          }
        }
      }
    }
    return header
  }

  private static let pieceFloats = 1 << 20

  private static func forPieces<Failure: Error>(
    of tensor: ArenaTensor, _ body: (Range<Int>) throws(Failure) -> Void
  ) throws(Failure) {
    let range = tensor.range
    for start in stride(from: range.lowerBound, to: range.upperBound, by: pieceFloats) {
      try body(start..<min(start + pieceFloats, range.upperBound))
    }
  }

  /// FNV-1a over 32-bit words: finds truncation and damage, whatever the pieces.
  private struct Hash {
    private var hash = FNV1a()

    mutating func add(_ data: Data) {
      unsafe data.withUnsafeBytes { bytes in
        for index in stride(from: 0, to: bytes.count - 3, by: 4) {
          let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
          hash.add(UInt64(word))
        }
      }
    }

    var bytes: Data { Data(hash.value.littleEndianBytes) }
  }
}
