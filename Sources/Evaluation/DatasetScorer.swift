internal import Basics
package import Datasets
package import Guard
internal import Pipeline
internal import Records
internal import Settings
package import Tensors

/// Judges datasets with a guard model: of a row with a response the pair, of another the prompt.
package struct DatasetScorer: Sendable {
  private let model: GuardModel
  private let truncates: Bool

  /// Token ids between two reports of progress, unless one sequence is longer.
  private static let portionTokensMax = 4096
  /// Windows of one row at most: more than any row that `DatasetFile` reads can need.
  private static let windowsMax = 1 << 24

  /// - Parameter truncates: cut long texts to one window as Hugging Face does, instead of judging
  ///   all of it in windows; for comparisons with published figures only.
  package init(model: GuardModel, truncates: Bool = false) {
    self.model = model
    self.truncates = truncates
  }

  /// Loads a model the way that evaluation needs it.
  package static func load(
    model path: String, pool: WorkerPool
  ) throws(EvaluationFailure) -> GuardModel {
    var settings = ModelSettings(path: path)
    settings.views = [.response]
    settings.windowsMax = windowsMax
    do throws(GuardModelFailure) {
      return try GuardModel(settings: settings, pool: pool)
    } catch {
      throw .model(error)
    }
  }

  /// Scores every example.
  ///
  /// Sequences are packed by length, the longest first, so that memory is reserved once and the
  /// time left is not underestimated.
  ///
  /// - Parameter progress: called after each portion, on the calling thread.
  package func score(
    _ examples: [LabelledExample], name: String, progress: (ScoringProgress) -> Void = { _ in }
  ) throws(EvaluationFailure) -> ScoredSet {
    var sequences: [Sequence] = []
    var sizes: [(tokens: Int, windows: Int)] = []
    for (row, example) in examples.enumerated() {
      let windows = try windows(of: example, row: row, name: name)
      sizes.append((windows.reduce(0) { $0 + $1.count }, windows.count))
      sequences += windows.map { Sequence(row: row, tokens: $0) }
    }
    let margins = try margins(of: &sequences, rows: examples.count, progress: progress)
    let rows = examples.indices.map { row in
      ScoredRow(
        margin: margins[row], score: Double(model.score(margin: margins[row]).rawValue),
        isUnsafe: examples[row].isUnsafe, source: examples[row].source, tokens: sizes[row].tokens,
        windows: sizes[row].windows)
    }
    return ScoredSet(name: name, rows: rows)
  }

  private struct Sequence {
    let row: Int
    let tokens: TokenSequence
  }

  private func windows(
    of example: LabelledExample, row: Int, name: String
  ) throws(EvaluationFailure) -> [TokenSequence] {
    let exchange = Exchange(prompt: example.prompt, response: example.response)
    let sequences: ExchangeSequences
    do throws(TokenizationFailure) {
      sequences =
        truncates ? model.truncatedSequences(for: exchange) : try model.sequences(for: exchange)
    } catch {
      throw .unsuitable("\(name): row \(row + 1) \(error.detail)")
    }
    return sequences.response.isEmpty ? sequences.prompt : sequences.response
  }

  /// The largest margin of each row.
  private func margins(
    of sequences: inout [Sequence], rows: Int, progress: (ScoringProgress) -> Void
  ) throws(EvaluationFailure) -> [Double] {
    sequences.sort { $0.tokens.count > $1.tokens.count }
    let total = sequences.reduce(0) { $0 + $1.tokens.count }
    var margins = [Double](repeating: -.infinity, count: rows)
    var done = 0
    var rest = sequences[...]
    while !rest.isEmpty {
      var tokens = 0
      let portion = rest.prefix { sequence in
        defer { tokens += sequence.tokens.count }
        return tokens == 0 || tokens + sequence.tokens.count <= Self.portionTokensMax
      }
      rest = rest.dropFirst(portion.count)
      do throws(ClassifierFailure) {
        for (sequence, margin) in zip(portion, try model.margins(portion.map(\.tokens))) {
          margins[sequence.row] = max(margins[sequence.row], margin)
          done += sequence.tokens.count
        }
      } catch {
        throw .classifier(error)
      }
      progress(ScoringProgress(tokens: done, tokensTotal: total))
    }
    return margins
  }
}

/// How far the scoring of a dataset is.
package struct ScoringProgress: Hashable, Sendable {
  /// Token ids judged.
  package let tokens: Int
  package let tokensTotal: Int
}
