import Foundation
import TestSupport

/// One line of a golden folder's `cases.jsonl`.
struct GoldenCase: Decodable {
  let id: String
  let token_ids: [Int32]
  let logits: [Float]
  let p_unsafe: Double

  static let folders = ["v3-style", "c2p-only-unshared", "absolute-positions", "v3-truncated"]

  /// Every case of a folder.
  static func all(in folder: String) throws -> [GoldenCase] {
    let text = try String(
      contentsOfFile: Fixtures.golden(folder) + "/cases.jsonl", encoding: .utf8)
    return try text.split(separator: "\n").map {
      try JSONDecoder().decode(GoldenCase.self, from: Data($0.utf8))
    }
  }
}
