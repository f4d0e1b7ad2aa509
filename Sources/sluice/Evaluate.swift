import ArgumentParser
import Evaluation
import Foundation
import Metrics
import Presentation
import Settings
import Tensors

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a model on labelled data.",
    discussion: """
      Writes report.json and report.html to the output folder and a table to standard output. Each
      file of examples is a set; a line is {"prompt": …, "response": … or null, "label": 0 or 1}.
      A row with a response is judged as a pair, another as a prompt alone; a model that is for
      prompts only judges all prompts alone.

      Example: sluice evaluate --data mine.jsonl --output report
      Example: sluice evaluate --model DIR --data xstest.jsonl toxicchat.jsonl --output report
      Example: sluice evaluate --model NEW --compare OLD --data gold.jsonl --output report
      Example: sluice evaluate --model DIR --fit-calibration held-out.jsonl \\
                 --false-positive-rate 0.02 --data gold.jsonl --output report

      Example: sluice evaluate --model DIR --data gold.jsonl --evade --output report

      The fit stores a temperature and a threshold in the model's sluice.json; all scores use the
      temperature from then on. A version of a registry never changes: fit a copy, and register it.
      """)

  @Option(
    name: .shortAndLong,
    help: "A model folder in Hugging Face's layout; by default the bundled model.")
  var model = ModelSettings.bundledPath

  @Option(
    name: .shortAndLong, parsing: .upToNextOption,
    help: "Files of labelled examples, as JSON lines.")
  var data: [String]

  @Option(name: .shortAndLong, help: "The folder for report.json and report.html.")
  var output: String

  @Option(
    help: "A second model, or bundled, to compare with, by paired bootstrap on the same rows.")
  var compare: String?

  @Option(
    parsing: .upToNextOption,
    help: "Held-out files to fit temperature and threshold on; stored with the model.")
  var fitCalibration: [String] = []

  @Option(help: "The share of safe held-out rows that the fitted threshold may flag.")
  var falsePositiveRate = 0.05

  @Option(help: "Count scores from here up as flagged.")
  var threshold = 0.5

  @Flag(help: "Cut long texts to one window, as Hugging Face does, instead of judging all of it.")
  var truncate = false

  @Flag(
    help:
      "Also change flagged unsafe rows in ways that keep their meaning, and tell how many pass.")
  var evade = false

  @Option(help: "Rows of each set that are changed at most.")
  var evadeRows = 200

  @Flag(help: "Also measure what judging costs on this machine, beside published figures.")
  var cost = false

  @Option(help: "What an hour of this machine costs, for prices in --cost.")
  var pricePerHour: Double?

  @Option(help: "Bootstrap replicates for the intervals; 0 for none.")
  var bootstrap = 1000

  @Option(help: "The seed of the bootstrap and of changes to texts.")
  var seed: UInt64 = 42

  @Option(help: "Threads; 0 takes one per core.")
  var threads = 0

  func validate() throws {
    guard (0...1).contains(threshold) else {
      throw ValidationError("--threshold: expected a number from 0 to 1")
    }
    guard (0...1).contains(falsePositiveRate) else {
      throw ValidationError("--false-positive-rate: expected a number from 0 to 1")
    }
    guard (0...Bootstrap.replicatesMax).contains(bootstrap) else {
      throw ValidationError("--bootstrap: expected a number from 0 to \(Bootstrap.replicatesMax)")
    }
    guard evadeRows >= 1 else { throw ValidationError("--evade-rows: expected at least 1") }
    guard pricePerHour ?? 0 >= 0, (pricePerHour ?? 0).isFinite else {
      throw ValidationError("--price-per-hour: expected a number from 0 up")
    }
    guard pricePerHour == nil || cost else {
      throw ValidationError("--price-per-hour: is for --cost")
    }
    guard (0...4096).contains(threads) else {
      throw ValidationError("--threads: expected a number from 0 to 4096")
    }
    let names = data.map { URL(filePath: $0).deletingPathExtension().lastPathComponent }
    guard !names.isEmpty else { throw ValidationError("--data: expected at least one file") }
    guard Set(names).count == names.count else {
      throw ValidationError("--data: two files have the same name, which is the set's name")
    }
    guard model != ModelSettings.bundledPath || fitCalibration.isEmpty else {
      throw ValidationError("--fit-calibration: needs --model; the bundled one never changes")
    }
    guard Set(data).isDisjoint(with: fitCalibration) else {
      throw ValidationError("--fit-calibration: a file of --data is not held out")
    }
  }

  func run() throws {
    var evaluator = Evaluator(model: model, data: data)
    evaluator.baseline = compare
    evaluator.fitData = fitCalibration
    evaluator.falsePositiveRate = falsePositiveRate
    evaluator.truncates = truncate
    if cost {
      var trial = CostTrial()
      trial.seed = seed
      trial.pricePerHour = pricePerHour
      evaluator.cost = trial
    }
    if evade {
      var trial = EvasionTrial()
      trial.rowsMax = evadeRows
      trial.seed = seed
      evaluator.evasion = trial
    }
    evaluator.options = MeasurementOptions(
      threshold: threshold, bootstrap: Bootstrap(replicates: bootstrap, seed: seed))
    do throws(EvaluationFailure) {
      try EvaluationReport.prepare(folder: output)
      let bar = ProgressBar()
      let report = try evaluator.run(pool: WorkerPool(workers: threads)) { progress in
        bar.show { line(progress, elapsed: bar.elapsed) }
      }
      bar.finish()
      try report.write(to: output)
      if report.rowsSharedWithFit > 0 {
        printError(
          "sluice: \(report.rowsSharedWithFit) evaluated rows also stand in the held-out files")
      }
      StandardOutput.say(report.text)
      StandardOutput.say("\n\(output)/\(EvaluationReport.pageName)")
    } catch {
      throw exitError(for: error)
    }
  }

  private func line(_ progress: EvaluationProgress, elapsed: Double) -> String {
    "\(ProgressBar.bar(share: progress.share)) \(Int(progress.share * 100)) %  \(progress.set)  "
      + "\(Int(Double(progress.tokens) / elapsed)) tokens/s  "
      + ProgressBar.timeLeft(share: progress.share, elapsed: elapsed)
  }
}
