internal import Basics
package import Datasets
package import Guard
internal import Pipeline
internal import Records
internal import Settings
package import Tensors

/// Judges datasets with a guard model: of a row with a response the pair, of another the prompt,
/// and of every row the prompt where the model is for prompts only.
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
    let readings = try readings(of: &sequences, rows: examples.count, progress: progress)
    let rows = zip(examples, readings).enumerated().map { row, pair in
      let (example, windows) = pair
      let margin = windows.map(\.margin).max() ?? -.infinity
      return ScoredRow(
        margin: margin, score: Double(model.score(margin: margin).rawValue),
        isUnsafe: example.isUnsafe, source: example.source, tokens: sizes[row].tokens,
        windows: sizes[row].windows, categories: model.categoryScores(windows),
        trueCategories: example.categories)
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

  /// What the model says of the windows of each row.
  private func readings(
    of sequences: inout [Sequence], rows: Int, progress: (ScoringProgress) -> Void
  ) throws(EvaluationFailure) -> [[GuardModel.Reading]] {
    sequences.sort { $0.tokens.count > $1.tokens.count }
    let total = sequences.reduce(0) { $0 + $1.tokens.count }
    var readings = [[GuardModel.Reading]](repeating: [], count: rows)
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
        for (sequence, reading) in zip(portion, try model.readings(portion.map(\.tokens))) {
          readings[sequence.row].append(reading)
          done += sequence.tokens.count
        }
      } catch {
        throw .classifier(error)
      }
      progress(ScoringProgress(tokens: done, tokensTotal: total))
    }
    return readings
  }
}

/// How far the scoring of a dataset is.
package struct ScoringProgress: Hashable, Sendable {
  /// Token ids judged.
  package let tokens: Int
  package let tokensTotal: Int
}
