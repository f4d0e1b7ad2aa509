internal import Basics
internal import Pipeline
package import Records
package import Settings
package import Tensors

/// How far scores of a narrower format may be from those of 32-bit floats.
package struct PrecisionBounds: Hashable, Sendable {
  /// Of the differences of P(unsafe).
  package let mean: Double
  /// Of each difference; nil for any.
  package let largest: Double?
  /// The share of decisions that must be the same; nil for any.
  package let agreement: Double?
}

extension ProductFormat {
  /// How far scores may be from those of 32-bit floats.
  package var bounds: PrecisionBounds {
    switch self {
    case .bf16: PrecisionBounds(mean: 0.002, largest: 0.02, agreement: nil)
    case .int8: PrecisionBounds(mean: 0.01, largest: nil, agreement: 0.995)
    }
  }
}

/// Judges many exchanges with a model on the CPU, in 32-bit floats and in narrower formats.
package struct PrecisionTrial {
  /// What one format did.
  package struct Finding: Hashable, Sendable {
    package let precision: String
    /// Differences of P(unsafe).
    package let largest: Double
    package let mean: Double
    /// The share of exchanges that were decided the same way.
    package let agreement: Double
    /// What is beyond the format's bounds; empty where it keeps to them.
    package let complaints: [String]
    /// What judging took.
    package let seconds: Double
  }

  /// Exchanges that were judged.
  package let exchanges: Int
  /// What judging in 32-bit floats took, in seconds.
  package let seconds: Double
  private let settings: ModelSettings
  private let sequences: [ExchangeSequences]
  private let threshold: Float
  private let pool: WorkerPool
  private let exact: [Score]

  /// Judges in 32-bit floats.
  ///
  /// - Parameters:
  ///   - given: those that need more windows than the settings allow are left out.
  ///   - threshold: what decides.
  /// - Throws: `GuardModelFailure` where the model cannot judge.
  package init(
    settings: ModelSettings, exchanges given: [Exchange], threshold: Float, pool: WorkerPool
  ) throws(GuardModelFailure) {
    self.settings = settings
    self.threshold = threshold
    self.pool = pool
    let model = try GuardModel(settings: settings, pool: pool)
    sequences = given.compactMap { exchange in
      do throws(TokenizationFailure) { return try model.sequences(for: exchange) } catch {
        return nil
      }
    }
    exchanges = sequences.count
    (exact, seconds) = try Self.scores(sequences, by: model)
  }

  /// Judges in one format.
  ///
  /// - Throws: `GuardModelFailure` where the model cannot judge.
  package func finding(of format: ProductFormat) throws(GuardModelFailure) -> Finding {
    let model = try GuardModel(
      settings: settings, device: InferenceDevice(pool: pool, uncompared: format))
    let (scores, seconds) = try Self.scores(sequences, by: model)
    let pairs = zip(scores, exact)
    let differences = pairs.map { Double(abs($0.rawValue - $1.rawValue)) }
    let same = pairs.count { $0.reaches(threshold) == $1.reaches(threshold) }
    let count = Double(max(1, exchanges))
    let (mean, agreement) = (differences.reduce(0, +) / count, Double(same) / count)
    let largest = differences.max() ?? 0
    return Finding(
      precision: format.rawValue, largest: largest, mean: mean, agreement: agreement,
      complaints: format.bounds.complaints(mean: mean, largest: largest, agreement: agreement),
      seconds: seconds)
  }

  private static func scores(
    _ sequences: [ExchangeSequences], by model: GuardModel
  ) throws(GuardModelFailure) -> ([Score], seconds: Double) {
    let clock = ContinuousClock()
    let start = clock.now
    do throws(ClassifierFailure) {
      let judgements = try model.judge(sequences)
      return (judgements.map(\.score), (clock.now - start).seconds)
    } catch {
      throw .unusable(error.detail)
    }
  }
}

extension PrecisionBounds {
  fileprivate func complaints(mean: Double, largest: Double, agreement: Double) -> [String] {
    var complaints: [String] = []
    if !(mean <= self.mean) { complaints.append("differs by more than \(self.mean) in the mean") }
    if let bound = self.largest, !(largest <= bound) {
      complaints.append("differs by more than \(bound)")
    }
    if let bound = self.agreement, !(agreement >= bound) {
      complaints.append("decides less than \(bound * 100) % the same way")
    }
    return complaints
  }
}
