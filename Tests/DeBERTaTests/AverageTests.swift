import DeBERTa
import Foundation
import Tensors
import TestSupport
import Testing

/// The mean of models' weights.
@Suite struct AverageTests {
  private static let pool = WorkerPool(workers: 1)
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A copy of a golden folder whose weights are changed one by one.
  private func copy(
    _ golden: String = "v3-style", as name: String, change: (Float) -> Float = { $0 }
  ) throws -> String {
    let path = directory.path + "/" + name
    try FileManager.default.copyItem(atPath: GoldenCase.url(golden).path, toPath: path)
    let file = URL(filePath: path + "/model.safetensors")
    var data = try Data(contentsOf: file)
    let header = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    for place in stride(from: 8 + header, to: data.count, by: 4) {
      let bits = data[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let changed = change(Float(bitPattern: bits)).bitPattern
      for byte in 0..<4 { data[place + byte] = UInt8(truncatingIfNeeded: changed >> (8 * byte)) }
    }
    try data.write(to: file)
    return path
  }

  private func weights(_ path: String) throws -> [Float] {
    let model = try TrainableModel(folder: path, pool: Self.pool)
    return model.parameters.weights.withValues(0..<model.parameters.layout.count) { values in
      values.indices.map { values[$0] }
    }
  }

  private func average(
    _ folders: [String], _ name: String = "mean", format: WeightFormat = .float32
  ) throws -> String {
    let path = directory.path + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try ModelAverage(folders: folders, unsafeLabels: []).write(to: path, format: format)
    return path
  }

  @Test func everyWeightIsTheMean() throws {
    let first = try copy(as: "a")
    let second = try copy(as: "b") { $0 * 0.5 + 0.01 }
    let third = try copy(as: "c") { -$0 }
    let (a, b, c) = (try weights(first), try weights(second), try weights(third))
    let mean = try weights(try average([first, second, third]))
    #expect(mean.count == a.count)
    for index in mean.indices {
      #expect(abs(mean[index] - (a[index] + b[index] + c[index]) / 3) <= 1e-6)
    }
    let half = try weights(try average([first, second, third], "half", format: .float16))
    #expect(zip(mean, half).allSatisfy { abs($0 - $1) <= abs($0) * 1e-3 + 1e-7 })
  }

  /// Of equal models it is that model, tokenizer and all.
  @Test(arguments: ["v3-style", "bert", "absolute-positions"])
  func theMeanOfEqualModelsJudgesLikeThem(golden: String) throws {
    let folder = GoldenCase.url(golden).path
    let mean = try average([folder, try copy(golden, as: "twin")])
    let batch = TokenBatch(try GoldenCase.load(golden))
    let before = try DeBERTaClassifier(folder: folder, pool: Self.pool).classify(batch)
    #expect(try DeBERTaClassifier(folder: mean, pool: Self.pool).classify(batch) == before)
    for name in try FileManager.default.contentsOfDirectory(atPath: mean)
    where !name.hasSuffix(".safetensors") {
      #expect(
        FileManager.default.contentsEqual(atPath: mean + "/" + name, andPath: folder + "/" + name))
    }
  }

  @Test func differentModelsHaveNone() throws {
    let first = try copy(as: "a")
    let other = GoldenCase.url("absolute-positions").path
    func complaint(_ folders: [String]) -> String {
      do throws(AverageError) {
        _ = try ModelAverage(folders: folders, unsafeLabels: [])
        return ""
      } catch {
        return error.description
      }
    }
    #expect(complaint([first, other]).contains("different switches or labels"))
    let second = try copy(as: "b")
    try #"{"model_max_length": 99}"#.write(
      toFile: second + "/tokenizer_config.json", atomically: true, encoding: .utf8)
    #expect(complaint([first, second]).contains("different tokenizers (tokenizer_config.json)"))
    #expect(complaint([first, directory.path + "/none"]).contains("/none"))
  }
}
