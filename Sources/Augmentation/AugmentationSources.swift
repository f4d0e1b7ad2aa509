internal import Basics
package import Datasets

/// The texts that augmentation starts from and those that it must keep away from.
package struct AugmentationSources: Sendable {
  /// Bytes of an exemplar at most: longer prompts are stories rather than instructions.
  package static let exemplarBytesMax = 1000

  /// Harmful prompts, each once, on one line.
  package let exemplars: [String]
  /// Prompts of evaluation sets.
  package let evaluation: [String]

  /// Takes exemplars and evaluation prompts from labelled rows.
  ///
  /// Exemplars are the prompts labelled unsafe by themselves: where a response was judged with its
  /// prompt, the prompt may be harmless.
  package init(examples: [LabelledExample], evaluation: [LabelledExample]) {
    var seen: Set<String> = []
    exemplars = examples.filter { $0.isUnsafe && $0.response == nil }
      .map { Self.onOneLine($0.prompt) }
      .filter { !$0.isEmpty && $0.utf8.count <= Self.exemplarBytesMax && seen.insert($0).inserted }
    self.evaluation = evaluation.map(\.prompt)
  }

  /// Reads the files.
  ///
  /// - Throws: `AugmentationError.dataset` with file and line of the first mistake.
  package static func read(
    data: [String], exclude: [String]
  ) throws(AugmentationError) -> AugmentationSources {
    AugmentationSources(examples: try rows(data), evaluation: try rows(exclude))
  }

  /// Of all texts, in order.
  var digest: ContentDigest {
    var bytes: [UInt8] = []
    for texts in [exemplars, evaluation] {
      for text in texts { bytes += ContentDigest(prompt: text, response: nil).bytes }
      bytes.append(0)
    }
    return ContentDigest(of: bytes)
  }

  private static func rows(_ paths: [String]) throws(AugmentationError) -> [LabelledExample] {
    var rows: [LabelledExample] = []
    for path in paths {
      do throws(DatasetError) {
        rows += try DatasetFile.read(path)
      } catch {
        throw .dataset(error)
      }
    }
    return rows
  }

  private static func onOneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
