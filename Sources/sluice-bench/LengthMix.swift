import Basics
import Foundation
internal import StrictJSON

/// Sequence lengths to measure with, and token ids to fill them.
struct LengthMix {
  /// Tokens of each sequence.
  let lengths: [Int]

  /// Lengths given on the command line.
  init(lengths: [Int]) {
    self.lengths = lengths
  }

  /// The lengths of `rows` exchanges from a file of JSON lines with `prompt` and `response`, spread
  /// evenly over the file: a token stands for 4.2 characters, three control tokens are added, and
  /// 512 tokens are the limit, as in `peers/cpu_peers.py`.
  init(file: String, rows: Int) throws {
    struct Exchange: Decodable {
      let prompt: String
      let response: String?
    }
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    let step = max(1, lines.count / max(1, rows))
    lengths = try stride(from: 0, to: lines.count, by: step).prefix(rows).map {
      let exchange = try JSONCoder.decode(Exchange.self, from: Data(lines[$0].utf8))
      let characters =
        exchange.prompt.unicodeScalars.count
        + (exchange.response ?? "").unicodeScalars.count
      return max(8, min(512, Int(Double(characters) / 4.2) + 3))
    }
  }

  /// Tokens in all.
  var tokens: Int { lengths.reduce(0, +) }

  /// Sequences of pseudo-random ordinary pieces, the same in each run.
  func sequences(vocabulary: Int) -> [[Int32]] {
    var random = SplitMix64(seed: 1)
    let low = min(1000, vocabulary - 1)
    return lengths.map { length in
      (0..<length).map { _ in
        Int32(low + random.next(below: max(1, vocabulary - low - 1)))
      }
    }
  }
}
