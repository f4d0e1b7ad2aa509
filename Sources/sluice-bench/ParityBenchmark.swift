import ArgumentParser
import Foundation
import Guard
import Records
import Settings
internal import StrictJSON
import Tensors

/// Judges the same texts on the CPU and on a GPU.
struct ParityBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parity",
    abstract: "Compare a GPU's scores of real texts with the CPU's.",
    discussion: """
      The exit code is 1 when a precision differs by more than it may: 0.005 at most in fp16, 0.02
      in bf16; 0.01 in the mean in fp8, with 99.5 % of the decisions the same.

      Example: sluice-bench parity --model guard-tiny --data demo.jsonl --precisions fp16,fp8
      """)

  @Option(help: "Model folder in Hugging Face layout, with trained weights.") var model: String
  @Option(help: "JSON lines with prompt and response.") var data: String
  @Option(help: "Exchanges to take from the data.") var rows = 1000
  @Option(help: "The GPU.") var device = "cuda:0"
  @Option(help: "Precisions, separated by commas.") var precisions = "fp16,bf16,fp8"
  @Flag(help: "Judge each text by itself, three times: that of small batches is recorded work.")
  var alone = false

  private struct Line: Decodable {
    let prompt: String
    let response: String?
  }

  func run() throws {
    guard let place = EngineSettings.Device(device) else {
      throw ValidationError("--device: expected cpu or cuda:N")
    }
    let settings = ModelSettings(path: model)
    let cpu = try GuardModel(settings: settings, pool: WorkerPool())
    let lines = try String(contentsOfFile: data, encoding: .utf8).split(separator: "\n")
    let sequences = try lines.compactMap {
      try? JSONCoder.decode(Line.self, from: Data($0.utf8))
    }
    .prefix(rows).flatMap { line in
      let exchange = Exchange(prompt: line.prompt, response: line.response)
      let sequences = try cpu.sequences(for: exchange)
      return sequences.prompt + sequences.response
    }
    let expected = try cpu.scores(sequences).map { Double($0.rawValue) }
    var isRight = true
    for name in precisions.split(separator: ",") {
      guard let precision = EngineSettings.Precision(rawValue: String(name)) else {
        throw ValidationError("--precisions: there is no \(name)")
      }
      do {
        let inference = try InferenceDevice(
          settings: EngineSettings(device: place, precision: precision),
          environment: ProcessInfo.processInfo.environment, slowed: { print("\(name): \($0)") })
        let gpu = try GuardModel(settings: settings, device: inference)
        for _ in 0..<(alone ? 3 : 1) {
          let found = try alone ? sequences.flatMap { try gpu.scores([$0]) } : gpu.scores(sequences)
          let numbers = found.map { Double($0.rawValue) }
          isRight = report(precision, expected, numbers, gpu.device) && isRight
        }
      } catch let failure as GuardModelFailure {
        print("\(name): \(failure)")
        isRight = false
      }
    }
    if !isRight { throw ExitCode(1) }
  }

  /// Prints the differences; whether they are within the bounds.
  private func report(
    _ precision: EngineSettings.Precision, _ expected: [Double], _ found: [Double], _ place: String
  ) -> Bool {
    let differences = zip(expected, found).map { abs($0 - $1) }
    let largest = differences.max() ?? .nan
    let mean = differences.reduce(0, +) / Double(differences.count)
    let same = zip(expected, found).count { ($0 >= 0.5) == ($1 >= 0.5) }
    let agreement = Double(same) / Double(differences.count)
    let isRight =
      switch precision {
      case .fp8, .int8: mean <= 0.01 && agreement >= 0.995
      case .bf16: largest <= 0.02
      case .fp16, .fp32, .auto: largest <= 0.005
      }
    let figures = [largest, mean].map { $0.formatted(.number.precision(.significantDigits(3))) }
    let share = agreement.formatted(.percent.precision(.fractionLength(2)))
    print(
      "\(place), \(found.count) sequences: largest difference \(figures[0]), mean \(figures[1]),"
        + " same decisions \(share): \(isRight ? "within bounds" : "OUT OF BOUNDS")")
    return isRight
  }
}
