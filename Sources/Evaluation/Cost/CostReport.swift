/// What judging costs on this machine, in the terms of HarmAug's table of costs.
package struct CostReport: Hashable, Sendable {
  /// What the model ran on, such as `cpu (16 threads)`.
  package let device: String
  /// Exchanges that were measured.
  package let exchanges: Int
  /// Token ids of an exchange, the mean.
  package let tokensPerExchange: Double
  /// Floating-point operations for one token, the mean over these exchanges.
  package let operationsPerToken: Double
  /// Seconds for one token when all exchanges are judged together, the middle of several rounds.
  package let secondsPerToken: Double
  /// Seconds for an exchange that is judged alone: half of them take less.
  package let secondsAlone: Double
  /// 99 of 100 take less.
  package let secondsAloneMost: Double
  /// The most memory that the process has had resident, in bytes.
  package let peakMemoryBytes: Int
  /// What an hour of this machine costs; nil where nobody said.
  package let pricePerHour: Double?

  /// What a million such exchanges cost, judged together; nil without a price.
  package var pricePerMillion: Double? {
    pricePerHour.map { $0 / 3600 * tokensPerExchange * secondsPerToken * 1e6 }
  }

  /// A row of HarmAug's table: WildGuardMix's test set of 1,725 exchanges on an A100
  /// (arXiv 2410.01524, table 3).
  package struct Published: Hashable, Sendable {
    package let model: String
    package let operationsPerToken: Double
    package let secondsPerToken: Double
    package let peakMemoryBytes: Int
    /// In dollars, for the whole set.
    package let price: Double

    /// What a million such exchanges cost by that.
    package var pricePerMillion: Double { price / 1725 * 1e6 }
  }

  package static let published = [
    Published(
      model: "WildGuard, 7B", operationsPerToken: 131.9e9, secondsPerToken: 722e-6,
      peakMemoryBytes: 22_600_000_000, price: 0.180),
    Published(
      model: "Llama-Guard-3, 8B", operationsPerToken: 124e9, secondsPerToken: 172.6e-6,
      peakMemoryBytes: 28_800_000_000, price: 0.083),
    Published(
      model: "DeBERTa-v3-large, HarmAug", operationsPerToken: 0.744e9, secondsPerToken: 43.2e-6,
      peakMemoryBytes: 3_370_000_000, price: 0.022),
  ]
}
