internal import Presentation

// The table of costs, as terminal and page show it.
extension CostReport {
  static let columns = [
    "cost", "FLOPs/token", "latency/token", "peak memory", "a million exchanges",
  ]

  /// This model's row, then the published ones.
  func rows(_ model: String) -> [[String]] {
    let own = Self.row(
      "\(model) on \(device)", operationsPerToken, secondsPerToken, peakMemoryBytes,
      pricePerMillion.map { fixed($0, 2) } ?? "–")
    return [own]
      + Self.published.map { row in
        Self.row(
          "\(row.model), A100", row.operationsPerToken, row.secondsPerToken,
          row.peakMemoryBytes, "$" + fixed(row.pricePerMillion, 2))
      }
  }

  /// What the figures are of.
  var notes: [String] {
    let price = pricePerHour.map { ", at \(fixed($0, 2)) an hour" } ?? ""
    return [
      "\(grouped(exchanges)) exchanges of \(fixed(tokensPerExchange, 0)) tokens in the mean"
        + "\(price); an exchange alone takes \(milliseconds(secondsAlone)) (p50), "
        + "\(milliseconds(secondsAloneMost)) (p99)",
      "published: HarmAug, table 3, on WildGuardMix's test set (other exchanges, and other prices)",
    ]
  }

  private static func row(
    _ name: String, _ operations: Double, _ seconds: Double, _ memory: Int, _ price: String
  ) -> [String] {
    let giga = operations / 1e9
    return [
      name, fixed(giga, giga < 1 ? 3 : 1) + " G", fixed(seconds * 1e6, 1) + " µs",
      fixed(Double(memory) / 1e9, 2) + " GB", price,
    ]
  }

  private func milliseconds(_ seconds: Double) -> String { fixed(seconds * 1e3, 1) + " ms" }
}
