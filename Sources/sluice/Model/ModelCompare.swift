import ArgumentParser
import Demonstration
import Foundation
import Guard
import Pipeline
import Presentation
import Records
import Settings
internal import StrictJSON
import Tensors
import Wire

struct ModelCompare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Measure what narrower numbers than 32-bit floats do to a model's scores.",
    discussion: """
      Judges the same exchanges on the CPU in 32-bit floats and in each precision, and says how far
      P(unsafe) is off and how many decisions are others. bf16 may differ by 0.02, and by 0.002 in
      the mean; int8 by 0.01 in the mean, and must decide 99.5 % the same way.

      A model is compared on a few texts each time that it is loaded, too; here it is on as many as
      you like, such as a day of your own traffic.

      Exit codes: 0 when every precision keeps to its bounds, 65 when one does not or nothing can be
      judged, 66 when a file or the model is missing, 69 when this processor has none of them.

      Example: sluice model compare /var/lib/sluice/models/current
      Example: sluice model compare ./guard --precision int8 --data exchanges.jsonl --json
      """)

  @Argument(help: "A model folder in Hugging Face's layout.")
  var folder: String

  @Option(help: "bf16 or int8; by default all that this processor has fast instructions for.")
  var precision: Precision?

  @Option(
    parsing: .upToNextOption,
    help: "JSON lines with prompt and response; by default the demo's texts.")
  var data: [String] = []

  @Option(help: "What P(unsafe) must reach to be flagged.")
  var threshold: Float = 0.5

  @Option(help: "Threads of the CPU; 0 takes one per core.")
  var threads = 0

  @Flag(help: "One JSON object a precision.")
  var json = false

  enum Precision: String, ExpressibleByArgument, CaseIterable {
    case bf16, int8
  }

  func validate() throws {
    guard (0...1).contains(threshold) else {
      throw ValidationError("--threshold: expected a number from 0 to 1")
    }
    guard (0...4096).contains(threads) else {
      throw ValidationError("--threads: expected a number from 0 to 4096")
    }
  }

  func run() throws {
    try exiting { if try !compare() { throw ExitCode(65) } }
  }

  /// Whether every precision keeps to its bounds.
  private func compare() throws -> Bool {
    let formats = try chosenFormats()
    let exchanges = try exchanges()
    let trial = try PrecisionTrial(
      settings: ModelSettings(path: folder), exchanges: exchanges, threshold: threshold,
      pool: WorkerPool(workers: threads))
    guard trial.exchanges > 0 else { throw fail("there is nothing to judge", code: 65) }
    var table = TextTable(
      .words, header: ["PRECISION", "MEAN", "LARGEST", "SAME DECISIONS", "SPEED", "RESULT"])
    var isGood = true
    for format in formats {
      let finding = try trial.finding(of: format)
      isGood = isGood && finding.complaints.isEmpty
      let speed = trial.seconds / finding.seconds
      if json {
        try printJSON(Line(finding, exchanges: trial.exchanges, speed: speed))
        continue
      }
      table.add([
        finding.precision, finding.mean.formatted(.number.precision(.fractionLength(5))),
        finding.largest.formatted(.number.precision(.fractionLength(4))),
        finding.agreement.formatted(.percent.precision(.fractionLength(2))),
        speed.formatted(.number.precision(.fractionLength(1))) + " x",
        finding.complaints.isEmpty ? "within bounds" : finding.complaints.joined(separator: "; "),
      ])
    }
    if !json {
      StandardOutput.say(
        "\(trial.exchanges) exchanges, beside fp32:\n\(table.text)"
          + (exchanges.count > trial.exchanges
            ? "\n\(exchanges.count - trial.exchanges) are too long and were left out" : ""))
    }
    return isGood
  }

  private func chosenFormats() throws -> [ProductFormat] {
    let wanted = precision.flatMap { ProductFormat(rawValue: $0.rawValue) }.map { [$0] }
    let formats = (wanted ?? ProductFormat.allCases).filter(\.isFast)
    if formats.isEmpty {
      throw fail(
        "this processor has no fast instructions for \(precision?.rawValue ?? "bf16 and int8")",
        code: 69)
    }
    return formats
  }

  private func exchanges() throws -> [Exchange] {
    if data.isEmpty { return try Self.exchanges(in: try Demonstration.texts(), of: "the demo") }
    return try data.flatMap { path in
      guard let text = FileManager.default.contents(atPath: path) else {
        throw fail("\(path): cannot be read", code: 66)
      }
      return try Self.exchanges(in: text, of: path)
    }
  }

  private static func exchanges(in text: Data, of name: String) throws -> [Exchange] {
    var decoder = ExchangeDecoder(defaultFormat: .json)
    var exchanges: [Exchange] = []
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do throws(DecodingFailure) {
        exchanges.append(try decoder.decode(Array(line).span, as: .json))
      } catch {
        throw fail("\(name):\(index + 1): \(error.detail)", code: 65)
      }
    }
    return exchanges
  }

  private struct Line: Encodable {
    let precision: String
    let exchanges: Int
    let mean: Double
    let largest: Double
    let agreement: Double
    let speed: Double
    let complaints: [String]

    init(_ finding: PrecisionTrial.Finding, exchanges: Int, speed: Double) {
      precision = finding.precision
      self.exchanges = exchanges
      (mean, largest, agreement) = (finding.mean, finding.largest, finding.agreement)
      self.speed = speed
      complaints = finding.complaints
    }
  }
}
