import CudaDeBERTa
import CudaDevice
import DeBERTa
import Foundation
import Tensors
import TestSupport
import Testing

extension EmulatedGPUTests {
  /// Models of all shapes that the kernels have variants for, against the CPU engine.
  @Suite struct ShapeTests {
    /// A step of one token may be two slots: there are as many buckets as distances.
    @Test(arguments: [80, 75]) func slotsThatClimbByTwoAreRefused(architecture: Int) throws {
      let folder = try makeModel(Shape(buckets: 140))
      let cuda = try EmulatedCuda(architecture: architecture)
      do {
        _ = try EmulatedModel(folder.path + "/model", .fp16, on: cuda)
        Issue.record("that runs?")
      } catch CudaFailure.unsupported(let reason) {
        #expect(reason.contains("140 position_buckets for distances up to 140"))
      }
    }

    /// The switches that lead to other kernels or other operands.
    struct Shape: CustomTestStringConvertible {
      var architecture = 80
      var headSize = 32
      var heads = 2
      var embedding: Int?
      var types = 0
      var hasPositions = false
      var terms = "p2c|c2p"
      var buckets = 16
      var precision = Precision.fp16

      var testDescription: String {
        "sm_\(architecture), head \(headSize), embedding \(embedding ?? 0), \(terms), "
          + "\(buckets) buckets, \(precision)"
      }

      var json: String {
        let hidden = headSize * heads
        return """
          {"model_type": "deberta-v2", "vocab_size": 300, "hidden_size": \(hidden),
           "embedding_size": \(embedding ?? hidden), "num_hidden_layers": 3,
           "num_attention_heads": \(heads), "intermediate_size": \(3 * hidden),
           "max_position_embeddings": 140, "type_vocab_size": \(types), "layer_norm_eps": 1e-7,
           "relative_attention": \(!terms.isEmpty), "max_relative_positions": -1,
           "position_buckets": \(buckets), "norm_rel_ebd": "layer_norm", "share_att_key": true,
           "pos_att_type": "\(terms)", "position_biased_input": \(hasPositions)}
          """
      }

      static let all = [
        Shape(), Shape(precision: .bf16), Shape(architecture: 75),
        Shape(architecture: 75, headSize: 16, heads: 3), Shape(headSize: 64, heads: 1),
        Shape(embedding: 24, types: 1), Shape(heads: 3, types: 1, hasPositions: true),
        Shape(hasPositions: true, terms: ""), Shape(terms: "c2p"), Shape(terms: "p2c"),
        Shape(terms: "p2c|c2p", buckets: -1), Shape(heads: 3, buckets: 2),
        Shape(buckets: 100),
      ]
    }

    @Test(arguments: Shape.all) func everyShapeHasTheCPUsScores(shape: Shape) throws {
      let folder = try makeModel(shape)
      let loaded = try LoadedModel(folder: folder.path + "/model", pool: EmulatedModel.pool)
      let cpu = DeBERTaClassifier(loaded, pool: EmulatedModel.pool)
      let cuda = try EmulatedCuda(architecture: shape.architecture)
      let gpu = try EmulatedModel(folder.path + "/model", shape.precision, on: cuda).classifier
      var random = SeededGenerator(seed: 3)
      let batch = TokenBatch(
        [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129, 140].map { length in
          (0..<length).map { _ in Int32.random(in: 0..<300, using: &random) }
        })
      let expected = try cpu.classify(batch)
      let found = try gpu.classify(batch)
      let bound = shape.precision == .fp16 ? 0.01 : 0.05
      for (index, (expected, found)) in zip(expected, found).enumerated() {
        let difference = abs(expected.unsafeProbability - found.unsafeProbability)
        #expect(difference < bound, "\(batch.range(of: index).count) tokens")
      }
      // Otherwise the comparison would say nothing.
      let scores = expected.map(\.unsafeProbability)
      #expect((scores.max() ?? 0) - (scores.min() ?? 0) > 0.05)
    }

    /// A model with random weights, wild enough that sequences differ: folder `model` in the
    /// result.
    private func makeModel(_ shape: Shape) throws -> TemporaryDirectory {
      let directory = try TemporaryDirectory()
      for name in ["source", "model"] {
        try FileManager.default.createDirectory(
          atPath: directory.path + "/" + name, withIntermediateDirectories: false)
      }
      let source = directory.path + "/source"
      try Data(shape.json.utf8).write(to: URL(filePath: source + "/config.json"))
      try Data([0]).write(to: URL(filePath: source + "/spm.model"))
      let model = TrainableModel(
        configuration: try ModelConfiguration(json: Data(shape.json.utf8)), seed: 8,
        deviation: 0.23, pool: EmulatedModel.pool)
      try model.save(to: directory.path + "/model", like: source, format: .float32)
      return directory
    }
  }
}
