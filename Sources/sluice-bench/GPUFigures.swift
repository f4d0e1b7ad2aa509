import CudaDeBERTa
import Files
import Foundation
import Presentation
internal import StrictJSON

/// What a run on a GPU measured, as tables and as JSON.
struct GPUFigures: Encodable {
  struct Row: Encodable {
    let precision: String
    let workload: String
    let tokensPerSecond: Double
    /// Of P(unsafe), against the CPU in single precision.
    let largestDifference: Double
    let meanDifference: Double
    let decisionAgreement: Double
    /// Of single sequences of 128 tokens on an idle GPU.
    let singleMedianMilliseconds: Double
    let single99Milliseconds: Double
  }

  struct StepRow: Encodable {
    let step: String
    let nanosecondsPerToken: Double
    /// At the measured peak of products, or of copies where that takes longer.
    let leastNanosecondsPerToken: Double
    let isBoundByMemory: Bool
  }

  /// What `peers/gpu_peers.py` writes, as far as it is compared.
  struct Peers: Codable {
    struct Row: Codable {
      let engine: String
      let dtype: String
      let workload: String
      var tokens_per_second: Double?
      var error: String?
    }

    let rows: [Row]
  }

  let device: String
  /// Operations a second by precision, and bytes a second.
  let peakOperations: [String: Double]
  let peakBytes: Double
  var rows: [Row] = []
  /// By precision and workload.
  var steps: [String: [StepRow]] = [:]
  var failures: [String: String] = [:]
  var peers: Peers?

  init(device: String, peaks: DevicePeaks) {
    self.device = device
    peakOperations = Dictionary(
      uniqueKeysWithValues: peaks.operations.map { ($0.key.rawValue, $0.value) })
    peakBytes = peaks.bytes
  }

  var peaksTable: String {
    var table = TextTable(.figures, header: ["peak", "measured"])
    for (precision, operations) in peakOperations.sorted(by: { $0.key < $1.key }) {
      table.add(["\(precision) product", "\(Self.text(operations / 1e12, digits: 1)) TFLOP/s"])
    }
    table.add(["copy, reads and writes", "\(Self.text(peakBytes / 1e12, digits: 2)) TB/s"])
    return table.text
  }

  var table: String {
    var table = TextTable(
      .figures,
      header: [
        "precision, workload", "tokens/s", "ΔP max", "ΔP mean", "decisions", "single p50 ms",
        "p99 ms",
      ])
    for row in rows {
      table.add([
        "\(row.precision), \(row.workload)", Self.text(row.tokensPerSecond, digits: 0),
        Self.text(row.largestDifference, digits: 5), Self.text(row.meanDifference, digits: 5),
        Self.text(100 * row.decisionAgreement, digits: 1) + " %",
        Self.text(row.singleMedianMilliseconds, digits: 2),
        Self.text(row.single99Milliseconds, digits: 2),
      ])
    }
    return table.text
  }

  static func stepsTable(_ name: String, _ steps: [StepRow]) -> String {
    var table = TextTable(
      .figures, header: [name, "ns/token", "least", "share of peak", "bound by"])
    for row in steps {
      let share =
        row.nanosecondsPerToken > 0
        ? row.leastNanosecondsPerToken / row.nanosecondsPerToken : 0
      table.add([
        row.step, text(row.nanosecondsPerToken, digits: 1),
        text(row.leastNanosecondsPerToken, digits: 1), text(100 * share, digits: 0) + " %",
        row.isBoundByMemory ? "memory" : "products",
      ])
    }
    let sum = steps.reduce(0) { $0 + $1.nanosecondsPerToken }
    let least = steps.reduce(0) { $0 + $1.leastNanosecondsPerToken }
    table.add([
      "all", text(sum, digits: 1), text(least, digits: 1),
      text(sum > 0 ? 100 * least / sum : 0, digits: 0) + " %", "",
    ])
    return table.text
  }

  /// Takes the peers' figures and prints how the best of ours compares with the best of theirs.
  mutating func add(peers data: Data) throws {
    let found = try JSONCoder.decode(Peers.self, from: data)
    peers = found
    var table = TextTable(
      .figures, header: ["workload", "Sluice", "best peer", "its tokens/s", "ratio"])
    for workload in Set(rows.map(\.workload)).sorted() {
      // 8-bit numbers are no match for the peers' 16-bit ones: they are left out here.
      let ours = rows.filter { $0.workload == workload && $0.precision != "fp8" }
        .max { $0.tokensPerSecond < $1.tokensPerSecond }
      let best = found.rows.filter { $0.workload == workload && $0.tokens_per_second != nil }
        .max { ($0.tokens_per_second ?? 0) < ($1.tokens_per_second ?? 0) }
      guard let ours, let best, let rate = best.tokens_per_second, rate > 0 else { continue }
      table.add([
        workload, "\(Self.text(ours.tokensPerSecond, digits: 0)) (\(ours.precision))",
        "\(best.engine) (\(best.dtype))", Self.text(rate, digits: 0),
        Self.text(ours.tokensPerSecond / rate, digits: 2),
      ])
    }
    print(table.text)
  }

  func write(to path: String) throws {
    try DurableFiles().replace(
      path, with: try JSONCoder.encode(self, .pretty, namesInfinity: true))
  }

  private static func text(_ number: Double, digits: Int) -> String {
    number.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
  }
}
