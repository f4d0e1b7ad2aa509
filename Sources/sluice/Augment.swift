import ArgumentParser
import Augmentation
import Basics
import Glibc
import Guard
import Records
import Settings
import Tensors

struct Augment: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invent harmful instructions and answers to them, labelled for training.",
    discussion: """
      The method of HarmAug: a language model is shown a few harmful prompts and asked for another
      one, with the beginning of an agreeing answer already written for it. Each new instruction
      gives a refusal, a harmful answer and the instruction alone, labelled by a teacher.

      The output is JSON lines, as all commands for training read them. Run the same command again
      after an interruption, or with a larger --instructions or budget: it goes on where it
      stopped. OUTPUT.journal has every answer of the servers, OUTPUT.manifest.json what was done.

      Example: sluice augment --data train.jsonl --exclude eval.jsonl --output new.jsonl \\
                 --instructions 1000 --generator http://localhost:8000 \\
                 --refuser http://localhost:8001 --complier http://localhost:8002 \\
                 --teacher http://localhost:8003

      Keys, time-outs and bounds of each server go into a file: --config augment.yaml.

      Exit codes: 0 when there are rows; 65 when not a single one was made, or the data will not
      do; 66 when a file of data is missing; 69 when a server is out of order for long; 73 when the
      output cannot be written; 78 for mistakes in the settings, and when a server refuses: the
      key, the model, the account, or one request after the other. After 69, 73 and 78 the same
      command goes on.
      """)

  @OptionGroup var data: AugmentDataOptions
  @OptionGroup var servers: AugmentServerOptions
  @OptionGroup var limits: AugmentLimitOptions

  @Option(help: "Instructions wanted.")
  var instructions = 1000

  @Option(help: "Exemplars in each request; the paper's figure shows 3, 5 are common.")
  var exemplars = 3

  @Option(help: "From which all random choices follow.")
  var seed: UInt64 = 42

  @Option(
    help: ArgumentHelp(
      "What the generator's answer begins with, or none; the paper's by default.",
      valueName: "text"))
  var prefix: String?

  @Option(help: "Temperature of generator, refuser and complier.")
  var temperature = 1.0

  @Option(help: "The share of the probability that tokens are drawn from.")
  var topP = 0.95

  @Option(help: "Instructions with this similarity to an exemplar or an earlier one are dropped.")
  var nearDuplicate = 0.7

  @Option(help: "Instructions with this similarity to a prompt of --exclude are dropped.")
  var leak = 0.6

  @Flag(help: "Also make a harmless instruction on the subject of each harmful one.")
  var benign = false

  @Option(help: "Attempts in which the refusal rate is also measured the other way.")
  var refusalTrials = 50

  @Option(
    help: "The guard model that the rows are for: what it flags already is dropped.")
  var student: String?

  @Option(help: "Share of the instructions that --student flags which are kept all the same.")
  var knownShare = 0.2

  func validate() throws {
    guard (0...1).contains(knownShare) else {
      throw ValidationError("--known-share: expected a number from 0 to 1")
    }
    try Self.check(instructions, "--instructions", 1...100_000_000)
    try Self.check(exemplars, "--exemplars", 1...32)
    try Self.check(refusalTrials, "--refusal-trials", 0...100_000_000)
    for (value, name) in [(nearDuplicate, "--near-duplicate"), (leak, "--leak")]
    where !(0.5...1).contains(value) {
      throw ValidationError("\(name): expected a number from 0.5 to 1")
    }
    guard (0...10).contains(temperature) else {
      throw ValidationError("--temperature: expected a number from 0 to 10")
    }
    guard topP > 0, topP <= 1 else {
      throw ValidationError("--top-p: expected a number above 0, at most 1")
    }
    guard prefix?.isEmpty != true else {
      throw ValidationError("--prefix: expected a text, or none")
    }
  }

  func run() async throws {
    do {
      try await augment()
    } catch {
      throw exitError(for: error)
    }
  }

  private func augment() async throws {
    let settings = try servers.settings()
    let sources = try AugmentationSources.read(data: data.data, exclude: data.exclude)
    let student = try student.map { try makeStudent($0) }
    let connected = try await AugmentationServers.connect(settings)
    let files = Augmentation.Files(output: data.output)
    let augmentation = try Augmentation(
      plan: plan(), servers: connected, sources: sources, student: student, files: files,
      concurrency: settings.generator?.concurrentRequestsMax ?? 1)
    let bar = AugmentProgress()
    defer { bar.finish() }
    let manifest = try await augmentation.run { bar.show($0) }
    bar.finish()
    printError(AugmentSummary(manifest: manifest, files: files).text)
    if manifest.counts.rowsTotal == 0 {
      throw fail("not a single row was made", code: ExitStatus.data.rawValue)
    }
  }

  /// A guard model on the CPU, at the threshold that was fitted to it, else at one half.
  private func makeStudent(_ folder: String) throws -> AugmentationStudent {
    let model = try GuardModel(settings: ModelSettings(path: folder), pool: WorkerPool())
    let threshold = Float(model.calibration?.threshold ?? 0.5)
    return AugmentationStudent(model: "\(model.model) \(model.hash)", keptShare: knownShare) {
      text in
      let sequences = model.truncatedSequences(for: Exchange(prompt: text, response: nil))
      return try model.scores(sequences.prompt)[0].reaches(threshold)
    }
  }

  private func plan() -> AugmentationPlan {
    var plan = AugmentationPlan()
    plan.seed = seed
    plan.instructions = instructions
    plan.exemplars = exemplars
    if let prefix { plan.prefix = prefix == "none" ? nil : prefix }
    plan.temperature = temperature
    plan.topP = topP
    plan.nearDuplicate = nearDuplicate
    plan.leak = leak
    plan.makesBenign = benign
    plan.refusalTrials = refusalTrials
    limits.apply(to: &plan)
    return plan
  }

  static func check(_ value: Int?, _ name: String, _ range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(name): expected a number from \(range.lowerBound) to \(range.upperBound)")
  }
}
