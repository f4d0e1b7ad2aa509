internal import Basics
internal import Datasets
internal import Evaluation
internal import Foundation
internal import Guard
internal import Metrics
internal import Pipeline
internal import Settings
internal import Tensors

/// Lets champion and candidate judge the same texts, for the gate.
struct Examination {
  let champion: GuardModel
  let candidate: GuardModel
  let threshold: Double
  let replicates: Int

  private static let latencyRounds = 5
  private static let latencyRows = 32

  /// Both models as the daemon would load them, the candidate after its self-test.
  init(
    champion: String, candidate: String, settings: ModelSettings, threshold: Double,
    replicates: Int, pool: WorkerPool
  ) throws(RetrainFailure) {
    func load(_ folder: String) throws(GuardModelFailure) -> GuardModel {
      var own = settings
      own.path = folder
      return try GuardModel(settings: own, pool: pool)
    }
    do throws(GuardModelFailure) {
      self.champion = try load(champion)
    } catch {
      throw .model("\(error)")
    }
    do throws(GuardModelFailure) {
      self.candidate = try load(candidate)
      try self.candidate.selfTest(folder: candidate)
    } catch {
      throw .training("the candidate: \(error)")
    }
    self.threshold = threshold
    self.replicates = replicates
  }

  /// Both models' scores of the same rows; of a row with a response the pair counts.
  func pair(_ rows: [LabelledExample], name: String) throws(RetrainFailure) -> ScoredPair {
    do throws(EvaluationFailure) {
      let old = try DatasetScorer(model: champion).score(rows, name: name)
      let new = try DatasetScorer(model: candidate).score(rows, name: name)
      return try ScoredPair(
        champion: old, candidate: new,
        options: MeasurementOptions(
          threshold: threshold, bootstrap: Bootstrap(replicates: replicates, seed: 42)))
    } catch {
      throw .data("\(error)")
    }
  }

  /// What the candidate lets pass of rows that it flags, once they are changed.
  func evasion(_ gold: [LabelledExample], _ scored: ScoredSet, rowsMax: Int)
    throws(RetrainFailure) -> EvasionReport.Findings
  {
    var trial = EvasionTrial()
    trial.rowsMax = rowsMax
    do throws(EvaluationFailure) {
      return try trial.run(
        gold, scored, threshold: threshold, with: DatasetScorer(model: candidate)
      ) { _ in }
    } catch {
      throw .data("\(error)")
    }
  }

  /// The candidate's time for some sequences by the champion's: the middle of several rounds in
  /// turns, so that a disturbance hits both.
  func latencyRatio(on rows: [LabelledExample]) throws(RetrainFailure) -> Double {
    let texts = rows.prefix(Self.latencyRows).map { ($0.prompt, $0.response) }
    func seconds(_ model: GuardModel) throws(ClassifierFailure) -> Double {
      let sequences = texts.map { prompt, response in
        model.encoder.truncatedSequence(
          model.encoder.pieces(of: prompt), response.map { model.encoder.pieces(of: $0) })
      }
      let start = ContinuousClock.now
      _ = try model.scores(sequences)
      return (ContinuousClock.now - start).seconds
    }
    do throws(ClassifierFailure) {
      try champion.warmUp()
      try candidate.warmUp()
      var ratios: [Double] = []
      for _ in 0..<Self.latencyRounds {
        let before = try seconds(champion)
        ratios.append(try seconds(candidate) / max(before, 1e-9))
      }
      return ratios.sorted()[ratios.count / 2]
    } catch {
      throw .training("the model failed: \(error.detail)")
    }
  }
}
