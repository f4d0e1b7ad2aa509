import Datasets
import Evaluation
import Foundation
import Metrics
import Retraining
import Settings
import TestSupport

/// The settings of a retrain job, with these lines in its section.
func retrainSettings(_ lines: String...) throws -> RetrainSettings {
  let yaml = """
    kafka: {bootstrap_servers: "x:1"}
    topics: {input: in, verdicts: out}
    model: {path: /m}
    label: {teacher: {url: "http://x"}}
    retrain:
    """ + "\n" + lines.map { "  \($0)" }.joined(separator: "\n")
  struct NoSection: Error {}
  guard let retrain = try Settings(yaml: yaml, file: "test").retrain else { throw NoSection() }
  return retrain
}

/// A row that says nothing that another number's says.
func row(_ number: Int, isUnsafe: Bool = false, response: String? = nil) -> LabelledExample {
  var generator = SeededGenerator(seed: UInt64(number))
  let letters = Array("abcdefghijklmnopqrstuvwxyz ")
  let text = String((0..<60).map { _ in letters.randomElement(using: &generator) ?? " " })
  return LabelledExample(
    id: "\(number)", prompt: text, response: response, isUnsafe: isUnsafe, source: "s")
}

/// Writes rows as a dataset; returns its path.
func write(
  _ rows: [LabelledExample], to name: String, in directory: TemporaryDirectory
) throws -> String {
  let path = "\(directory.path)/\(name).jsonl"
  try rows.map(DatasetFile.line).reduce(Data(), +).write(to: URL(filePath: path))
  return path
}

/// Rows as a model scores them: those of each class from a list of scores.
func scored(safe: [Double], unsafe: [Double], source: String = "s") -> ScoredSet {
  func rows(_ scores: [Double], _ isUnsafe: Bool) -> [ScoredRow] {
    scores.map { score in
      ScoredRow(
        margin: log(score / (1 - score)), score: score, isUnsafe: isUnsafe, source: source)
    }
  }
  return ScoredSet(name: "gold", rows: rows(safe, false) + rows(unsafe, true))
}
