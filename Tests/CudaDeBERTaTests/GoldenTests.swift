import CudaDeBERTa
import CudaDevice
import DeBERTa
import Foundation
import Tensors
import TestSupport
import Testing

/// All that runs on the emulated GPU, one test after the other: what it plays is set for a process.
@Suite(.serialized) enum EmulatedGPUTests {}

/// Models on the emulated GPU.
struct EmulatedModel {
  static let pool = WorkerPool(workers: 2)
  private let cuda: EmulatedCuda
  let engine: CudaEngine
  let classifier: CudaClassifier

  init(_ folder: String, _ precision: Precision, on cuda: EmulatedCuda) throws {
    self.cuda = cuda
    engine = try CudaEngine(
      ordinal: 0, search: LibrarySearch(only: [cuda.path]),
      environment: ["XDG_CACHE_HOME": cuda.path])
    classifier = try CudaClassifier(
      try LoadedModel(folder: folder, pool: Self.pool), precision: precision, engine: engine)
  }

  /// The small model of the tests, whose weights are trained.
  static let guardTiny = SourceTree.url("Tests/Fixtures/guard-tiny").path
}

extension EmulatedGPUTests {
  /// Against PyTorch in single precision, with random weights that magnify every rounding: the
  /// bounds are about what PyTorch itself shows in these precisions.
  @Suite struct GoldenTests {
    @Test(arguments: GoldenCase.folders, [Precision.fp16, .bf16])
    func everyCaseHasPyTorchsScore(folder: String, precision: Precision) throws {
      let model = try EmulatedModel(
        GoldenCase.url(folder).path, precision, on: EmulatedCuda(memory: 64 << 20)
      ).classifier
      let cases = try GoldenCase.load(folder)
      let logits = try model.classify(TokenBatch(cases.map(\.token_ids)))
      let bound = precision == .fp16 ? 0.01 : 0.06
      for (golden, logits) in zip(cases, logits) {
        #expect(
          abs(logits.unsafeProbability - golden.p_unsafe) < bound,
          "\(folder) \(golden.id): \(golden.p_unsafe), \(logits.unsafeProbability)")
      }
    }
  }

  /// Against the CPU engine, with trained weights.
  @Suite struct ParityTests {
    /// A GPU, its libraries beside the driver, and a precision.
    struct Setting: CustomTestStringConvertible {
      var architecture = 80
      var libraries = ["libnvrtc.so.13"]
      let precision: Precision

      var testDescription: String { "sm_\(architecture), \(libraries), \(precision)" }

      static let all = [
        Setting(precision: .fp16), Setting(precision: .bf16),
        Setting(architecture: 75, precision: .fp16),
        Setting(libraries: ["libnvrtc.so.13", "libcublasLt.so.13"], precision: .fp16),
        Setting(
          architecture: 89, libraries: ["libnvrtc.so.13", "libcublasLt.so.13"], precision: .fp8),
        Setting(libraries: ["libnvrtc.so.12", "libcublasLt.so.12"], precision: .bf16),
      ]
    }

    @Test(arguments: Setting.all) func everyLengthHasTheCPUsScore(setting: Setting) throws {
      let precision = setting.precision
      let cuda = try EmulatedCuda(
        architecture: setting.architecture, libraries: setting.libraries)
      let model = try EmulatedModel(EmulatedModel.guardTiny, precision, on: cuda).classifier
      let cpu = try DeBERTaClassifier(folder: EmulatedModel.guardTiny, pool: EmulatedModel.pool)
      #expect(model.hash == cpu.hash)
      let bound: Double =
        switch precision {
        case .fp16: 0.005
        case .bf16: 0.02
        case .fp8: 0.05
        }
      let lengths = [1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 700]
      var random = SeededGenerator(seed: 1)
      let vocabulary = Int32(cpu.configuration.vocabulary)
      let sequences = lengths.map { length in
        (0..<length).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
      }
      let batch = TokenBatch(sequences)
      let pairs = zip(try cpu.classify(batch), try model.classify(batch))
      for (length, (expected, found)) in zip(lengths, pairs) {
        let difference = abs(expected.unsafeProbability - found.unsafeProbability)
        #expect(difference < bound, "\(length) tokens")
      }
    }

    /// A product that is below all numbers of 16 bits is minus infinity there, and its GELU 0, as
    /// that of the number it stands for.
    @Test(arguments: [["libnvrtc.so.13"], ["libnvrtc.so.13", "libcublasLt.so.13"]])
    func belowAllHalvesIsNothing(libraries: [String]) throws {
      let directory = try TemporaryDirectory()
      let folder = directory.path + "/model"
      try FileManager.default.copyItem(atPath: GoldenCase.url("v3-style").path, toPath: folder)
      let layer = "deberta.encoder.layer.0."
      let changes: [(tensor: String, value: Float, count: Int)] = [
        ("attention.output.LayerNorm.weight", 0, 64), ("attention.output.LayerNorm.bias", 1, 64),
        ("intermediate.dense.weight", -3_000, 3 * 64),
      ]
      for change in changes {
        try overwrite(
          layer + change.tensor, in: folder + "/model.safetensors",
          with: [Float](repeating: change.value, count: change.count))
      }
      let cuda = try EmulatedCuda(libraries: libraries)
      let model = try EmulatedModel(folder, .fp16, on: cuda).classifier
      let cpu = try DeBERTaClassifier(folder: folder, pool: EmulatedModel.pool)
      let batch = TokenBatch([[1, 40, 41, 42, 2], [1, 900, 2]])
      for (expected, found) in zip(try cpu.classify(batch), try model.classify(batch)) {
        #expect(abs(expected.unsafe - found.unsafe) < 0.02)
        #expect(abs(expected.safe - found.safe) < 0.02)
      }
    }

    /// Puts other numbers at the beginning of a tensor of 32-bit numbers.
    private func overwrite(_ tensor: String, in path: String, with numbers: [Float]) throws {
      var data = try Data(contentsOf: URL(filePath: path))
      let headerBytes = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = try #require(
        try JSONSerialization.jsonObject(with: data[8..<8 + headerBytes]) as? [String: Any])
      let entry = try #require(header[tensor] as? [String: Any])
      let start = 8 + headerBytes + (try #require(entry["data_offsets"] as? [Int]))[0]
      let bytes = unsafe numbers.withUnsafeBytes { unsafe Data($0) }
      data.replaceSubrange(start..<start + bytes.count, with: bytes)
      try data.write(to: URL(filePath: path))
    }
  }
}
