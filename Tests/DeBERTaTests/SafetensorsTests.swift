import DeBERTa
import Foundation
import Tensors
import TestSupport
import Testing

/// Headers that lie, and files that are not what they were.
@Suite struct SafetensorsTests {
  private let pool = WorkerPool(workers: 1)

  private func problem(header: String, dataBytes: Int) throws -> ModelError.Problem? {
    let folder = try TinyFolder()
    try folder.write()
    try folder.write(
      TinyFolder.safetensors(header: header, data: Data(count: dataBytes)), to: "model.safetensors")
    return problem(folder)
  }

  private func problem(_ folder: TinyFolder) -> ModelError.Problem? {
    do throws(ModelError) {
      _ = try DeBERTaClassifier(folder: folder.path, pool: pool)
      return nil
    } catch {
      return error.problem
    }
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    """
    {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
     "b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}
    """,
  ]) func wrongOffsetsAreRefused(header: String) throws {
    guard case .badOffsets = try problem(header: header, dataBytes: 8) else {
      Issue.record("\(try problem(header: header, dataBytes: 8).debugDescription)")
      return
    }
  }

  @Test func aTensorGivenTwiceIsRefused() throws {
    let header =
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
      + #""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
    let problem = try problem(header: header, dataBytes: 8)
    #expect(problem == .malformed("a name is given twice (byte 58)"), "\(problem.debugDescription)")
  }

  @Test func missingAndSurplusBytesAreRefused() throws {
    let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    for bytes in [0, 7, 9, 800] {
      #expect(
        try problem(header: header, dataBytes: bytes)
          == .truncated(expectedBytes: 8, foundBytes: bytes))
    }
    #expect(try problem(header: header, dataBytes: 8) != nil)
  }

  @Test(arguments: [
    "", "[]", "{", #"{"a":1}"#, #"{"a":{"dtype":"F32","shape":[1]}}"#,
    #"{"a":{"dtype":"F32","shape":[1e30],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}"#,
  ]) func headersThatAreNotTensorsAreMalformed(header: String) throws {
    guard case .malformed = try problem(header: header, dataBytes: 4) else {
      Issue.record("\(try problem(header: header, dataBytes: 4).debugDescription)")
      return
    }
  }

  @Test func unknownFormatsAreNamed() throws {
    let header = #"{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#
    #expect(
      try problem(header: header, dataBytes: 1) == .unsupportedFormat(tensor: "a", format: "F4"))
  }

  @Test(arguments: [UInt64(100_000_001), 1 << 40, .max, 1 << 63])
  func absurdHeaderLengthsAreRefused(length: UInt64) throws {
    let folder = try TinyFolder()
    try folder.write()
    var bytes = try folder.read("model.safetensors")
    for byte in 0..<8 { bytes[byte] = UInt8(truncatingIfNeeded: length >> (8 * UInt64(byte))) }
    try folder.write(bytes, to: "model.safetensors")
    #expect(problem(folder) == .headerLength(length))
  }

  @Test(arguments: ["../elsewhere", "/etc/passwd", "..", "a/b", ""])
  func anIndexLeadsNowhereElse(name: String) throws {
    let folder = try TinyFolder()
    try folder.write(shards: 2)
    let index = ["weight_map": ["classifier.bias": name]]
    try folder.write(
      JSONSerialization.data(withJSONObject: index), to: "model.safetensors.index.json")
    guard case .malformed = problem(folder) else {
      Issue.record("\(problem(folder).debugDescription)")
      return
    }
  }

  /// Breaks a folder in a thousand ways: it loads and judges, or says what is wrong.
  @Test(arguments: 1...4) func brokenFoldersNeverCrash(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let folder = try TinyFolder()
    if seed == 4 { try folder.write(shards: 2) } else { try folder.write() }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let originals = try names.map { try folder.read($0) }
    var loaded = 0
    for round in 0..<250 {
      let file = Int.random(in: 0..<names.count, using: &random)
      try folder.write(originals[file].broken(using: &random), to: names[file])
      do throws(ModelError) {
        let model = try DeBERTaClassifier(folder: folder.path, pool: pool)
        _ = try? model.classify(TokenBatch([[1, 3, 5, 2], [0]]))
        loaded += 1
      } catch {
        #expect(!error.description.isEmpty, "seed \(seed), round \(round)")
      }
      try folder.write(originals[file], to: names[file])
    }
    #expect(loaded < 250, "seed \(seed)")
  }
}

extension Data {
  /// A copy that lost its end, or has some bytes changed, inserted or removed; mostly early ones,
  /// where the headers are.
  fileprivate func broken(using random: inout SeededGenerator) -> Data {
    var copy = self
    if Int.random(in: 0..<5, using: &random) == 0 {
      return copy.prefix(Int.random(in: 0..<count, using: &random))
    }
    for _ in 0..<Int.random(in: 1...4, using: &random) where !copy.isEmpty {
      let end = Bool.random(using: &random) ? copy.count : Swift.min(copy.count, 600)
      let position = Int.random(in: 0..<end, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: copy.remove(at: position)
      case 1: copy.insert(UInt8.random(in: 32...126, using: &random), at: position)
      case 2: copy[position] = UInt8.random(in: 48...57, using: &random)
      default: copy[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    return copy
  }
}
