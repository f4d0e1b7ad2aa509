package import Foundation

/// One text of a golden folder with what the reference (transformers on PyTorch) makes of it.
package struct GoldenCase: Decodable, Sendable {
  package let id: String
  package let prompt: String
  package let response: String?
  package let token_ids: [Int32]
  /// Where the second text begins, for a model with token types.
  package let second_start: Int?
  package let logits: [Float]
  package let p_unsafe: Double

  /// The folders that `Tests/Fixtures/make_golden.py` writes.
  package static let folders = [
    "v3-style", "c2p-only-unshared", "absolute-positions", "v3-truncated",
  ]

  /// The folders that `Tests/Fixtures/make_backbone_golden.py` writes: no tokenizer, and no texts.
  package static let backbones = [
    "bert", "roberta", "roberta-types", "deberta-types", "deberta-convolution",
    "deberta-convolution-groups",
  ]

  /// Where a golden folder is.
  package static func url(_ folder: String) -> URL {
    SourceTree.url("Tests/Fixtures/golden/\(folder)")
  }

  /// The cases of a golden folder.
  package static func load(_ folder: String) throws -> [GoldenCase] {
    let data = try Data(contentsOf: url(folder).appending(path: "cases.jsonl"))
    return try data.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(GoldenCase.self, from: $0)
    }
  }
}
